public import SpeechCore
public import SpeechModels
public import Torch

/// Recognition by a probe of a frozen encoder, trained with CTC: tells how much of speech the layers of
/// the encoder hold (SUPERB, arXiv 2105.01051; ML-SUPERB, arXiv 2305.10615).
///
/// The encoder is heard as it is: without gradients, dropout or masks. What is hidden, is hidden from
/// the probe. The share of each layer is a metric of every logged step and validation,
/// `layer_share/<layer>`, 0 being what the first layer hears.
public final class ProbeObjective: TrainingObjective {
    /// The settings; only the probe and the reduction of the loss say something.
    public let settings: CTCSettings
    /// The encoder, which stays as it is.
    public let student: any SpeechEncoder
    /// The network that is trained.
    public let probe: any RecognitionProbe
    private let request: LayerRequest
    private let scoring: CTCScoring

    /// * `probe`: of the encoder, with as many outputs as the tokenizer has tokens.
    /// * `languageTags`: the ids of tags that targets begin with; empty without tags.
    /// * `summarize`: makes figures of what a validation recognised.
    /// - Throws: `ObjectiveError.invalidSetting`.
    public init(
        _ settings: CTCSettings, student: any SpeechEncoder, probe: any RecognitionProbe,
        tokenizer: CTCTokenizer, languageTags: Set<Int> = [],
        summarize: @escaping ([CTCObjective.HeardClip]) -> ValidationFigures
    ) throws {
        try settings.validate()
        self.settings = settings
        self.student = student
        self.probe = probe
        request = LayerMixture.request(layers: student.layerCount)
        scoring = CTCScoring(
            tokenizer: tokenizer, blank: tokenizer.blank, reduction: settings.reduction,
            languageTags: languageTags, summarize: summarize)
    }

    /// None.
    public var teachers: [any SpeechEncoder] { [] }
    /// The probe's.
    public var heads: ParameterStore { probe.parameters }
    /// What the probe needs.
    public var minimumFrames: Int { probe.minimumFrames }

    /// Nothing of the encoder.
    public func isTrained(_ parameter: String) -> Bool { false }

    /// The loss of one batch, a sum over clips; those with more labels than the probe makes frames count
    /// as nothing and are reported.
    public func loss(on batch: TrainingBatch, _ context: LossContext) throws -> LossReport {
        precondition(!batch.targets.isEmpty, "a batch without labels")
        let output = context.measure(.student) { heard(batch.student) }
        return context.measure(.loss) {
            var generator: SeededGenerator? =
                context.isValidation ? nil : context.seed.generator(stream: 0x70_726f_6265)
            let logits = probe(output, using: &generator)  // [B, T', V]
            return scoring.report(
                logits, lengths: output.lengths.map { probe.outputLength(frames: $0) },
                targets: batch.targets, context,
                metrics: context.withDiagnostics ? shares : [])
        }
    }

    /// The encoder's hidden states without history, whatever mode it is in.
    private func heard(_ input: EncoderInput) -> EncoderOutput {
        let wasTraining = student.isTraining
        student.isTraining = false
        defer { student.isTraining = wasTraining }
        return withoutGradients { student.encode(input, request: request) }
    }

    private var shares: [(name: String, value: Double)] {
        probe.layerShares.detached().floats().enumerated().map {
            ("layer_share/\($0.offset)", Double($0.element))
        }
    }

    /// What the validation recognised, as figures.
    public func finishValidation() -> ValidationFigures { scoring.finishValidation() }

    /// The probe, and the encoder that it is for.
    public func result() -> TrainingResult { TrainingResult(encoder: student, probe: probe) }
}
