public import SpeechModels
public import Torch

/// A loss that trains an encoder, alone or beside frozen teachers.
public protocol TrainingObjective: AnyObject {
    /// The trained encoder.
    var student: any SpeechEncoder { get }
    /// The frozen encoders, in the order of `TrainingBatch.teachers`; none without a teacher.
    var teachers: [any SpeechEncoder] { get }
    /// Parameters of the objective itself, thrown away after training.
    var heads: ParameterStore { get }
    /// Utterances with fewer frames cannot be used.
    var minimumFrames: Int { get }
    /// The loss of a student that knows nothing, where that is a constant.
    var chanceLevel: Double? { get }
    /// The least value that the loss can take.
    var minimumLoss: Double { get }
    /// The pairs of layers that it compares, for those that do.
    var matchedPairs: [LayerMatching.Pair] { get }

    /// The loss of one batch.
    ///
    /// Gradients of the heads may be accumulated at once; those of the student come with
    /// `sum.backward()`, which has to follow.
    ///
    /// - Throws: `ObjectiveError`.
    func loss(on batch: TrainingBatch, _ context: LossContext) throws -> LossReport

    /// What the learning rate of a parameter is multiplied by; below 0 it climbs.
    ///
    /// * `parameter`: a name in the student or in the heads.
    func learningRateScale(of parameter: String) -> Double

    /// Whether the student may be chosen for its validation after `step` of `steps` updates; not while
    /// it is not yet what it is to become.
    func isSelectable(step: Int, steps: Int) -> Bool

    /// Whether a parameter of the student is trained; the others stay as they are.
    func isTrained(_ parameter: String) -> Bool

    /// What the validation that ends found besides its losses; forgets what it was found from.
    func finishValidation() -> ValidationFigures

    /// What the training leaves behind, from the parameters as they are now.
    func result() -> TrainingResult
}

extension TrainingObjective {
    /// Unknown.
    public var chanceLevel: Double? { nil }
    /// Zero.
    public var minimumLoss: Double { 0 }
    /// None.
    public var matchedPairs: [LayerMatching.Pair] { [] }
    /// One rate for all.
    public func learningRateScale(of parameter: String) -> Double { 1 }
    /// From the first update on.
    public func isSelectable(step: Int, steps: Int) -> Bool { true }
    /// All of them.
    public func isTrained(_ parameter: String) -> Bool { true }
    /// Nothing.
    public func finishValidation() -> ValidationFigures { ValidationFigures() }
    /// The student as it is.
    public func result() -> TrainingResult { TrainingResult(encoder: student) }
}

/// What a training leaves behind.
public struct TrainingResult {
    /// The trained encoder: the student, or what an objective makes of it.
    public let encoder: any SpeechEncoder
    /// The layer that makes a recogniser of it, where that was trained.
    public let head: CTCHead?
    /// The translation model that the encoder is part of, where that was trained.
    public let translator: SpeechTranslator?
    /// What was trained on the hidden states of an encoder that stayed as it was; only this is written.
    public let probe: (any RecognitionProbe)?
    /// Parameters of the objective that a further training can go on with.
    public let heads: [(name: String, tensor: Tensor)]
    /// What is to be said about it.
    public let notes: [String]

    /// Joins the parts.
    public init(
        encoder: any SpeechEncoder, head: CTCHead? = nil, translator: SpeechTranslator? = nil,
        probe: (any RecognitionProbe)? = nil,
        heads: [(name: String, tensor: Tensor)] = [], notes: [String] = []
    ) {
        self.encoder = encoder
        self.head = head
        self.translator = translator
        self.probe = probe
        self.heads = heads
        self.notes = notes
    }
}

/// What an objective says about one batch.
///
/// The trainer divides: it adds up the sums and counts of all batches of an update and of all
/// ranks, so that every frame weighs the same however batches are cut.
public struct LossReport {
    /// The loss summed over all predicted frames, or clips, of the batch, a scalar with history.
    public let sum: Tensor
    /// The number of predicted frames or clips.
    public let count: Int
    /// Diagnostics by name, each already a mean over this batch; empty unless asked for.
    public let metrics: [(name: String, value: Double)]
    /// Clips of the batch that the loss leaves out, with the reason.
    public let leftOut: [(clip: Int, reason: String)]

    /// Joins the parts.
    public init(
        sum: Tensor, count: Int, metrics: [(name: String, value: Double)] = [],
        leftOut: [(clip: Int, reason: String)] = []
    ) {
        self.sum = sum
        self.count = count
        self.metrics = metrics
        self.leftOut = leftOut
    }
}

/// What an objective needs to know about the place of a batch in its run.
public struct LossContext {
    /// The source of all random numbers of this batch.
    public let seed: BatchSeed
    /// Updates made so far, which the objective's own schedules follow.
    public let step: Int
    /// Updates of the whole run.
    public let steps: Int
    /// Whether the loss is measured and not minimised: schedules stand at their end, terms that only
    /// guide the training are left out.
    public let isValidation: Bool
    /// Whether to fill the report's metrics, which costs time.
    public let withDiagnostics: Bool
    /// Takes the times of the parts, where somebody wants them.
    public let profile: StepProfile?

    /// All values.
    public init(
        seed: BatchSeed, step: Int, steps: Int, isValidation: Bool = false,
        withDiagnostics: Bool = false, profile: StepProfile? = nil
    ) {
        self.seed = seed
        self.step = step
        self.steps = steps
        self.isValidation = isValidation
        self.withDiagnostics = withDiagnostics
        self.profile = profile
    }

    /// Runs a part of a step, timed where a profile is kept.
    public func measure<Result>(
        _ part: StepProfile.Part, _ body: () throws -> Result
    ) rethrows -> Result {
        guard let profile else { return try body() }
        return try profile.measure(part, body)
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

/// A batch as an objective takes it: the same speech for all encoders.
public struct TrainingBatch {
    /// What the student hears.
    public let student: EncoderInput
    /// What each teacher hears; the student's own tensors where both use one feature extractor.
    public let teachers: [EncoderInput]
    /// How many times faster than the teachers the student hears each clip; nil where all hear the
    /// same speed.
    public let studentSpeeds: [Double]?
    /// What the clips are to be turned into, one for each; empty for tasks without labels.
    public let targets: [ClipTarget]

    /// Joins the inputs of all encoders.
    public init(
        student: EncoderInput, teachers: [EncoderInput] = [], studentSpeeds: [Double]? = nil,
        targets: [ClipTarget] = []
    ) {
        precondition(
            targets.isEmpty || targets.count == student.batchSize,
            "\(targets.count) targets of \(student.batchSize) clips")
        self.student = student
        self.teachers = teachers
        self.studentSpeeds = studentSpeeds
        self.targets = targets
    }
}
