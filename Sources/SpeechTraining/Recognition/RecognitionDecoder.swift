public import SpeechCore

/// How tokens become text: greedily, or by beam search with what is known of the language.
public struct RecognitionDecoder: Sendable {
    /// What decides how to decode; paths are read when the decoder is made.
    public struct Settings: Sendable, Equatable {
        /// Candidates of a beam search; nil for greedy decoding, or 50 with any of what follows.
        public var beam: Int?
        /// An n-gram model in ARPA format.
        public var languageModel: String?
        /// The only words that there are, one a line.
        public var lexicon: String?
        /// Words to favour, one a line, each with its boost behind a tab or 10.
        public var hotWords: String?
        /// The weight of the language model; nil for the usual one.
        public var alpha: Double?
        /// What each word adds; nil for the usual one.
        public var beta: Double?

        /// Greedy decoding.
        public init() {}

        /// Whether a search is needed.
        public var searches: Bool {
            beam != nil || languageModel != nil || lexicon != nil || hotWords != nil
        }
    }

    private enum Kind: Sendable {
        case greedy(CTCGreedyDecoder)
        case beam(CTCBeamDecoder)
    }

    private let kind: Kind
    private let vocabulary: DecoderVocabulary

    /// Reads what the settings name.
    ///
    /// - Throws: `NGramError`, `HotWordError`, or the errors of files that cannot be read.
    public init(_ settings: Settings, vocabulary: DecoderVocabulary) throws {
        self.vocabulary = vocabulary
        guard settings.searches else {
            kind = .greedy(CTCGreedyDecoder(vocabulary))
            return
        }
        var search = CTCBeamDecoder.Settings()
        if let beam = settings.beam { search.beamSize = beam }
        if let alpha = settings.alpha { search.languageModelWeight = alpha }
        if let beta = settings.beta { search.wordBonus = beta }
        kind = .beam(
            try CTCBeamDecoder(
                settings: search, vocabulary: vocabulary,
                languageModel: try settings.languageModel.map { try NGramModel(path: $0) },
                lexicon: try settings.lexicon.map { try Lexicon(path: $0) },
                hotWords: try settings.hotWords.map { try HotWord.read(path: $0) } ?? []))
    }

    /// Log-probabilities [T, V], row by row, to the best text.
    public func callAsFunction(_ logProbabilities: [Float]) -> Recognition {
        switch kind {
        case .greedy(let decoder): decoder(logProbabilities)
        case .beam(let decoder): decoder(logProbabilities)
        }
    }

    /// Begins a clip whose log-probabilities come in parts.
    func stream() -> StreamingDecoder {
        switch kind {
        case .greedy(let decoder): StreamingDecoder(decoder)
        case .beam(let decoder): StreamingDecoder(decoder)
        }
    }
}
