import SpeechCore
public import SpeechModels
import Torch

/// The settings of regression from layer to layer: what layer-to-layer objectives share, and the
/// distance.
public struct LayerRegressionSettings: Codable, Equatable, Sendable {
    /// Masking, layer mapping, target and head.
    public var layers = LayerSettings()
    /// The distance of predictions from targets.
    public var distance = RegressionLoss(.l1Cosine)

    /// The defaults: USAD's distance, everything else as CoLLD has it.
    public init() {}

    /// Reads all settings from one level.
    public init(from decoder: any Decoder) throws {
        layers = try LayerSettings(from: decoder)
        distance = try RegressionLoss(from: decoder)
    }

    /// Writes all settings on one level.
    public func encode(to encoder: any Encoder) throws {
        try layers.encode(to: encoder)
        try distance.encode(to: encoder)
    }

    /// Checks the settings.
    ///
    /// - Throws: `ObjectiveError.invalidSetting`.
    public func validate() throws {
        try layers.validate()
        try distance.validate()
    }
}

/// Regression of teachers' layers from a student's.
///
/// The methods that differ from each other in settings alone: DistilHuBERT (arXiv 2110.01900),
/// FitHuBERT (2207.00555), Deep versus Wide (2207.06867), DistilXLSR (2306.01303) and USAD
/// (2506.18843), with masked speech or all of it.
public final class LayerRegression: LayerwiseObjective {
    /// The settings.
    public let settings: LayerRegressionSettings
    /// The pairs of layers and their heads.
    public let matching: LayerMatching

    /// * `seed`: of the heads' first values.
    /// - Throws: `ObjectiveError.invalidSetting` for settings that do not fit the models.
    public init(
        _ settings: LayerRegressionSettings, teachers: [any SpeechEncoder],
        student: any SpeechEncoder, seed: UInt64
    ) throws {
        try settings.validate()
        self.settings = settings
        matching = try LayerMatching(
            settings.layers, teachers: teachers, student: student, seed: seed, minimumFrames: 1)
    }

    /// That of exact predictions.
    public var minimumLoss: Double { matching.minimumLoss(settings.distance) }

    /// The loss of one batch.
    ///
    /// - Throws: `ObjectiveError.nothingToPredict` where every utterance is too short.
    public func loss(on batch: TrainingBatch, _ context: LossContext) throws -> LossReport {
        var generator = SeededGenerator(context, stream: 0x7265_6772)
        return try matching.pass(on: batch, context, using: &generator)
            .regression(settings.distance, context)
    }
}

extension SeededGenerator {
    /// The random numbers of one batch.
    init(_ context: LossContext, stream: UInt64) {
        let seed = context.seed
        self.init(seed: seed.seed, stream: stream, UInt64(seed.step), UInt64(seed.batch))
    }
}

extension LayerMatching {
    /// The loss of exact predictions.
    func minimumLoss(_ distance: RegressionLoss) -> Double {
        distance.minimum * pairs.reduce(0) { $0 + $1.weight }
    }
}

extension LayerPass {
    /// The distances of all pairs, weighted and added up.
    ///
    /// Metrics of each pair, where they are asked for, are those of `PairDiagnostics` among
    /// all predicted frames of an utterance, and `target_var` and `pred_var`: the standard deviation
    /// of a channel over the predicted frames, averaged over channels, which data2vec calls variance
    /// and takes for collapsed below 0.1 and 0.01.
    func regression(_ distance: RegressionLoss, _ context: LossContext) -> LossReport {
        context.measure(.loss) {
            let device = matching.student.parameters.device
            let weights = rows.map { $0.weights(.float32, device: device) }
            var metrics: [(name: String, value: Double)] = []
            let sum = sum { index, prediction, target in
                let pair = matching.pairs[index]
                let perFrame = distance.perFrame(prediction, target) * weights[pair.teacher]
                if context.withDiagnostics {
                    metrics += withoutGradients {
                        diagnose(rows[pair.teacher], pair.name, perFrame, prediction, target)
                    }
                }
                return perFrame.sum()
            }
            return LossReport(sum: sum, count: count, metrics: metrics)
        }
    }

    private func diagnose(
        _ rows: RowSelection, _ pair: String, _ perFrame: Tensor, _ prediction: Tensor,
        _ target: Tensor
    ) -> [(name: String, value: Double)] {
        var unused = SeededGenerator(seed: 0)
        let others = Distractors.draw(
            .all, frames: rows.frames, excludeRadius: 0, device: target.device, using: &unused)
        var metrics = PairDiagnostics(
            perFrame: perFrame, predictions: prediction, targets: target, distractors: others
        ).metrics(of: pair)
        // Of frames that have no others beside them, too.
        metrics[0].value = perFrame.sum().item() / Double(rows.count)
        return metrics + [
            ("\(pair)/target_var", rows.deviation(target)),
            ("\(pair)/pred_var", rows.deviation(prediction)),
        ]
    }
}

extension RowSelection {
    /// The mean over channels of √(variance + 1e-6) over the chosen frames of [B, M, D].
    fileprivate func deviation(_ x: Tensor) -> Double {
        let weights = weights(x.dtype, device: x.device).unsqueeze(2)  // [B, M, 1]
        let mean = (x * weights).sum([0, 1]) / Double(max(1, count))
        let distance = (x - mean) * weights
        let variance = (distance * distance).sum([0, 1]) / Double(max(1, count - 1))
        return (variance + 1e-6).squareRoot().mean().item()
    }
}
