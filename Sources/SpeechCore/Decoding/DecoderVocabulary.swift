/// What a decoder must know of the tokens that a CTC head scores: their texts, which one is the blank,
/// and where words begin and end.
public struct DecoderVocabulary: Sendable {
    /// How a row of tokens falls into words.
    public enum Words: String, Sendable, Codable, CaseIterable {
        /// A token of its own stands between words (`|` of `Wav2Vec2CTCTokenizer`).
        case delimited
        /// A token that begins with `▁` (U+2581) begins a word, as SentencePiece writes it.
        case pieces
        /// Every token is a word, as in Chinese or Thai; a delimiter, where there is one, is a space.
        case characters
    }

    /// What a token does to the words.
    enum Kind: UInt8, Sendable {
        case blank
        /// A space.
        case delimiter
        /// Never recognised.
        case ignored
        /// Recognised, but no part of the text.
        case tag
        /// Begins a word.
        case start
        /// Goes on with a word, or begins the first one or that behind a delimiter.
        case inside
        /// A word.
        case whole
    }

    /// The number of tokens V, the blank among them.
    public let size: Int
    /// The id of the blank.
    public let blank: Int
    /// How tokens fall into words.
    public let words: Words
    let kinds: [Kind]
    /// The text of each token as it stands in a recognised text, without `▁`.
    let texts: [String]
    /// `texts` as models compare them.
    let scalars: [[Unicode.Scalar]]
    /// `texts` in UTF-8.
    let bytes: [[UInt8]]
    let tokenizer: CTCTokenizer?

    /// The tokens of a recogniser by their ids.
    ///
    /// * `tokens`: the text of each token; those of SentencePiece with their `▁`.
    /// * `blank`: the id of the blank.
    /// * `delimiter`: the id of the token between words.
    /// * `ignored`: tokens that beam search never gives (`<s>`, `<unk>`).
    /// * `tags`: tokens that are recognised and are no part of the text, such as languages.
    /// * `words`: how tokens fall into words; nil for `.delimited` with a delimiter, else `.pieces`
    ///   where any token begins with `▁`, else `.characters`.
    public init(
        tokens: [String], blank: Int, delimiter: Int? = nil, ignored: Set<Int> = [],
        tags: Set<Int> = [], words: Words? = nil
    ) {
        self.init(
            tokens, blank: blank, delimiter: delimiter, ignored: ignored, tags: tags,
            words: words, tokenizer: nil)
    }

    /// The tokens of a tokenizer; its special tokens are ignored, but for `tags`.
    ///
    /// * `size`: V, the width of the head's output.
    /// * `tags`: tokens that are recognised and are no part of the text, such as languages.
    /// * `words`: how tokens fall into words; nil finds it out as the other initialiser does.
    public init(
        _ tokenizer: CTCTokenizer, size: Int, tags: Set<Int> = [], words: Words? = nil
    ) {
        let nameless = (0..<size).filter { tokenizer.text(of: $0) == nil }
        self.init(
            (0..<size).map { tokenizer.text(of: $0) ?? "" }, blank: tokenizer.blank,
            delimiter: tokenizer.wordDelimiter,
            ignored: tokenizer.specials.union(nameless).subtracting(tags), tags: tags,
            words: words, tokenizer: tokenizer)
    }

    private init(
        _ tokens: [String], blank: Int, delimiter: Int?, ignored: Set<Int>, tags: Set<Int>,
        words: Words?, tokenizer: CTCTokenizer?
    ) {
        precondition(tokens.indices.contains(blank), "the blank \(blank) of \(tokens.count) tokens")
        let ordinary = tokens.indices.filter { !ignored.contains($0) && $0 != blank }
        let hasPieces = ordinary.contains { tokens[$0].unicodeScalars.first == Self.mark }
        let words =
            words
            ?? (delimiter != nil && delimiter != blank
                ? .delimited : hasPieces ? .pieces : .characters)
        size = tokens.count
        self.blank = blank
        self.words = words
        self.tokenizer = tokenizer
        var kinds: [Kind] = []
        var texts: [String] = []
        for (id, token) in tokens.enumerated() {
            let isMarked = words == .pieces && token.unicodeScalars.first == Self.mark
            var text = token
            if isMarked {
                text = String(
                    String.UnicodeScalarView(
                        token.unicodeScalars.drop { $0 == Self.mark }))
            }
            if tokenizer?.lowersCase == true { text = text.lowercased() }
            let kind: Kind =
                if id == blank {
                    .blank
                } else if tags.contains(id) {
                    .tag
                } else if id == delimiter || isMarked && text.isEmpty {
                    .delimiter
                } else if ignored.contains(id) || text.isEmpty {
                    .ignored
                } else if isMarked {
                    .start
                } else {
                    words == .characters ? .whole : .inside
                }
            kinds.append(kind)
            texts.append(kind == .delimiter ? tokenizer?.wordSeparator ?? " " : text)
        }
        self.kinds = kinds
        self.texts = texts
        scalars = texts.map { Array($0.unicodeScalars) }
        bytes = texts.map { Array($0.utf8) }
    }

    /// U+2581, which begins the pieces of SentencePiece that begin words.
    static let mark: Unicode.Scalar = "\u{2581}"

    /// The space between two words.
    var separator: String { tokenizer?.wordSeparator ?? " " }

    /// The text of a row of tokens: words with one space between them, none at the ends.
    public func text(of tokens: [Int]) -> String {
        var text = ""
        for token in tokens {
            switch kinds[token] {
            case .blank, .tag: break
            case .delimiter: if !text.hasSuffix(separator) { text += separator }
            case .start:
                if !text.isEmpty, !text.hasSuffix(separator) { text += separator }
                text += texts[token]
            case .ignored, .inside, .whole: text += texts[token]
            }
        }
        return finished(text)
    }

    /// A joined text, or a word, as it is shown.
    func finished(_ joined: String) -> String {
        if let tokenizer { return tokenizer.finished(joined) }
        var text = joined[...]
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
