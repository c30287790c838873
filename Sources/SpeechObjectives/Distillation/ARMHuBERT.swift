import SpeechCore
public import SpeechModels
import Torch

/// The settings of ARMHuBERT's masked and unmasked distillation.
public struct ARMHuBERTSettings: Codable, Equatable, Sendable {
    /// Masking, layer mapping, target, head and weights; every frame is predicted.
    public var layers = LayerSettings()
    /// The distance of predictions from targets.
    public var distance = RegressionLoss(.mse)
    /// What the loss of all pairs but those of the last student layer is multiplied by, where
    /// `layer_weights` says nothing.
    public var hiddenWeight = 0.1
    /// Whether gradients of early layers are held back: of N layers, that of layer i's output is
    /// multiplied by (N − i + 1) / (N − i + 2), and what it receives from its head by one minus that
    /// first.
    public var scalesGradients = false

    private static let open = LayerSettings.CodingKeys.allCases.filter { $0 != .frames }

    private enum CodingKeys: String, CodingKey {
        case hiddenWeight = "hidden_weight"
        case scalesGradients = "scale_gradients"
    }

    /// The defaults: outputs of all layers, spans of 0 to 20 frames.
    public init() {
        layers.target.feature = .layerOutput
        layers.masking = SpanMasking(sampler: .uniform, probability: 0.8, minimumSpans: 1)
        layers.frames = .all
    }

    /// Reads all settings from one level.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        layers = try LayerSettings(from: decoder, only: Self.open, else: Self().layers)
        distance = try RegressionLoss(from: decoder)
        hiddenWeight = try container.decode(Double.self, forKey: .hiddenWeight)
        scalesGradients = try container.decode(Bool.self, forKey: .scalesGradients)
    }

    /// Writes all settings on one level.
    public func encode(to encoder: any Encoder) throws {
        try layers.encode(to: encoder, only: Self.open)
        try distance.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(hiddenWeight, forKey: .hiddenWeight)
        try container.encode(scalesGradients, forKey: .scalesGradients)
    }

    /// Checks the settings.
    ///
    /// - Throws: `ObjectiveError.invalidSetting`.
    public func validate() throws {
        try layers.validate()
        try distance.validate()
        guard hiddenWeight >= 0, hiddenWeight.isFinite else {
            throw ObjectiveError.invalidSetting(
                key: "objective.hidden_weight", expected: "a number from 0 on",
                found: "\(hiddenWeight)")
        }
    }
}

/// Masked and unmasked distillation (ARMHuBERT and MaskHuBERT, arXiv 2305.11685).
///
/// The teacher hears the speech twice, once with the student's masks. The student predicts at masked
/// frames what the teacher makes of all speech, and at the others what it makes of the masked one,
/// which is what the student hears. Validation masks nothing.
public final class ARMHuBERT: LayerwiseObjective {
    /// The settings.
    public let settings: ARMHuBERTSettings
    /// The pairs of layers and their heads.
    public let matching: LayerMatching

    /// * `seed`: of the heads' first values.
    /// - Throws: `ObjectiveError.invalidSetting` for settings that do not fit the models, such as
    ///   masks and a teacher that takes none.
    public init(
        _ settings: ARMHuBERTSettings, teachers: [any SpeechEncoder], student: any SpeechEncoder,
        seed: UInt64
    ) throws {
        try settings.validate()
        self.settings = settings
        var options = LayerMatching.Options()
        options.masksTeachers = true
        options.sharesGradients = settings.scalesGradients
        options.weight = { $0.student == student.layerCount ? 1 : settings.hiddenWeight }
        matching = try LayerMatching(
            settings.layers, teachers: teachers, student: student, seed: seed, minimumFrames: 1,
            options: options)
    }

    /// That of exact predictions.
    public var minimumLoss: Double { matching.minimumLoss(settings.distance) }

    /// The loss of one batch.
    ///
    /// - Throws: `ObjectiveError.nothingToPredict` where every utterance is too short.
    public func loss(on batch: TrainingBatch, _ context: LossContext) throws -> LossReport {
        var generator = SeededGenerator(context, stream: 0x6172_6d68)
        return try matching.pass(on: batch, context, using: &generator)
            .regression(settings.distance, context)
    }
}
