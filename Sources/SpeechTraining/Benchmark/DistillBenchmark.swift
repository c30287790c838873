import Foundation
import SpeechCore
public import SpeechModels
public import SpeechObjectives
public import Torch

/// Times whole distillation steps on random weights and noise.
public struct DistillBenchmark {
    /// What is measured.
    public struct Settings: Sendable {
        /// The family of both encoders, all else as in its large public models.
        public var family: EncoderFamily
        /// The teacher's shape.
        public var teacher: StudentDesign
        /// The student's shape.
        public var student: StudentDesign
        /// What is trained and how, all but the shapes and the first weights.
        public var method: Method
        /// Whether to take the times of parts, which waits for the device after each.
        public var profiles: Bool
        /// The type of teacher and student; losses and statistics are `float32` in any case.
        public var precision: DType
        /// Clips of a step.
        public var batch: Int
        /// Seconds of each clip.
        public var seconds: Double
        /// Steps that count.
        public var steps: Int
        /// Steps before them.
        public var warmup: Int
        /// Where it runs.
        public var device: Device

        /// All values.
        public init(
            family: EncoderFamily, teacher: StudentDesign, student: StudentDesign,
            method: Method = .distill(DistillConfig()), profiles: Bool = false, precision: DType,
            batch: Int, seconds: Double, steps: Int, warmup: Int,
            device: Device
        ) {
            self.family = family
            self.teacher = teacher
            self.student = student
            self.method = method
            self.profiles = profiles
            self.precision = precision
            self.batch = batch
            self.seconds = seconds
            self.steps = steps
            self.warmup = warmup
            self.device = device
        }
    }

    /// A run file.
    public enum Method: Sendable {
        /// With a teacher.
        case distill(DistillConfig)
        /// Without one; the student's shape is trained.
        case pretrain(PretrainConfig)
    }

    /// What was measured.
    public struct Result: Codable, Sendable {
        /// Seconds of audio in a step over the median time of a step.
        public var audioSecondsPerSecond: Double
        /// Median.
        public var stepMilliseconds: Double
        /// The 10th and the 90th percentile.
        public var stepMillisecondsRange: [Double]
        /// Mean milliseconds of the parts of a step, by `StepProfile.Part`; nil unless asked for.
        public var partsMilliseconds: [String: Double]?
        /// Of the last step.
        public var loss: Double
        /// What one large product of two square matrices of the same type reaches here.
        public var matmulGflops: Double
        /// Products and convolutions of teacher (forward) and student (forward and backward).
        public var modelGflops: Double
        /// `modelGflops / matmulGflops`.
        public var fractionOfMatmul: Double
        /// Of the process.
        public var peakMemoryMegabytes: Double
        /// Threads of one operator.
        public var threads: Int

        private enum CodingKeys: String, CodingKey {
            case loss, threads
            case audioSecondsPerSecond = "audio_seconds_per_second"
            case stepMilliseconds = "step_ms"
            case stepMillisecondsRange = "step_ms_p10_p90"
            case partsMilliseconds = "parts_ms"
            case matmulGflops = "matmul_gflops"
            case modelGflops = "model_gflops"
            case fractionOfMatmul = "fraction_of_matmul"
            case peakMemoryMegabytes = "peak_memory_mb"
        }
    }

    private let settings: Settings

    /// Prepares nothing; `run` does everything.
    public init(_ settings: Settings) {
        self.settings = settings
    }

    /// Builds both encoders and times the steps.
    ///
    /// - Throws: `ModelError` or `ObjectiveError` for shapes that cannot be built, `RunError` or
    ///   `TorchError` where memory does not suffice.
    public func run() throws -> Result {
        let base = try settings.family.largeConfig()
        let step = try RunEnvironment.building("models") { try makeStep(base) }
        let features = try BenchmarkNoise.features(
            for: base.standardExtractor.makeExtractor(),
            batch: settings.batch, seconds: settings.seconds)
        var times: [Double] = []
        var loss = 0.0
        let profile = settings.profiles ? StepProfile(device: settings.device) : nil
        let count = settings.warmup + settings.steps
        for index in 0..<count {
            let start = ContinuousClock.now
            let context = LossContext(
                seed: BatchSeed(seed: 1, step: index, batch: 0), step: index, steps: count,
                profile: index < settings.warmup ? nil : profile)
            let batch = try context.measure(.data) {
                try withTorchErrors {
                    let input = EncoderInput(
                        values: Tensor(features.values, features.shape, device: settings.device),
                        lengths: nil)
                    return TrainingBatch(
                        student: input, teachers: step.objective.teachers.map { _ in input })
                }
            }
            let report = try step([(batch, context)], learningRate: 5e-4)
            settings.device.synchronize()
            loss = report.loss
            if index >= settings.warmup { times.append(start.duration(to: .now) / .seconds(1)) }
        }
        times.sort()
        let median = times[times.count / 2]
        let operations = operations(
            step.objective, inputLength: features.shape[1])
        let matmul = try Self.matmulGflops(settings.precision, on: settings.device)
        let model = operations / median / 1e9
        return Result(
            audioSecondsPerSecond: Double(settings.batch) * settings.seconds / median,
            stepMilliseconds: median * 1e3,
            stepMillisecondsRange: [times[times.count / 10], times[times.count * 9 / 10]]
                .map { $0 * 1e3 },
            partsMilliseconds: profile.map { profile in
                Dictionary(
                    uniqueKeysWithValues: StepProfile.Part.allCases.map {
                        ($0.rawValue, 1e3 * (profile.seconds[$0] ?? 0) / Double(settings.steps))
                    })
            },
            loss: loss, matmulGflops: matmul, modelGflops: model,
            fractionOfMatmul: model / matmul, peakMemoryMegabytes: ProcessMemory.peakMegabytes,
            threads: Engine.threads)
    }

    /// Floating-point operations of a step: two for each multiply-accumulate, the student's three
    /// times (forward, and backward to inputs and to weights).
    private func operations(_ objective: any TrainingObjective, inputLength: Int) -> Double {
        func count(_ encoder: any SpeechEncoder) -> Double {
            encoder.config.multiplyAccumulates(inputLength: inputLength)
                .reduce(0) { $0 + Double($1.count) }
        }
        let taught = objective.teachers.reduce(0) { $0 + count($1) }
        return 2 * Double(settings.batch) * (taught + 3 * count(objective.student))
    }

    /// Models of the shapes that are asked for, with random weights, and what trains them.
    private func makeStep(_ base: any EncoderConfig) throws -> TrainingStep {
        switch settings.method {
        case .pretrain(let config):
            let student = try settings.student.config(like: base)
                .makeEncoder(in: ParameterStore(seed: 2, device: settings.device))
            student.precision = settings.precision
            let objective = try config.objective.makeObjective(student: student, seed: 3)
            return TrainingStep(
                objective, settings: config.optimizer.settings, clipNorm: config.optimizer.clipNorm)
        case .distill(var config):
            let teacher = try settings.teacher.config(like: base).makeEncoder(
                in: ParameterStore(seed: 1, dtype: settings.precision, device: settings.device))
            if case .onceForAll(var once) = config.objective {
                once.space = once.space.scaled(
                    from: config.student.design, to: settings.student)
                config.objective = .onceForAll(once)
            }
            config.student.design = config.student.design.resized(to: settings.student)
            config.student.initialization = .random
            let (student, _) = try config.student.makeStudent(
                of: teacher, seed: 2, device: settings.device
            ) { teacher.parameters[$0]!.to(.float32) }
            student.precision = settings.precision
            let objective = try config.objective.makeObjective(
                teachers: [teacher], student: student, seed: 3)
            return TrainingStep(
                objective, settings: config.optimizer.settings, clipNorm: config.optimizer.clipNorm)
        }
    }

    /// The rate of a product of two 2048 × 2048 matrices, median of several.
    static func matmulGflops(_ dtype: DType, on device: Device) throws -> Double {
        let width = 2048
        let generator = RandomGenerator(seed: 5)
        return try withTorchErrors {
            withoutGradients {
                let a = Tensor.normal([width, width], generator: generator).to(dtype).to(device)
                let b = Tensor.normal([width, width], generator: generator).to(dtype).to(device)
                var times: [Double] = []
                for _ in 0..<9 {
                    let start = ContinuousClock.now
                    _ = a.linear(b)
                    device.synchronize()
                    times.append(start.duration(to: .now) / .seconds(1))
                }
                times.sort()
                let operations = 2 * Double(width * width * width)
                return operations / times[times.count / 2] / 1e9
            }
        }
    }
}
