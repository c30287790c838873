import Foundation
import SpeechCore
public import SpeechModels
public import SpeechObjectives
public import Torch

/// Times the forward pass of an encoder on noise.
///
/// Audio is neither decoded nor turned into features while time is taken: what is measured is what
/// another library's forward pass of the same model can be compared with.
public struct EncodeBenchmark {
    /// The encoder that is measured.
    public enum Subject: Sendable {
        /// A model directory, or a repository in the local Hugging Face cache.
        case directory(String)
        /// Random weights of a family, all but the shape as in its large public models.
        case random(EncoderFamily, StudentDesign)
    }

    /// What is measured.
    public struct Settings: Sendable {
        /// The encoder.
        public var subject: Subject
        /// The type that layers compute in.
        public var precision: DType
        /// Clips of a batch.
        public var batch: Int
        /// Seconds of each clip.
        public var seconds: Double
        /// Passes that count.
        public var repeats: Int
        /// Passes before them.
        public var warmup: Int
        /// Where it runs.
        public var device: Device

        /// All values.
        public init(
            subject: Subject, precision: DType, batch: Int, seconds: Double, repeats: Int,
            warmup: Int, device: Device
        ) {
            self.subject = subject
            self.precision = precision
            self.batch = batch
            self.seconds = seconds
            self.repeats = repeats
            self.warmup = warmup
            self.device = device
        }
    }

    /// What was measured.
    public struct Result: Codable, Sendable {
        /// `model_type`.
        public var family: String
        /// Layers of the encoder.
        public var layers: Int
        /// The width of its hidden states.
        public var width: Int
        /// Values in all its parameters.
        public var parameters: Int
        /// Seconds until it was there: read, or drawn at random.
        public var loadSeconds: Double
        /// Median time of a pass.
        public var medianMilliseconds: Double
        /// Shortest time of a pass.
        public var minimumMilliseconds: Double
        /// Median time over seconds of audio.
        public var realTimeFactor: Double
        /// The same, the other way round.
        public var audioSecondsPerSecond: Double
        /// Products and convolutions per second.
        public var modelGflops: Double
        /// What one large product of two square matrices of the same type reaches here.
        public var matmulGflops: Double
        /// `modelGflops / matmulGflops`.
        public var fractionOfMatmul: Double
        /// The most memory of the process that was resident, loading included.
        public var peakMemoryBytes: Int
        /// Threads of one operator.
        public var threads: Int

        private enum CodingKeys: String, CodingKey {
            case family, layers, width, parameters, threads
            case loadSeconds = "load_seconds"
            case medianMilliseconds = "median_ms"
            case minimumMilliseconds = "min_ms"
            case realTimeFactor = "rtf"
            case audioSecondsPerSecond = "audio_seconds_per_second"
            case modelGflops = "model_gflops"
            case matmulGflops = "matmul_gflops"
            case fractionOfMatmul = "fraction_of_matmul"
            case peakMemoryBytes = "peak_rss_bytes"
        }
    }

    private let settings: Settings

    /// Prepares nothing; `run` does everything.
    public init(_ settings: Settings) {
        self.settings = settings
    }

    /// Makes the encoder and times its passes.
    ///
    /// - Throws: what `ModelLoader` throws, `ModelError` or `ObjectiveError` for shapes that cannot be
    ///   built, `FeatureError.clipTooShort`, `RunError` or `TorchError` where memory does not suffice.
    public func run() throws -> Result {
        let start = ContinuousClock.now
        let (encoder, extractor) = try RunEnvironment.building("model") { try makeEncoder() }
        let loadSeconds = start.duration(to: .now) / .seconds(1)
        let samples = Int((settings.seconds * Double(extractor.samplingRate)).rounded())
        let minimum = FrameGeometry(encoder.config, extractor).minimumSamples
        guard samples >= minimum else {
            throw FeatureError.clipTooShort(clip: nil, samples: samples, minimum: minimum)
        }
        let features = try BenchmarkNoise.features(
            for: extractor, batch: settings.batch, seconds: settings.seconds)
        let input = try withTorchErrors {
            EncoderInput(
                values: Tensor(features.values, features.shape, device: settings.device),
                lengths: nil)
        }
        var times: [Double] = []
        for index in 0..<(settings.warmup + settings.repeats) {
            let start = ContinuousClock.now
            try withTorchErrors {
                withoutGradients { _ = encoder.encode(input) }
                settings.device.synchronize()
            }
            if index >= settings.warmup { times.append(start.duration(to: .now) / .seconds(1)) }
        }
        times.sort()
        let median = times[times.count / 2]
        let audio = Double(settings.batch) * settings.seconds
        let peak = ProcessMemory.peakBytes
        let counts = encoder.config.multiplyAccumulates(inputLength: features.shape[1])
        let operations = counts.reduce(0) { $0 + 2 * Double($1.count) } * Double(settings.batch)
        let model = operations / median / 1e9
        let matmul = try DistillBenchmark.matmulGflops(settings.precision, on: settings.device)
        return Result(
            family: encoder.config.modelType, layers: encoder.layerCount, width: encoder.width,
            parameters: encoder.parameters.parameterCount, loadSeconds: loadSeconds,
            medianMilliseconds: median * 1e3, minimumMilliseconds: times[0] * 1e3,
            realTimeFactor: median / audio, audioSecondsPerSecond: audio / median,
            modelGflops: model, matmulGflops: matmul, fractionOfMatmul: model / matmul,
            peakMemoryBytes: peak, threads: Engine.threads)
    }

    private func makeEncoder() throws -> (any SpeechEncoder, any FeatureExtractor) {
        switch settings.subject {
        case .directory(let reference):
            let model = try ModelLoader.load(
                reference, dtype: settings.precision, device: settings.device)
            return (model.encoder, model.featureExtractor)
        case .random(let family, let design):
            let config = try design.config(like: family.largeConfig())
            let encoder = config.makeEncoder(
                in: ParameterStore(seed: 1, dtype: settings.precision, device: settings.device))
            let kind = config.featureExtractor
            return (encoder, FeatureExtractorConfig(kind: kind).makeExtractor())
        }
    }
}

/// Noise that stands for speech where only time counts.
enum BenchmarkNoise {
    /// The features of a batch of clips of one length, the same in every call.
    ///
    /// - Throws: `FeatureError.clipTooShort`.
    static func features(
        for extractor: any FeatureExtractor, batch: Int, seconds: Double
    ) throws -> SpeechFeatures {
        var generator = SeededGenerator(seed: 4)
        let samples = Int((seconds * Double(extractor.samplingRate)).rounded())
        return try extractor.extract(
            (0..<batch).map { _ in
                (0..<samples).map { _ in Float(generator.uniform() - 0.5) * 0.2 }
            })
    }
}
