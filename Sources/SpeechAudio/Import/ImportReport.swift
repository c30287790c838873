/// What an import made.
public struct ImportReport: Sendable, Equatable, Encodable {
    /// One language of a split.
    public struct Language: Sendable, Equatable, Encodable {
        /// The code; empty where the corpus says none.
        public let language: String
        /// The number of utterances.
        public internal(set) var utterances = 0
        /// The seconds of their speech.
        public internal(set) var seconds = 0.0
    }

    /// One split.
    public struct Split: Sendable, Equatable, Encodable {
        /// The name.
        public let split: String
        /// The manifest; nil when nothing of the split is left.
        public internal(set) var manifest: String?
        /// The languages in the order of their first utterance.
        public internal(set) var languages: [Language] = []
        /// How many were left out, by `LeftOutKind`.
        public internal(set) var leftOut: [String: Int] = [:]

        private enum CodingKeys: String, CodingKey {
            case split, manifest, languages
            case leftOut = "left_out"
        }

        init(_ split: String) { self.split = split }

        /// The number of utterances.
        public var utterances: Int { languages.reduce(0) { $0 + $1.utterances } }

        mutating func count(_ language: String, seconds: Double) {
            let index = languages.firstIndex { $0.language == language } ?? languages.endIndex
            if index == languages.endIndex { languages.append(Language(language: language)) }
            languages[index].utterances += 1
            languages[index].seconds += seconds
        }
    }

    /// The name of the layout.
    public let layout: String
    /// The splits in the order of the corpus.
    public internal(set) var splits: [Split] = []
    /// The list of everything left out, with the reasons; nil when that is nothing.
    public internal(set) var skippedList: String?

    private enum CodingKeys: String, CodingKey {
        case layout, splits
        case skippedList = "skipped_list"
    }

    init(layout: String) { self.layout = layout }
}
