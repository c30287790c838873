internal import SpeechAudio
public import SpeechCore
internal import SpeechModels

/// Times the features of recordings on one core, from memory.
public struct FeatureBenchmark {
    /// What was measured.
    public struct Result: Codable, Sendable {
        /// The `feature_extractor_type`.
        public var extractor: String
        /// Seconds of audio in all clips.
        public var seconds: Double
        /// The median time of one pass over all clips.
        public var medianMilliseconds: Double
        /// The shortest time of one.
        public var minimumMilliseconds: Double
        /// `seconds` over the median.
        public var audioSecondsPerSecond: Double

        private enum CodingKeys: String, CodingKey {
            case extractor, seconds
            case medianMilliseconds = "median_ms"
            case minimumMilliseconds = "minimum_ms"
            case audioSecondsPerSecond = "audio_seconds_per_second"
        }
    }

    private let extractor: any FeatureExtractor
    private let clips: [[Float]]

    /// Reads the recordings.
    ///
    /// * `audio`: the paths of the recordings.
    /// * `model`: a model directory or a name in the local Hugging Face cache; nil computes the
    ///   features of w2v-BERT 2.0.
    /// - Throws: what the model's directory or the audio are refused for.
    public init(audio: [String], model: String?) throws {
        extractor = try BenchmarkExtractor.make(model: model)
        let rate = extractor.samplingRate
        clips = try audio.map { try AudioReader.read($0, samplingRate: rate) }
    }

    /// Computes the features of all clips `repeats` times, and once before.
    ///
    /// - Throws: `FeatureError`.
    public func run(repeats: Int) throws -> Result {
        var times: [Double] = []
        for pass in 0...repeats {
            let start = ContinuousClock.now
            for clip in clips { _ = try extractor.clipFeatures(clip) }
            if pass > 0 { times.append(start.duration(to: .now) / .seconds(1)) }
        }
        times.sort()
        let median = times[times.count / 2]
        let seconds =
            clips.reduce(0) { $0 + Double($1.count) } / Double(extractor.samplingRate)
        return Result(
            extractor: extractor.config.kind.rawValue, seconds: seconds,
            medianMilliseconds: median * 1e3, minimumMilliseconds: times[0] * 1e3,
            audioSecondsPerSecond: seconds / median)
    }

    /// The features of all clips as the encoder takes them, padded to the longest.
    ///
    /// - Throws: `FeatureError`.
    public func features() throws -> SpeechFeatures { try extractor.extract(clips) }
}

/// The extractor that figures are for.
enum BenchmarkExtractor {
    /// That of a model, or of w2v-BERT 2.0 where none is named.
    ///
    /// - Throws: what the model's directory is refused for.
    static func make(model: String?) throws -> any FeatureExtractor {
        guard let model else { return FeatureExtractorConfig(kind: .seamlessM4T).makeExtractor() }
        let directory = try ModelDirectory(model)
        return try ModelLoader.featureExtractor(of: directory, ModelLoader.config(of: directory))
    }
}
