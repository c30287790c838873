import Foundation
import SpeechCore
public import SpeechModels
public import Torch

/// The settings of wav2vec 2.0's objective.
public struct Wav2Vec2Settings: Codable, Equatable, Sendable {
    /// What is hidden.
    public var masking = SpanMasking()
    /// τ of the contrastive loss.
    public var temperature = 0.1
    /// K, the number of distractors.
    public var distractors = DistractorCount.sampled(100)
    /// The width that predictions and targets are compared in.
    public var width = 256
    /// The weight of the diversity loss.
    public var diversityWeight = 0.1
    /// The weight of the mean square of a waveform front end's output.
    public var penaltyWeight = 10.0
    /// The quantiser.
    public var quantizer = GumbelSettings()

    private enum CodingKeys: String, CodingKey {
        case masking, temperature, distractors, width, quantizer
        case diversityWeight = "diversity_weight"
        case penaltyWeight = "penalty_weight"
    }

    /// wav2vec 2.0 base.
    public init() {}

    /// Checks the settings.
    ///
    /// - Throws: `ObjectiveError.invalidSetting`.
    public func validate() throws {
        func require(_ holds: Bool, _ key: String, _ expected: String, _ found: Any) throws {
            if !holds {
                throw ObjectiveError.invalidSetting(
                    key: "objective.\(key)", expected: expected, found: "\(found)")
            }
        }
        try masking.validateForPrediction()
        let limit = 1 << 16
        try require(
            temperature > 0 && temperature.isFinite, "temperature", "a positive number",
            temperature)
        if case .sampled(let count) = distractors {
            try require(
                (1...limit).contains(count), "distractors", "1 … \(limit), or 'all'", count)
        }
        try require((1...limit).contains(width), "width", "1 … \(limit)", width)
        for (key, weight) in [
            ("diversity_weight", diversityWeight), ("penalty_weight", penaltyWeight),
        ] { try require(weight >= 0 && weight.isFinite, key, "0 or more", weight) }
        try quantizer.validate(key: "objective.quantizer")
    }
}

/// wav2vec 2.0 (Baevski et al. 2020): for each masked frame the encoder picks the quantised features
/// of that frame among those of other masked frames; codebooks are learned with it.
public final class Wav2Vec2Objective: TrainingObjective {
    /// The settings.
    public let settings: Wav2Vec2Settings
    /// The trained encoder.
    public let student: any SpeechEncoder
    /// `quantizer.…`, `project_hid.…` and `project_q.…`, Hugging Face's names.
    public let heads: ParameterStore
    private let contrast: QuantizedContrast

    /// * `seed`: of the heads' first values.
    /// - Throws: `ObjectiveError.invalidSetting` for settings that do not fit the encoder.
    public init(
        _ settings: Wav2Vec2Settings, student: any SpeechEncoder, seed: UInt64
    ) throws {
        try settings.validate()
        try MaskedSpeech.requireMaskable(student)
        self.settings = settings
        self.student = student
        heads = ParameterStore(seed: seed, device: student.parameters.device)
        contrast = QuantizedContrast(heads.root, settings, student: student)
        heads.setTrainable(true)
    }

    /// None.
    public var teachers: [any SpeechEncoder] { [] }
    /// Two spans.
    public var minimumFrames: Int { settings.masking.minimumFrames }
    /// ln(K + 1) where K is given.
    public var chanceLevel: Double? { settings.distractors.chanceLevel }

    /// The loss of one batch.
    ///
    /// - Throws: `ObjectiveError.nothingToPredict` where every utterance is too short.
    public func loss(on batch: TrainingBatch, _ context: LossContext) throws -> LossReport {
        var generator = context.seed.generator(stream: 0x77_3276_32)
        let speech = try MaskedSpeech(
            student, batch.student, settings.masking, wantsFeatures: true, context,
            using: &generator)
        return context.measure(.loss) {
            let result = contrast(
                speech.lastStates, of: speech, context, using: &generator)
            let sum = result.sum + result.guidance * Double(result.count)
            return LossReport(sum: sum, count: result.count, metrics: result.metrics)
        }
    }
}

extension DistractorCount {
    /// ln(K + 1), the contrastive loss of a student that knows nothing; nil where the number of
    /// distractors depends on the utterance.
    var chanceLevel: Double? {
        if case .sampled(let count) = self { return log(Double(count + 1)) }
        return nil
    }
}

extension BatchSeed {
    /// The random numbers of this batch that one objective draws.
    func generator(stream: UInt64) -> SeededGenerator {
        SeededGenerator(seed: seed, stream: stream, UInt64(step), UInt64(batch))
    }
}
