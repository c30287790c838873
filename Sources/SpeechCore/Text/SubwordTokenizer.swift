public import Foundation

/// The tokenizer that `SubwordVocabulary` writes, read back from its folder.
///
/// Divides texts as `transformers` does with the same files: special tokens that are written out
/// become their ids, what stands between them is prepared and divided by the model.
public struct SubwordTokenizer: Sendable {
    /// The model.
    public let model: SentencePieceModel
    /// What the pieces are for.
    public let use: SubwordVocabulary.Use
    /// What is done to texts before they are divided.
    public let preparation: TextPreparation
    /// The id of `<pad>`: padding, and the blank of CTC.
    public let padding: Int
    /// The ids of `<s>` and `</s>`.
    public let start, end: Int
    /// The ids of the languages' tags, such as `[eng]`, by language.
    public let languageTags: [String: Int]
    /// Special tokens as they are written out.
    private let specials: ByteTrie

    /// Reads the tokenizer in a folder; nil where there is none of this kind.
    ///
    /// - Throws: `SentencePieceError`, `JSONFileError` naming file and key, or `FileSystemError`.
    public init?(folder: URL) throws {
        let path = folder.appendingPathComponent(SubwordVocabulary.fileName).path
        let configPath = folder.appendingPathComponent("tokenizer_config.json").path
        guard FileManager.default.fileExists(atPath: path),
            FileManager.default.fileExists(atPath: configPath)
        else { return nil }
        let config = try JSONFile(path: configPath)
        switch try config.string("tokenizer_class") {
        case "ParakeetTokenizer", "ParakeetTokenizerFast": use = .ctc
        case "PreTrainedTokenizerFast", "TokenizersBackend": use = .translation
        default: return nil
        }
        let model = try SentencePieceModel(path: path)
        func id(_ key: String, _ standard: String) throws -> Int {
            let token = try config.text(key) ?? standard
            guard let id = model.id(of: token) else {
                throw JSONFileError.wrongValue(
                    path: configPath, key: key, expected: "a piece of the model",
                    found: "the text \"\(token)\"")
            }
            return id
        }
        padding = try id("pad_token", "<pad>")
        start = try id("bos_token", "<s>")
        end = try id("eos_token", "</s>")
        preparation = try TextPreparation(config) ?? TextPreparation()
        languageTags = try config.languageTags { model.id(of: $0) }
        specials = ByteTrie(
            model.pieces.enumerated().compactMap { id, piece in
                piece.kind == .control || piece.kind == .unknown
                    ? (Array(piece.text.utf8), id) : nil
            })
        self.model = model
    }

    /// The ids of a text, without the end of a sentence.
    public func encode(_ text: String) -> [Int] {
        let bytes = Array(text.utf8)
        return specials.parts(of: bytes).flatMap { part -> [Int] in
            if let special = part.value { return [special] }
            return model.encode(
                preparation(String(decoding: bytes[part.range], as: UTF8.self)))
        }
    }

    /// The text of some ids.
    ///
    /// * `skipsSpecialTokens`: Whether padding, tags and the like are left out, too.
    public func decode(_ ids: [Int], skipsSpecialTokens: Bool = false) -> String {
        parts(of: ids, skipsSpecialTokens: skipsSpecialTokens).map(\.text).joined()
    }

    /// The text of each id, that of a run of bytes as one, without the space before the first.
    func parts(
        of ids: [Int], skipsSpecialTokens: Bool
    ) -> [(text: String, range: Range<Int>)] {
        var parts: [(text: String, range: Range<Int>)] = []
        var position = 0
        var isFirst = true
        while position < ids.count {
            let id = model.pieces.indices.contains(ids[position]) ? ids[position] : model.unknown
            let piece = model.pieces[id]
            var end = position + 1
            defer { position = end }
            switch piece.kind {
            case .control, .unknown:
                if skipsSpecialTokens { continue }
                parts.append((piece.text, position..<end))
            case .byte:
                while end < ids.count, model.pieces.indices.contains(ids[end]),
                    model.pieces[ids[end]].kind == .byte
                {
                    end += 1
                }
                // As `tokenizers` does, a run that is no text is none of its characters either.
                let bytes = ids[position..<end].compactMap {
                    SentencePieceFile.byte(of: model.pieces[$0].text)
                }
                let text =
                    String(validating: bytes, as: UTF8.self)
                    ?? String(repeating: "\u{FFFD}", count: bytes.count)
                parts.append((text, position..<end))
            default:
                let text = piece.text.replacing("\u{2581}", with: " ")
                parts.append(
                    (
                        isFirst && text.hasPrefix(" ") ? String(text.dropFirst()) : text,
                        position..<end
                    ))
            }
            isFirst = false
        }
        return parts
    }
}
