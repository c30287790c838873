/// How audio becomes batches: the `dataset` section of a run file.
public struct DatasetConfig: Codable, Equatable, Sendable {
    /// `max_seconds`: seconds of audio in a batch, padding included.
    ///
    /// An utterance that is longer by itself makes a batch of its own.
    public var maxSeconds: Double = 60
    /// `min_duration`: utterances below this many seconds are dropped.
    public var minDuration: Double = 0.5
    /// `max_duration`: of utterances above this many seconds a random window of that length is
    /// taken, another one in every epoch.
    public var maxDuration: Double = 20
    /// `buckets`: the largest number of groups of similar length within which batches are formed.
    public var buckets = 20
    /// `shuffle`: whether the order and the composition of batches change from epoch to epoch.
    public var shuffle = true
    /// `threads`: threads that decode; 0 takes all cores but one.
    public var threads = 0
    /// `prefetch`: the largest number of batches decoded ahead of the training step.
    public var prefetch = 8
    /// `max_skipped`: the number of unusable utterances that a run puts up with.
    public var maxSkipped = 10
    /// `max_utterances`: the largest number of utterances in a batch; 0 sets no limit.
    public var maxUtterances = 0

    /// `language_temperature`: how evenly languages are drawn.
    ///
    /// A language of h hours gets a share in proportion to h^(1/temperature): 1 draws every utterance
    /// once an epoch, 2 (as for XLS-R) lifts small languages, a large number draws all alike.
    public var languageTemperature: Double = 1
    /// `corpus_weights`: how often utterances of each manifest are drawn, relative to the others.
    ///
    /// In the order of the manifests; empty for all alike.
    public var corpusWeights: [Double] = []
    /// `shuffle_shards`: the number of tar shards whose utterances are mixed at a time.
    public var shuffleShards = 8

    enum CodingKeys: String, CodingKey, CaseIterable {
        case maxSeconds = "max_seconds"
        case minDuration = "min_duration"
        case maxDuration = "max_duration"
        case buckets
        case shuffle
        case threads
        case prefetch
        case maxSkipped = "max_skipped"
        case maxUtterances = "max_utterances"
        case languageTemperature = "language_temperature"
        case corpusWeights = "corpus_weights"
        case shuffleShards = "shuffle_shards"
    }

    /// The defaults.
    public init() {}

    /// Reads the keys that are there; the others keep their defaults.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        try container.read(&maxSeconds, .maxSeconds)
        try container.read(&minDuration, .minDuration)
        try container.read(&maxDuration, .maxDuration)
        try container.read(&buckets, .buckets)
        try container.read(&shuffle, .shuffle)
        try container.read(&threads, .threads)
        try container.read(&prefetch, .prefetch)
        try container.read(&maxSkipped, .maxSkipped)
        try container.read(&maxUtterances, .maxUtterances)
        try container.read(&languageTemperature, .languageTemperature)
        try container.read(&corpusWeights, .corpusWeights)
        try container.read(&shuffleShards, .shuffleShards)
    }

    /// Checks every value.
    ///
    /// - Throws: `DatasetError.invalidSetting` with the dotted key, such as `dataset.max_seconds`.
    public func validate() throws {
        func require(
            _ holds: Bool, _ key: CodingKeys, _ expected: String, _ found: some Any
        ) throws {
            try DatasetError.require(holds, "dataset.\(key.rawValue)", expected, found)
        }
        try require(
            maxSeconds.isFinite && maxSeconds > 0, .maxSeconds, "seconds above 0", maxSeconds)
        try require(
            minDuration.isFinite && minDuration >= 0, .minDuration, "seconds from 0", minDuration)
        try require(
            maxDuration.isFinite && maxDuration > 0, .maxDuration, "seconds above 0", maxDuration)
        try require(
            maxDuration >= minDuration, .maxDuration,
            "at least dataset.min_duration, which is \(minDuration)", maxDuration)
        try require((1...1000).contains(buckets), .buckets, "1 to 1000", buckets)
        try require((0...1024).contains(threads), .threads, "0 (automatic) to 1024", threads)
        try require((1...10_000).contains(prefetch), .prefetch, "1 to 10000 batches", prefetch)
        try require(maxSkipped >= 0, .maxSkipped, "0 or more utterances", maxSkipped)
        try require(
            maxUtterances >= 0, .maxUtterances, "0 (no limit) or more utterances", maxUtterances)
        try require(
            languageTemperature.isFinite && languageTemperature >= 0.1, .languageTemperature,
            "a number from 0.1", languageTemperature)
        try require(
            corpusWeights.isEmpty
                || (corpusWeights.allSatisfy { $0.isFinite && $0 >= 0 }
                    && corpusWeights.max()! > 0),
            .corpusWeights, "numbers from 0, not all 0", corpusWeights)
        try require(
            (1...10_000).contains(shuffleShards), .shuffleShards, "1 to 10000", shuffleShards)
    }
}

extension KeyedDecodingContainer {
    /// Reads the value of a key that may be absent, and then stays what it is.
    func read<Value: Decodable>(_ value: inout Value, _ key: Key) throws {
        value = try decodeIfPresent(Value.self, forKey: key) ?? value
    }
}
