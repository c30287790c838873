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
        public var wordBonus = 1.0
        /// Added for each unit that the language model does not know.
        public var unknownWordPenalty = -10.0
        /// Whether the language model predicts the end of the text.
        public var scoresSentenceEnd = true
        /// How many candidates are returned.
        public var bestCount = 1

        /// A beam of 50.
        public init() {}
    }
}
