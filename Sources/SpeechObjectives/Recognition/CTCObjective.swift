import SpeechCore
public import SpeechModels
public import Torch

/// Fine-tuning for recognition: encoder, dropout and a linear layer over tokens, trained with CTC.
///
/// That is how wav2vec 2.0 is fine-tuned (arXiv 2006.11477, section 3.3), as `Wav2Vec2ForCTC`.
/// The loss is a mean over clips. Clips with more labels than frames count as nothing and are
/// reported.
public final class CTCObjective: TrainingObjective {
    /// What was recognised in a clip of a validation.
    public struct HeardClip: Sendable {
        /// The clip's target.
        public let target: ClipTarget
        /// What the best tokens spell, tags of languages left out.
        public let text: String
        /// Whether the first token is the tag that it should be; nil without tags.
        public let hasLanguage: Bool?
        /// The loss; nil where the target fits no alignment.
        public let loss: Double?
    }

    /// The settings.
    public let settings: CTCSettings
    /// The trained encoder.
    public let student: any SpeechEncoder
    /// The layer that scores tokens; it has a tokenizer.
    public let head: CTCHead
    /// The ids of tokens that stand for languages, in no text.
    public let languageTags: Set<Int>
    private let scoring: CTCScoring
    private let pass: FineTuningPass

    /// * `head`: with a tokenizer.
    /// * `languageTags`: the ids of tags that targets begin with; empty without tags.
    /// * `summarize`: makes figures of what a validation recognised.
    /// - Throws: `ObjectiveError.invalidSetting` for settings that do not fit the encoder.
    public init(
        _ settings: CTCSettings, student: any SpeechEncoder, head: CTCHead,
        languageTags: Set<Int> = [], summarize: @escaping ([HeardClip]) -> ValidationFigures
    ) throws {
        try settings.validate()
        try FineTuningPass.validate(settings.masking, student)
        guard let tokenizer = head.tokenizer else {
            preconditionFailure("a head without a tokenizer")
        }
        self.settings = settings
        self.student = student
        self.head = head
        self.languageTags = languageTags
        scoring = CTCScoring(
            tokenizer: tokenizer, blank: head.config.blank, reduction: settings.reduction,
            languageTags: languageTags, summarize: summarize)
        pass = FineTuningPass(
            student, masking: settings.masking, layerDrop: settings.layerDrop,
            freezeEncoderUpdates: settings.freezeEncoderUpdates)
    }

    /// None.
    public var teachers: [any SpeechEncoder] { [] }
    /// The head's.
    public var heads: ParameterStore { head.parameters }
    /// One.
    public var minimumFrames: Int { 1 }

    /// All but the convolutions over samples, if these stay as they are.
    public func isTrained(_ parameter: String) -> Bool {
        !(settings.freezesFeatureExtractor && parameter.hasPrefix("feature_extractor."))
    }

    /// The loss of one batch; the encoder records nothing while it is frozen.
    public func loss(on batch: TrainingBatch, _ context: LossContext) throws -> LossReport {
        precondition(!batch.targets.isEmpty, "a batch without labels")
        let encoded = context.measure(.student) { encode(batch.student, context) }
        return context.measure(.loss) {
            var states = encoded.states
            if !context.isValidation { states = states.dropout(settings.finalDropout) }
            let logits = head(states.to(.float32))  // [B, T', V]
            return scoring.report(
                logits, lengths: encoded.lengths, targets: batch.targets, context)
        }
    }

    private func encode(
        _ input: EncoderInput, _ context: LossContext
    ) -> (states: Tensor, lengths: [Int]) {
        let (masked, request) = pass.draw(input, context, stream: 0x63_7463)
        func run() -> EncoderOutput { student.encode(input, masked: masked, request: request) }
        let isFrozen = !context.isValidation && pass.isFrozen(context)
        let output = isFrozen ? withoutGradients(run) : run()
        return (output.lastHiddenState!, output.outputLengths)
    }

    /// What the validation recognised, as figures.
    public func finishValidation() -> ValidationFigures { scoring.finishValidation() }

    /// The recogniser.
    public func result() -> TrainingResult { TrainingResult(encoder: student, head: head) }
}
