import SpeechCore
public import SpeechModels
import Torch

/// The settings of masked regression in the style of data2vec.
public struct Data2VecSettings: Codable, Equatable, Sendable {
    /// Masking, head, predicted frames and the weights of teachers; mapping and target are the
    /// objective's own.
    public var layers = LayerSettings()
    /// K: the mean over the teacher's last K layers is predicted.
    public var topLayers = 8
    /// The distance of predictions from targets.
    public var distance = RegressionLoss(.scaledL2)

    private static let open: [LayerSettings.CodingKeys] = [
        .masking, .head, .frames, .teacherWeights,
    ]

    private enum CodingKeys: String, CodingKey {
        case topLayers = "top_layers"
    }

    /// The defaults of data2vec for speech.
    public init() { layers.target.normalization = .instance }

    /// Reads all settings from one level.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        layers = try LayerSettings(from: decoder, only: Self.open, else: Self().layers)
        topLayers = try container.decode(Int.self, forKey: .topLayers)
        distance = try RegressionLoss(from: decoder)
    }

    /// Writes all settings on one level.
    public func encode(to encoder: any Encoder) throws {
        try layers.encode(to: encoder, only: Self.open)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(topLayers, forKey: .topLayers)
        try distance.encode(to: encoder)
    }

    /// Checks the settings.
    ///
    /// - Throws: `ObjectiveError.invalidSetting`.
    public func validate() throws {
        try layers.validate()
        try distance.validate()
        guard topLayers >= 1 else {
            throw ObjectiveError.invalidSetting(
                key: "objective.top_layers", expected: "a number from 1 on", found: "\(topLayers)")
        }
    }
}

/// Masked regression of a frozen teacher in the style of data2vec (arXiv 2202.03555).
///
/// The target is the mean of the feed-forward features of the teacher's last layers, each normalised
/// over the time of its utterance; the student predicts it at masked frames from its last layer.
public final class Data2Vec: LayerwiseObjective {
    /// The settings.
    public let settings: Data2VecSettings
    /// The last layer of the student, the last ones of each teacher, and their head.
    public let matching: LayerMatching

    /// * `seed`: of the heads' first values.
    /// - Throws: `ObjectiveError.invalidSetting` for settings that do not fit the models.
    public init(
        _ settings: Data2VecSettings, teachers: [any SpeechEncoder], student: any SpeechEncoder,
        seed: UInt64
    ) throws {
        try settings.validate()
        for teacher in teachers where teacher.layerCount < settings.topLayers {
            throw ObjectiveError.invalidSetting(
                key: "objective.top_layers",
                expected: "at most the \(teacher.layerCount) layers of the teacher",
                found: "\(settings.topLayers)")
        }
        self.settings = settings
        var layers = settings.layers
        layers.mapping = .top(settings.topLayers)
        matching = try LayerMatching(
            layers, teachers: teachers, student: student, seed: seed, minimumFrames: 1)
    }

    /// That of exact predictions.
    public var minimumLoss: Double { matching.minimumLoss(settings.distance) }

    /// The loss of one batch.
    ///
    /// - Throws: `ObjectiveError.nothingToPredict` where every utterance is too short.
    public func loss(on batch: TrainingBatch, _ context: LossContext) throws -> LossReport {
        var generator = SeededGenerator(context, stream: 0x6432_7663)
        return try matching.pass(on: batch, context, using: &generator)
            .regression(settings.distance, context)
    }
}
