public import SpeechModels
public import Torch

/// What an objective says about one batch.
///
/// The trainer divides: it adds up the sums and counts of all batches of an update and of all
/// ranks, so that every frame weighs the same however batches are cut.
public struct LossReport {
    /// The loss summed over all predicted frames of the batch, a scalar with history.
    public let sum: Tensor
    /// The number of predicted frames.
    public let count: Int
    /// Diagnostics by name, each already a mean over this batch; empty unless asked for.
    public let metrics: [(name: String, value: Double)]

    /// Joins the parts.
    public init(sum: Tensor, count: Int, metrics: [(name: String, value: Double)] = []) {
        self.sum = sum
        self.count = count
        self.metrics = metrics
    }
}

/// Where the random numbers of one batch come from: a pure function of seed, step and batch, so
/// that resuming needs no state.
public struct BatchSeed: Sendable {
    /// The seed of the run.
    public let seed: UInt64
    /// The update that the batch belongs to.
    public let step: Int
    /// The batch within the update.
    public let batch: Int

    /// Names a batch of a run.
    public init(seed: UInt64, step: Int, batch: Int) {
        self.seed = seed
        self.step = step
        self.batch = batch
    }
}

/// A batch as a distillation objective takes it: the same speech for both encoders.
public struct DistillationBatch {
    /// What the teacher hears.
    public let teacher: EncoderInput
    /// What the student hears; the same tensors where both use one feature extractor.
    public let student: EncoderInput

    /// Joins the inputs of both encoders.
    public init(teacher: EncoderInput, student: EncoderInput) {
        self.teacher = teacher
        self.student = student
    }
}
