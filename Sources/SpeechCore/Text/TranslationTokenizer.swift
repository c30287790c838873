public import Foundation

/// The tokenizer of a text decoder: NLLB, M2M-100, mBART, mBART-50, or one that
/// `SubwordVocabulary` wrote.
///
/// The pieces are those of the SentencePiece model beside the configuration; their ids are
/// fairseq's: `<s>`, `<pad>`, `</s>` and `<unk>` are 0 to 3, languages stand behind the pieces.
public struct TranslationTokenizer: Sendable {
    /// Whose ids and order of special tokens it has.
    public enum Kind: String, Sendable, CaseIterable {
        /// Codes such as `eng_Latn`.
        case nllb = "NllbTokenizer"
        /// Codes such as `en`, whose tokens are `__en__`.
        case m2m100 = "M2M100Tokenizer"
        /// Codes such as `en_XX`, behind the text.
        case mbart = "MBartTokenizer"
        /// Codes such as `en_XX`, before the text.
        case mbart50 = "MBart50Tokenizer"
        /// A vocabulary that was trained here, with tags such as `[eng]` or without.
        case own = "PreTrainedTokenizerFast"
    }

    /// Whose ids and order it has.
    public let kind: Kind
    /// The model that divides texts.
    public let model: SentencePieceModel
    /// The ids of the languages' tokens by code.
    public let languages: [String: Int]
    /// `<s>`, `<pad>`, `</s>` and `<unk>`.
    public let start, padding, end, unknown: Int
    /// One more than the highest id.
    public let count: Int
    private let path: String
    private let preparation: TextPreparation?
    /// Whether the language stands behind the text.
    private let hasLanguageLast: Bool
    /// The ids of the model's pieces.
    private let idsOfPieces: [Int]
    private let piecesOfIDs: [Int: Int]
    /// Special tokens as they are written out.
    private let specials: ByteTrie

    /// Reads the tokenizer of a model; nil where there is none of these kinds.
    ///
    /// - Throws: `SentencePieceError`, `JSONFileError` naming file and key, or `FileSystemError`.
    public init?(folder: URL) throws {
        guard let files = try TranslationTokenizerFiles(folder) else { return nil }
        kind = files.kind
        path = files.path
        model = files.model
        languages = files.languages
        start = files.start
        padding = files.padding
        end = files.end
        unknown = files.unknown
        preparation = files.preparation
        hasLanguageLast = files.hasLanguageLast
        idsOfPieces = files.idsOfPieces
        specials = ByteTrie(files.specials.map { (Array($0.key.text.utf8), $0.value) })
        let reserved = Set(files.specials.values)
        piecesOfIDs = files.idsOfPieces.enumerated().reduce(into: [:]) { pieces, entry in
            if !reserved.contains(entry.element) { pieces[entry.element] = entry.offset }
        }
        count = 1 + max(files.specials.values.max() ?? 0, files.idsOfPieces.max() ?? 0)
    }

    /// The ids of a text, without language and end; special tokens that are written out become theirs.
    public func encode(_ text: String) -> [Int] {
        let bytes = Array(text.utf8)
        return specials.parts(of: bytes).flatMap { part -> [Int] in
            if let special = part.value { return [special] }
            let text = String(decoding: bytes[part.range], as: UTF8.self)
            return model.encode(preparation?(text) ?? text).map { idsOfPieces[$0] }
        }
    }

    /// What this tokenizer calls a language: the code itself, else the only one that means the same, such
    /// as `deu_Latn` for `de`; nil where it has none.
    public func code(of language: String?) -> String? {
        guard let language else { return nil }
        if languages[language] != nil { return language }
        let same = languages.keys.filter { LanguageScripts.sameLanguage($0, language) }
        return same.count == 1 ? same[0] : nil
    }

    /// What a decoder learns to write for a text: language, text and end in the order of its kind.
    ///
    /// * `language`: A code of `languages`; of no importance where there are none.
    /// - Throws: `CTCTokenizerError.languageWithoutTag`.
    public func labels(of text: String, language: String?) throws -> [Int] {
        let ids = encode(text)
        guard !languages.isEmpty else { return ids + [end] }
        guard let code = language, let token = languages[code] else {
            throw CTCTokenizerError.languageWithoutTag(
                path: path, found: language, known: languages.keys.sorted())
        }
        return hasLanguageLast ? ids + [end, token] : [token] + ids + [end]
    }

    /// The text of some ids without special tokens; ids of nobody are left out, too.
    public func decode(_ ids: [Int]) -> String { model.decode(ids.compactMap { piecesOfIDs[$0] }) }
}
