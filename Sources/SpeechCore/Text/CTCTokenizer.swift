/// The tokenizer of recognisers trained with CTC: one token for each character of a vocabulary
/// (`Wav2Vec2CTCTokenizer`), or pieces of several characters (`ParakeetTokenizer`).
///
/// A character is a Unicode scalar, so that "é" and "e" with an accent behind it are told apart.
public struct CTCTokenizer: Sendable {
    /// Some frames and what was recognised in them.
    public struct Span: Sendable, Equatable {
        /// A token's text, or a word.
        public let text: String
        /// The first frame.
        public let start: Int
        /// The frame behind the last one.
        public let end: Int

        /// Names a range of frames.
        public init(text: String, start: Int, end: Int) {
            self.text = text
            self.start = start
            self.end = end
        }
    }

    /// What the best token of every frame spells.
    public struct Transcript: Sendable, Equatable {
        /// The text without space at its ends.
        public let text: String
        /// Every token that is not blank, delimiters of words included.
        public let characters: [Span]
        /// Every word.
        public let words: [Span]
    }

    /// A token that is looked for in a text as a whole.
    struct WholeToken: Sendable {
        let scalars: [Unicode.Scalar]
        let id: Int
        /// Whether space on its left or right belongs to it.
        let stripsLeft, stripsRight: Bool
    }

    /// How text and tokens are turned into each other.
    struct Settings: Sendable {
        /// `word_delimiter_token`: stands for space.
        var delimiter = "|"
        /// `replace_word_delimiter_char`: what a delimiter becomes in a text.
        var replacement = " "
        /// `do_lower_case`: a vocabulary of capitals for lower-case text.
        var lowersCase = false
        /// `clean_up_tokenization_spaces`: no space before punctuation.
        var cleansUpSpaces = false
    }

    /// The path of `vocab.json` or of the model of pieces, for messages.
    public let path: String
    /// The language of the vocabulary, where there is one for each language.
    public let language: String?
    /// The languages that have a vocabulary, sorted; empty for a vocabulary without languages.
    public let languages: [String]
    /// The tokens of the vocabulary with their ids, by id; added tokens are not among them.
    public let vocabulary: [(token: String, id: Int)]
    /// The id of the padding token: the blank of CTC.
    public let blank: Int
    /// The id for characters without a token of their own.
    public let unknown: Int?
    /// The id of the token that stands for the space between words; nil where there is none.
    public var wordDelimiter: Int? { delimiter }
    /// What a delimiter of words becomes in a text.
    var wordSeparator: String { settings.replacement }
    /// Whether texts are in lower case and tokens in capitals.
    var lowersCase: Bool { settings.lowersCase }
    /// What is to be done to texts before labels are taken; nil where the files say nothing.
    ///
    /// `encode` takes a text as the reference does.
    public let preparation: TextPreparation?
    /// The ids of the languages' tags, such as `[eng]`, by language; empty for most vocabularies.
    public let languageTags: [String: Int]
    private let settings: Settings
    /// Divides texts into pieces; nil where there are characters.
    private let subwords: SubwordTokenizer?
    private let delimiter: Int?
    /// Special tokens but for the delimiter of words.
    let specials: Set<Int>
    private let texts: [Int: String]
    private let characters: [Unicode.Scalar: Int]
    /// By their first character, the longest first.
    private let wholes: [Unicode.Scalar: [WholeToken]]

    init(_ subwords: SubwordTokenizer) {
        self.subwords = subwords
        let pieces = subwords.model.pieces
        path = subwords.model.path
        language = nil
        languages = []
        vocabulary = pieces.enumerated().map { ($1.text, $0) }
        settings = Settings()
        blank = subwords.padding
        unknown = subwords.model.unknown
        preparation = subwords.preparation
        languageTags = subwords.languageTags
        delimiter = nil
        specials = Set(
            pieces.indices.filter { pieces[$0].kind == .control || pieces[$0].kind == .unknown })
        texts = Dictionary(uniqueKeysWithValues: pieces.enumerated().map { ($0, $1.text) })
        characters = [:]
        wholes = [:]
    }

    init(_ files: CTCTokenizerFiles) {
        subwords = nil
        path = files.path
        language = files.language
        languages = files.languages
        vocabulary = files.vocabulary
        settings = files.settings
        blank = files.blank
        unknown = files.unknown
        preparation = files.preparation
        languageTags = files.languageTags
        delimiter = files.delimiter
        specials = files.specials.subtracting(files.delimiter.map { [$0] } ?? [])
        texts = files.texts
        var characters: [Unicode.Scalar: Int] = [:]
        for (id, text) in files.texts where text.unicodeScalars.count == 1 {
            characters[text.unicodeScalars.first!] = id
        }
        self.characters = characters
        let byStart = Dictionary(grouping: files.wholeTokens) { $0.scalars.first ?? " " }
        wholes = byStart.mapValues { tokens in
            tokens.sorted { $0.scalars.count > $1.scalars.count }
        }
    }

    /// The text of a token, or nil where no token has that id.
    public func text(of id: Int) -> String? { texts[id] }

    // MARK: Text to tokens

    /// The labels that a recogniser learns for a text: the tag of its language, where the vocabulary
    /// has tags, and the ids of the prepared text.
    ///
    /// * `language`: The code that the tag has; of no importance without tags.
    /// - Throws: `CTCTokenizerError` for a language without a tag, a text that spells the blank, and as
    ///   `encode`.
    public func labels(of text: String, language: String? = nil) throws -> [Int] {
        let ids = try encode(preparation?(text) ?? text)
        guard !ids.contains(blank) else {
            throw CTCTokenizerError.blankInText(
                path: path, token: texts[blank] ?? "", found: String(text.prefix(80)))
        }
        guard !languageTags.isEmpty else { return ids }
        guard let tag = language.flatMap({ languageTags[$0] }) else {
            throw CTCTokenizerError.languageWithoutTag(
                path: path, found: language, known: languageTags.keys.sorted())
        }
        return [tag] + ids
    }

    /// The language whose tag an id is; nil for all other tokens.
    public func language(ofTag id: Int) -> String? {
        languageTags.first { $0.value == id }?.key
    }

    /// The ids of a text, character by character or piece by piece.
    ///
    /// Space becomes the delimiter of words, special tokens written out become their ids.
    ///
    /// - Throws: `CTCTokenizerError.unknownCharacter` where there is neither a token for a character
    ///   nor one for unknown ones.
    public func encode(_ text: String) throws -> [Int] {
        if let subwords { return subwords.encode(text) }
        return try strippedPieces(of: text).flatMap { (piece: Piece) throws -> [Int] in
            if let token = piece.token { return [token.id] }
            return try capitals(of: piece.scalars).map { scalar in
                guard let id = id(of: scalar) ?? unknown else {
                    throw CTCTokenizerError.unknownCharacter(
                        path: path,
                        found:
                            "'\(scalar)' (U+\(String(scalar.value, radix: 16, uppercase: true)))")
                }
                return id
            }
        }
    }

    /// The characters of a text that have no token of their own, as often as they occur.
    public func charactersWithoutToken(in text: String) -> [Unicode.Scalar] {
        if let model = subwords?.model {
            return model.hasByteFallback
                ? []
                : text.unicodeScalars.filter { $0 != " " && model.id(of: String($0)) == nil }
        }
        return strippedPieces(of: text).filter { $0.token == nil }.flatMap { (piece: Piece) in
            capitals(of: piece.scalars).filter { id(of: $0) == nil }
        }
    }

    /// A part of a text: a token, or what stands between tokens.
    private struct Piece {
        var scalars: ArraySlice<Unicode.Scalar>
        var token: WholeToken?

        // A token that is space itself may go as the space beside another one.

        mutating func stripLeft() {
            let rest = scalars.drop(while: \.isSpace)
            if rest.count < scalars.count { self = Piece(scalars: rest) }
        }

        mutating func stripRight() {
            var rest = scalars
            while rest.last?.isSpace == true { rest.removeLast() }
            if rest.count < scalars.count { self = Piece(scalars: rest) }
        }
    }

    private func strippedPieces(of text: String) -> [Piece] {
        var pieces = pieces(of: Array(text.unicodeScalars))
        for index in pieces.indices {
            guard let token = pieces[index].token else { continue }
            if token.stripsRight, index + 1 < pieces.count { pieces[index + 1].stripLeft() }
            if token.stripsLeft, index > 0 { pieces[index - 1].stripRight() }
        }
        return pieces
    }

    private func pieces(of scalars: [Unicode.Scalar]) -> [Piece] {
        var pieces: [Piece] = []
        var start = 0
        var position = 0
        func addText() {
            if start < position { pieces.append(Piece(scalars: scalars[start..<position])) }
        }
        while position < scalars.count {
            let rest = scalars[position...]
            guard
                let token = wholes[scalars[position]]?.first(where: {
                    rest.starts(with: $0.scalars)
                })
            else {
                position += 1
                continue
            }
            addText()
            pieces.append(Piece(scalars: rest.prefix(token.scalars.count), token: token))
            position += token.scalars.count
            start = position
        }
        addText()
        return pieces
    }

    private func capitals(of scalars: ArraySlice<Unicode.Scalar>) -> [Unicode.Scalar] {
        settings.lowersCase
            ? scalars.flatMap { Array($0.properties.uppercaseMapping.unicodeScalars) }
            : Array(scalars)
    }

    private func id(of scalar: Unicode.Scalar) -> Int? {
        scalar == " " ? delimiter : characters[scalar]
    }

    // MARK: Tokens to text

    /// What the best token of every frame spells: repeated tokens are one, then blanks go.
    ///
    /// * `ids`: The token of each valid frame. Ids that no token has count as the unknown token.
    /// * `skipsSpecialTokens`: Whether special tokens besides the blank are left out, too.
    ///
    /// Unlike `transformers` 5, which drops blanks before it merges when it skips special tokens and
    /// so loses double letters, this merges first in any case.
    public func decode(_ ids: [Int], skipsSpecialTokens: Bool = false) -> Transcript {
        var runs: [(id: Int, frames: Range<Int>)] = []
        var start = 0
        while start < ids.count {
            let id = known(ids[start])
            var end = start + 1
            while end < ids.count, known(ids[end]) == id { end += 1 }
            let isLeftOut = id == blank || skipsSpecialTokens && specials.contains(id)
            if !isLeftOut { runs.append((id, start..<end)) }
            start = end
        }
        if let subwords { return transcript(runs, subwords) }
        let spans = runs.map { id, frames in
            Span(
                text: id == delimiter ? settings.replacement : texts[id] ?? "",
                start: frames.lowerBound, end: frames.upperBound)
        }
        return Transcript(
            text: finished(spans.map(\.text).joined()), characters: spans, words: words(spans))
    }

    /// The joined texts of tokens as a text for a person.
    func finished(_ joined: String) -> String {
        var text = joined.strippingSpace
        if settings.lowersCase { text = text.loweringCase }
        if settings.cleansUpSpaces { text = text.cleaningUpSpaces }
        return text
    }

    /// Pieces, of which some begin with the space before a word.
    private func transcript(
        _ runs: [(id: Int, frames: Range<Int>)], _ subwords: SubwordTokenizer
    ) -> Transcript {
        let spans = subwords.parts(of: runs.map(\.id), skipsSpecialTokens: false).map { part in
            Span(
                text: part.text, start: runs[part.range.lowerBound].frames.lowerBound,
                end: runs[part.range.upperBound - 1].frames.upperBound)
        }
        var words: [[Span]] = []
        for span in spans where !span.text.isEmpty {
            if words.isEmpty || span.text.hasPrefix(" ") { words.append([]) }
            words[words.count - 1].append(span)
        }
        return Transcript(
            text: spans.map(\.text).joined().strippingSpace, characters: spans,
            words: words.compactMap { word in
                let sounds = word.filter { $0.text != " " }
                guard let first = sounds.first, let last = sounds.last else { return nil }
                return Span(
                    text: sounds.map(\.text).joined().strippingSpace, start: first.start,
                    end: last.end)
            })
    }

    private func known(_ id: Int) -> Int { texts[id] == nil ? unknown ?? id : id }

    private func words(_ spans: [Span]) -> [Span] {
        spans.split { $0.text == settings.replacement }.map { word in
            Span(
                text: word.map(\.text).joined(), start: word.first?.start ?? 0,
                end: word.last?.end ?? 0)
        }
    }
}

extension String {
    fileprivate var strippingSpace: String {
        var scalars = Substring(self).unicodeScalars
        while scalars.first?.isSpace == true { scalars.removeFirst() }
        while scalars.last?.isSpace == true { scalars.removeLast() }
        return String(scalars)
    }

    /// `PreTrainedTokenizerBase.clean_up_tokenization`.
    fileprivate var cleaningUpSpaces: String {
        [
            (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"),
            (" 'm", "'m"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
        ].reduce(self) { $0.replacing($1.0, with: $1.1) }
    }
}
