import SpeechCore
public import SpeechModels
package import Torch

/// The settings of STaRHuBERT's temporal relations.
public struct STaRHuBERTSettings: Codable, Equatable, Sendable {
    /// Masking, layer mapping and weights; outputs of layers are compared at every frame.
    public var layers = LayerSettings()
    /// What the Gram matrices of layers' outputs are multiplied by.
    public var layerGramWeight = 1.0
    /// What the Gram matrices between inputs and outputs of layers are multiplied by.
    public var intraLayerGramWeight = 1.0

    private static let open: [LayerSettings.CodingKeys] = [
        .mapping, .masking, .layerWeights, .teacherWeights,
    ]

    private enum CodingKeys: String, CodingKey {
        case layerGramWeight = "layer_gram_weight"
        case intraLayerGramWeight = "intra_layer_gram_weight"
    }

    /// The defaults: all layers, both matrices, nothing masked.
    public init() {
        layers.target.feature = .layerOutput
        layers.masking.sampler = .none
        layers.frames = .all
    }

    /// Reads all settings from one level.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        layers = try LayerSettings(from: decoder, only: Self.open, else: Self().layers)
        layerGramWeight = try container.decode(Double.self, forKey: .layerGramWeight)
        intraLayerGramWeight = try container.decode(Double.self, forKey: .intraLayerGramWeight)
    }

    /// Writes all settings on one level.
    public func encode(to encoder: any Encoder) throws {
        try layers.encode(to: encoder, only: Self.open)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(layerGramWeight, forKey: .layerGramWeight)
        try container.encode(intraLayerGramWeight, forKey: .intraLayerGramWeight)
    }

    /// Checks the settings.
    ///
    /// - Throws: `ObjectiveError.invalidSetting`.
    public func validate() throws {
        try layers.validate()
        for (key, weight) in [
            (CodingKeys.layerGramWeight, layerGramWeight),
            (.intraLayerGramWeight, intraLayerGramWeight),
        ] {
            guard weight >= 0, weight.isFinite else {
                throw ObjectiveError.invalidSetting(
                    key: "objective.\(key.rawValue)", expected: "a number from 0 on",
                    found: "\(weight)")
            }
        }
        guard layerGramWeight + intraLayerGramWeight > 0 else {
            throw ObjectiveError.invalidSetting(
                key: "objective.\(CodingKeys.layerGramWeight.rawValue)",
                expected: "a number above 0 where intra_layer_gram_weight is 0", found: "0.0")
        }
    }
}

/// Distillation of relations between the frames of an utterance (STaRHuBERT, arXiv 2312.09040).
///
/// Of every pair of layers two Gram matrices over time are compared: X Xᵀ of a layer's output X, and
/// of its input with its output. Both are divided by the number of channels, so that no head stands
/// between models of different widths.
public final class STaRHuBERT: LayerwiseObjective {
    /// The settings.
    public let settings: STaRHuBERTSettings
    /// The pairs of layers; there are no heads.
    public let matching: LayerMatching

    /// * `seed`: of nothing, as there are no heads.
    /// - Throws: `ObjectiveError.invalidSetting` for settings that do not fit the models.
    public init(
        _ settings: STaRHuBERTSettings, teachers: [any SpeechEncoder],
        student: any SpeechEncoder, seed: UInt64
    ) throws {
        try settings.validate()
        self.settings = settings
        var options = LayerMatching.Options()
        options.hasHeads = false
        options.keepsInputs = true
        matching = try LayerMatching(
            settings.layers, teachers: teachers, student: student, seed: seed, minimumFrames: 1,
            options: options)
    }

    /// The loss of one batch: for each pair the mean over T × T of the squared difference of
    /// matrices, of an utterance counted T times.
    ///
    /// - Throws: `ObjectiveError.nothingToPredict` where every utterance is too short.
    public func loss(on batch: TrainingBatch, _ context: LossContext) throws -> LossReport {
        var generator = SeededGenerator(context, stream: 0x7374_6172)
        let pass = try matching.pass(on: batch, context, using: &generator)
        return context.measure(.loss) {
            let device = student.parameters.device
            let weights = pass.rows.map { $0.weights(.float32, device: device).unsqueeze(2) }
            var metrics: [(name: String, value: Double)] = []
            let sum = pass.sum(ofLayers: { index, studentLayer, teacherLayer in
                let pair = matching.pairs[index]
                let weights = weights[pair.teacher]  // [B, M, 1]
                func distance(_ offset: Int) -> Tensor {
                    Self.distance(
                        Self.gram(
                            studentLayer(pair.layers.student - offset) * weights,
                            studentLayer(pair.layers.student) * weights),
                        Self.gram(
                            teacherLayer(pair.layers.teacher - offset) * weights,
                            teacherLayer(pair.layers.teacher) * weights),
                        frames: weights.sum([1, 2]))
                }
                let terms = [
                    ("layer_gram", settings.layerGramWeight, 0),
                    ("intra_layer_gram", settings.intraLayerGramWeight, 1),
                ].filter { $0.1 > 0 }
                return terms.map { name, weight, offset in
                    let sum = distance(offset)
                    if context.withDiagnostics {
                        let count = Double(pass.rows[pair.teacher].count)
                        metrics.append(("\(pair.name)/\(name)", sum.item() / count))
                    }
                    return sum * weight
                }.reduce(Tensor.zeros([], device: device)) { $0 + $1 }
            })
            return LossReport(sum: sum, count: pass.count, metrics: metrics)
        }
    }

    /// X Yᵀ / D of [B, M, D], [B, M, M].
    package static func gram(_ x: Tensor, _ y: Tensor) -> Tensor {
        x.batchedMatmul(y.transpose(1, 2)) / Double(x.size(2))
    }

    /// The sum over utterances of Σ (G − H)² / T.
    ///
    /// * `frames`: T of each utterance, [B].
    package static func distance(_ g: Tensor, _ h: Tensor, frames: Tensor) -> Tensor {
        let difference = g - h
        return ((difference * difference).sum([1, 2]) / frames.clamped(min: 1)).sum()
    }
}
