import Foundation
import SpeechModels
import SpeechObjectives
public import Torch

/// Measures the loss of CoLLD alone, on states that are there already: time, and memory above them.
public struct LossBenchmark {
    /// The shapes.
    public struct Settings: Sendable {
        /// B: clips.
        public var batch: Int
        /// Predicted frames of each clip.
        public var frames: Int
        /// D: the width of student and teacher.
        public var width: Int
        /// Pairs of layers.
        public var pairs: Int
        /// The type of the states.
        public var precision: DType
        /// Where it runs.
        public var device: Device

        /// All values.
        public init(
            batch: Int, frames: Int, width: Int, pairs: Int, precision: DType, device: Device
        ) {
            self.batch = batch
            self.frames = frames
            self.width = width
            self.pairs = pairs
            self.precision = precision
            self.device = device
        }
    }

    /// What was measured.
    public struct Result: Codable, Sendable {
        /// The states of student and teacher at the predicted frames.
        public var featureMegabytes: Double
        /// The most that was resident while the loss and the gradients of heads and states were
        /// computed, above what was before.
        public var lossMegabytes: Double
        /// The most that tensors took at a time, above the states: the rest of what the process grew by
        /// is scratch memory and gaps between blocks.
        public var tensorMegabytes: Double
        /// What of that is the gradient of the states, which the student's backward pass takes.
        public var gradientMegabytes: Double
        /// What of that is the gradient of the heads.
        public var headMegabytes: Double
        /// The median time.
        public var milliseconds: Double
        /// The mean over frames and pairs.
        public var loss: Double

        private enum CodingKeys: String, CodingKey {
            case loss
            case featureMegabytes = "features_mb"
            case lossMegabytes = "loss_mb"
            case tensorMegabytes = "loss_tensors_mb"
            case gradientMegabytes = "state_gradients_mb"
            case headMegabytes = "head_gradients_mb"
            case milliseconds = "loss_ms"
        }
    }

    private let settings: Settings

    /// Prepares nothing; `run` does everything.
    public init(_ settings: Settings) { self.settings = settings }

    /// Runs the loss on random states.
    ///
    /// The peak is that of the process, so this is for a process of its own.
    ///
    /// - Throws: `ObjectiveError` for shapes that cannot be, `TorchError` where memory does not
    ///   suffice.
    public func run() throws -> Result {
        // Whatever the engine sets up once, thread pools and scratch memory, is not the loss's.
        var small = settings
        (small.batch, small.frames, small.pairs) = (1, 8, 1)
        _ = try LossBenchmark(small).measure(repeats: 1)
        return try measure(repeats: 3)
    }

    private func measure(repeats: Int) throws -> Result {
        try withTorchErrors {
            let teacher = GivenStates(settings, isStudent: false)
            let student = GivenStates(settings, isStudent: true)
            var colld = CoLLDSettings()
            colld.layers.masking.sampler = .none
            colld.layers.frames = .all
            let objective = try CoLLD(colld, teachers: [teacher], student: student, seed: 3)
            let input = EncoderInput(
                values: Tensor.zeros(
                    [settings.batch, 2 * settings.frames, 1], device: settings.device),
                lengths: nil)
            let batch = TrainingBatch(student: input, teachers: [input])
            let before = ProcessMemory.residentBytes
            var times: [Double] = []
            var loss = 0.0
            var tensorBytes = 0
            for index in 0..<repeats {
                objective.heads.clearGradients()
                let start = ContinuousClock.now
                let (report, bytes) = try Engine.peakTensorBytes {
                    try objective.loss(
                        on: batch,
                        LossContext(
                            seed: BatchSeed(seed: 1, step: index, batch: 0), step: index,
                            steps: repeats))
                }
                settings.device.synchronize()
                times.append(start.duration(to: .now) / .seconds(1))
                loss = report.sum.item() / Double(report.count)
                tensorBytes = max(tensorBytes, bytes)
            }
            let after = ProcessMemory.peakBytes
            let megabyte = 1_048_576.0
            let states = Double(
                settings.pairs * settings.batch * settings.frames * settings.width
                    * settings.precision.byteCount)
            let heads = objective.heads.trainable.reduce(0) { $0 + 4 * $1.tensor.count }
            return Result(
                featureMegabytes: 2 * states / megabyte,
                lossMegabytes: Double(max(0, after - before)) / megabyte,
                tensorMegabytes: Double(tensorBytes) / megabyte,
                gradientMegabytes: states / megabyte, headMegabytes: Double(heads) / megabyte,
                milliseconds: times.sorted()[repeats / 2] * 1e3, loss: loss)
        }
    }
}

/// An encoder whose states are there before it runs.
private final class GivenStates: SpeechEncoder {
    let config: any EncoderConfig
    let parameters: ParameterStore
    var precision: DType
    var isTraining = false
    private let states: [Int: Tensor]
    private let frames: Int

    init(_ settings: LossBenchmark.Settings, isStudent: Bool) {
        var config = W2VBertConfig()
        config.numHiddenLayers = settings.pairs
        config.hiddenSize = settings.width
        self.config = config
        precision = settings.precision
        frames = settings.frames
        parameters = ParameterStore(seed: 1, device: settings.device)
        let shape = [settings.batch, settings.frames, settings.width]
        states = (1...settings.pairs).reduce(into: [:]) { all, layer in
            let generator = RandomGenerator(seed: UInt64(2 * layer + (isStudent ? 1 : 0)))
            let state = Tensor.empty(shape, dtype: settings.precision, device: settings.device)
            // Clip by clip, so that no larger tensor than the states is ever there.
            for clip in 0..<settings.batch {
                state.narrow(0, clip, 1).assign(
                    Tensor.normal([1] + shape.dropFirst(), generator: generator)
                        .to(settings.precision).to(settings.device))
            }
            state.requiresGradient = isStudent
            all[layer] = state
        }
    }

    func encode(_ input: EncoderInput, masked: Tensor?, request: LayerRequest) -> EncoderOutput {
        EncoderOutput(
            hiddenStates: states.filter { request.hiddenStates.contains($0.key) },
            feedForward: states.filter { request.feedForward.contains($0.key) },
            lengths: Array(repeating: frames, count: input.batchSize))
    }
}
