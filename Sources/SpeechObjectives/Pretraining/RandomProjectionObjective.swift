import Foundation
import SpeechCore
public import SpeechModels
public import Torch

/// The settings of masked prediction of random-projection codes.
public struct RandomProjectionObjectiveSettings: Codable, Equatable, Sendable {
    /// What is hidden.
    public var masking = SpanMasking()
    /// The quantiser.
    public var codes = RandomProjectionSettings()

    /// The defaults.
    public init() {}

    /// Checks the settings.
    ///
    /// - Throws: `ObjectiveError.invalidSetting`.
    public func validate() throws {
        try masking.validateForPrediction()
        try codes.validate(key: "objective.codes")
    }
}

/// Masked prediction of random-projection codes (BEST-RQ, Chiu et al. 2022): for each masked frame the
/// last layer names the code of what was hidden.
public final class RandomProjectionObjective: TrainingObjective {
    /// The settings.
    public let settings: RandomProjectionObjectiveSettings
    /// The trained encoder.
    public let student: any SpeechEncoder
    /// `code_head.…`, and the quantiser as buffers `random_projection.…`.
    public let heads: ParameterStore
    private let filterbank: FilterbankInput
    private let quantizer: RandomProjectionQuantizer
    private let prediction: CodePrediction

    /// * `seed`: of the quantiser and the head's first values.
    /// - Throws: `ObjectiveError.invalidSetting` for settings that do not fit the encoder.
    public init(
        _ settings: RandomProjectionObjectiveSettings, student: any SpeechEncoder, seed: UInt64
    ) throws {
        try settings.validate()
        try MaskedSpeech.requireMaskable(student)
        self.settings = settings
        self.student = student
        filterbank = try FilterbankInput(of: student.config)
        heads = ParameterStore(seed: seed, device: student.parameters.device)
        quantizer = RandomProjectionQuantizer(
            heads.root["random_projection"], settings.codes, inputs: filterbank.width)
        prediction = CodePrediction(
            heads.root["code_head"], inputs: student.width, books: settings.codes.books,
            entries: settings.codes.entries)
        heads.setTrainable(true)
    }

    /// None.
    public var teachers: [any SpeechEncoder] { [] }
    /// Two spans.
    public var minimumFrames: Int { settings.masking.minimumFrames }
    /// ln V.
    public var chanceLevel: Double? { log(Double(settings.codes.entries)) }

    /// The loss of one batch.
    ///
    /// - Throws: `ObjectiveError.nothingToPredict` where every utterance is too short.
    public func loss(on batch: TrainingBatch, _ context: LossContext) throws -> LossReport {
        var generator = context.seed.generator(stream: 0x7270_71)
        let features = try context.measure(.loss) { try filterbank(batch.student) }
        let speech = try MaskedSpeech(
            student, batch.student, settings.masking, limit: features.lengths,
            wantsFeatures: false, context, using: &generator)
        return context.measure(.loss) {
            let codes = quantizer(speech.rows.select(from: features.values))
            let result = prediction(
                speech.lastStates, codes: codes, weights: speech.weights,
                withDiagnostics: context.withDiagnostics)
            return LossReport(sum: result.sum, count: speech.rows.count, metrics: result.metrics)
        }
    }
}
