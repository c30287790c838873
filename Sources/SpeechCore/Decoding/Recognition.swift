/// What a decoder recognised in a clip.
public struct Recognition: Sendable, Equatable, Codable {
    /// One token with the frames that emit it.
    public struct Token: Sendable, Equatable, Codable {
        /// The id in the vocabulary.
        public let id: Int
        /// The first frame.
        public let start: Int
        /// The frame behind the last one.
        public let end: Int
        /// The mean posterior of the token over its frames.
        public let confidence: Double

        /// Names a token and its frames.
        public init(id: Int, start: Int, end: Int, confidence: Double) {
            self.id = id
            self.start = start
            self.end = end
            self.confidence = confidence
        }
    }

    /// One word with the frames from its first to its last token.
    public struct Word: Sendable, Equatable, Codable {
        /// The word.
        public let text: String
        /// The first frame.
        public let start: Int
        /// The frame behind the last one.
        public let end: Int
        /// How sure the recogniser is, from 0 to 1: the mean, over all frames that emit the word's
        /// tokens, of the posterior of the emitted token.
        ///
        /// Frames of blank do not count.
        public let confidence: Double

        /// Names a word and its frames.
        public init(text: String, start: Int, end: Int, confidence: Double) {
            self.text = text
            self.start = start
            self.end = end
            self.confidence = confidence
        }

        /// The time of the word in seconds.
        ///
        /// * `framesPerSecond`: of the log-probabilities.
        public func seconds(framesPerSecond: Double) -> ClosedRange<Double> {
            Double(start) / framesPerSecond...Double(end) / framesPerSecond
        }
    }

    /// The text; empty where nothing was recognised, as in a clip without frames.
    public let text: String
    /// The words of the text in order.
    public let words: [Word]
    /// The tokens behind the text in order, delimiters and tags included, blanks not.
    public let tokens: [Token]
    /// What candidates are ranked by, in nats; see the decoder.
    public let score: Double
    /// ln P(tokens | audio): of all paths that spell the text in beam search, of the best path in greedy
    /// decoding.
    public let acousticScore: Double
    /// ln P(text) of the language model, not weighted; 0 without one.
    public let languageScore: Double

    private enum CodingKeys: String, CodingKey {
        case text, words, tokens, score
        case acousticScore = "acoustic_score"
        case languageScore = "language_score"
    }

    /// Puts tokens together to words.
    ///
    /// * `text`: the text, if it is not that of the tokens.
    init(
        _ tokens: [Token], _ vocabulary: DecoderVocabulary, text: String? = nil, score: Double,
        acousticScore: Double, languageScore: Double = 0
    ) {
        self.text = text ?? vocabulary.text(of: tokens.map(\.id))
        words = Self.words(tokens, vocabulary)
        self.tokens = tokens
        self.score = score
        self.acousticScore = acousticScore
        self.languageScore = languageScore
    }

    private static func words(_ tokens: [Token], _ vocabulary: DecoderVocabulary) -> [Word] {
        var words: [Word] = []
        var open: [Token] = []
        func close() {
            if let first = open.first, let last = open.last {
                let frames = open.reduce(0) { $0 + $1.end - $1.start }
                let sum = open.reduce(0.0) { $0 + $1.confidence * Double($1.end - $1.start) }
                words.append(
                    Word(
                        text: vocabulary.finished(
                            open.map { vocabulary.texts[$0.id] }.joined()),
                        start: first.start, end: last.end,
                        confidence: frames > 0 ? min(1, sum / Double(frames)) : 0))
            }
            open = []
        }
        for token in tokens {
            switch vocabulary.kinds[token.id] {
            case .blank: break
            case .delimiter, .tag: close()
            case .start:
                close()
                open = [token]
            case .whole:
                close()
                open = [token]
                close()
            case .inside, .ignored: open.append(token)
            }
        }
        close()
        return words
    }
}
