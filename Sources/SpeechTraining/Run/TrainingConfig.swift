public import SpeechCore
public import Torch

/// What every training run is told, whatever it trains; a section of its YAML file for each.
///
/// Files, places and devices are not in it: they are flags.
public protocol TrainingConfig: Codable, Equatable, Sendable {
    /// How utterances become batches.
    var dataset: DatasetConfig { get set }
    /// What is done to clips before they are heard.
    var augment: AugmentConfig { get set }
    /// How parameters move.
    var optimizer: OptimizerConfig { get set }
    /// How the learning rate moves.
    var scheduler: SchedulerConfig { get set }
    /// The loop around it.
    var trainer: TrainerConfig { get set }
    /// How long it goes on.
    var regime: RegimeConfig { get set }
    /// Seed and threads.
    var common: CommonConfig { get set }

    /// Checks every section.
    ///
    /// - Throws: an error naming the dotted key, what was expected and what was found.
    func validate() throws
}

extension TrainingConfig {
    /// Checks the sections that all runs have.
    func validateLoop() throws {
        try dataset.validate()
        try augment.validate()
        func require(_ holds: Bool, _ key: String, _ expected: String, _ found: Any) throws {
            if !holds {
                throw ConfigError.invalidValue(
                    file: nil, key: key, expected: expected, found: "\(found)")
            }
        }
        let betas = optimizer.betas
        try require(
            optimizer.lr > 0 && optimizer.lr.isFinite, "optimizer.lr", "a positive number",
            optimizer.lr)
        try require(
            betas.count == 2 && betas.allSatisfy { (0..<1).contains($0) }, "optimizer.betas",
            "two numbers from 0 to below 1", betas)
        try require(
            optimizer.eps > 0 && optimizer.eps.isFinite, "optimizer.eps", "a positive number",
            optimizer.eps)
        try require(
            optimizer.weightDecay >= 0 && optimizer.weightDecay.isFinite,
            "optimizer.weight_decay", "0 or more", optimizer.weightDecay)
        try require(
            optimizer.clipNorm >= 0, "optimizer.clip_norm", "0 (off) or more",
            optimizer.clipNorm)
        for (key, value) in [
            ("warmup", scheduler.warmup), ("hold", scheduler.hold), ("decay", scheduler.decay),
        ] {
            try require(
                value >= 0 && value < 1e12 && (value < 1 || value == value.rounded()),
                "lr_scheduler.\(key)", "a share of all steps below 1, or a number of steps", value)
        }
        try require(
            scheduler.floor >= 0 && scheduler.floor <= 1, "lr_scheduler.floor", "0 … 1",
            scheduler.floor)
        try require(
            scheduler.name != .triStage || scheduler.floor > 0, "lr_scheduler.floor",
            "above 0 for tri_stage", scheduler.floor)
        try require(
            scheduler.start >= 0 && scheduler.start <= 1, "lr_scheduler.start", "0 … 1",
            scheduler.start)
        try require(
            scheduler.power > 0 && scheduler.power.isFinite, "lr_scheduler.power",
            "a positive number", scheduler.power)
        for (key, value) in [
            ("trainer.accumulation", trainer.accumulation), ("regime.steps", regime.steps),
            ("trainer.log_every", trainer.logEvery), ("trainer.save_every", trainer.saveEvery),
            ("trainer.validate_every", trainer.validateEvery),
            ("trainer.keep_last", trainer.keepLast),
            ("trainer.max_nonfinite", trainer.maxNonfinite),
        ] {
            try require(value > 0, key, "1 or more", value)
        }
        try require(common.threads >= 0, "common.threads", "0 (all cores) or more", common.threads)
    }
}

/// How parameters move.
public struct OptimizerConfig: Codable, Equatable, Sendable {
    /// The peak learning rate.
    public var lr = 5e-4
    /// Decay rates of the moments.
    public var betas = [0.9, 0.98]
    /// Added to the root of the second moment.
    public var eps = 1e-6
    /// Decay of matrices; vectors are never decayed.
    public var weightDecay = 0.01
    /// Gradients are scaled down to this norm; 0 switches clipping off.
    public var clipNorm = 1.0

    private enum CodingKeys: String, CodingKey {
        case lr, betas, eps
        case weightDecay = "weight_decay"
        case clipNorm = "clip_norm"
    }

    /// The values as the optimiser takes them.
    public var settings: AdamW.Settings {
        AdamW.Settings(betas: betas, epsilon: eps, weightDecay: weightDecay)
    }
}

/// How the learning rate moves.
///
/// Lengths below 1 are shares of all steps, others numbers of steps.
public struct SchedulerConfig: Codable, Equatable, Sendable {
    /// The shapes that there are.
    public enum Name: String, ConfigChoice {
        case constant
        case linear
        case cosine
        case polynomial
        case triStage = "tri_stage"
    }

    /// The shape.
    public var name = Name.linear
    /// Length of the warm-up.
    public var warmup = 0.08
    /// Length of the plateau of `tri_stage`.
    public var hold = 0.4
    /// Length of the decay of `tri_stage`.
    public var decay = 0.5
    /// Where the warm-up of `tri_stage` starts, as a share of the peak.
    public var start = 0.01
    /// Where `cosine`, `polynomial` and `tri_stage` end, as a share of the peak.
    public var floor = 0.05
    /// The exponent of `polynomial`.
    public var power = 1.0

    /// The schedule of a run of `steps` updates.
    public func schedule(steps: Int) -> LearningRateSchedule {
        func length(_ value: Double) -> Int {
            value < 1 ? Int((value * Double(steps)).rounded()) : Int(value)
        }
        switch name {
        case .constant: return .constant(warmup: length(warmup))
        case .linear: return .linear(warmup: length(warmup))
        case .cosine: return .cosine(warmup: length(warmup), floor: floor)
        case .polynomial:
            return .polynomial(warmup: length(warmup), power: power, floor: floor)
        case .triStage:
            return .triStage(
                warmup: length(warmup), hold: length(hold), decay: length(decay), start: start,
                floor: floor)
        }
    }
}

/// The loop.
public struct TrainerConfig: Codable, Equatable, Sendable {
    /// The type that the student computes in; weights, losses and statistics stay `float32`.
    public var precision = PrecisionChoice.automatic
    /// Batches of one update.
    public var accumulation = 1
    /// Updates between two lines of metrics.
    public var logEvery = 20
    /// Updates between two validations.
    public var validateEvery = 500
    /// Updates between two checkpoints.
    public var saveEvery = 500
    /// Checkpoints to keep besides the best one.
    public var keepLast = 2
    /// Updates in a row whose gradient is not finite before the run gives up.
    public var maxNonfinite = 20

    private enum CodingKeys: String, CodingKey {
        case precision, accumulation
        case logEvery = "log_every"
        case validateEvery = "validate_every"
        case saveEvery = "save_every"
        case keepLast = "keep_last"
        case maxNonfinite = "max_nonfinite"
    }
}

/// How long a run goes on.
public struct RegimeConfig: Codable, Equatable, Sendable {
    /// Updates.
    public var steps = 200_000
}

/// What belongs to no part.
public struct CommonConfig: Codable, Equatable, Sendable {
    /// The source of all random numbers.
    public var seed: UInt64 = 1
    /// Threads that one operator may use; 0 for as many as there are cores.
    public var threads = 0
}

/// A type to compute in.
public enum PrecisionChoice: String, ConfigChoice {
    /// bf16 where the processor or device multiplies it faster than fp32, else fp32.
    case automatic = "auto"
    case fp32
    case bf16

    /// The type on a device.
    public func dtype(on device: Device) -> DType {
        switch self {
        case .fp32: .float32
        case .bf16: .bfloat16
        case .automatic: Processor.multipliesBFloat16(on: device) ? .bfloat16 : .float32
        }
    }
}
