extension CTCBeamDecoder {
    /// How wide a search is and what counts how much.
    public struct Settings: Sendable, Codable, Equatable {
        /// Candidates that are kept from frame to frame.
        public var beamSize = 50
        /// A token whose log-probability is lower does not go on with a candidate in this frame, unless
        /// it is the best one.
        public var tokenThreshold = -8.0
        /// Candidates whose score is lower than the best by more than this are dropped.
        public var beamThreshold = 25.0
        /// α.
        public var languageModelWeight = 0.5
        /// β.
        public var wordBonus = 1.5
        /// u: added for a word of six characters that the language model does not know; half of it for
        /// being unknown, half in proportion to its length.
        ///
        /// In a model of characters an unknown one is a word of one.
        public var unknownWordPenalty = -10.0
        /// Whether the language model predicts the end of the text.
        public var scoresSentenceEnd = true
        /// How many candidates are returned.
        public var bestCount = 1

        private enum CodingKeys: String, CodingKey {
            case beamSize = "beam_size"
            case tokenThreshold = "token_threshold"
            case beamThreshold = "beam_threshold"
            case languageModelWeight = "language_model_weight"
            case wordBonus = "word_bonus"
            case unknownWordPenalty = "unknown_word_penalty"
            case scoresSentenceEnd = "scores_sentence_end"
            case bestCount = "best_count"
        }

        /// A beam of 50.
        public init() {}
    }
}
