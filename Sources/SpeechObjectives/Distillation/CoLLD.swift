import Foundation
import SpeechCore
public import SpeechModels
import Torch

/// The settings of CoLLD: what layer-to-layer objectives share, and its contrastive loss.
public struct CoLLDSettings: Codable, Equatable, Sendable {
    /// Masking, layer mapping, target and head.
    public var layers = LayerSettings()
    /// τ of the contrastive loss, or its first value.
    public var temperature = 0.1
    /// Whether τ is trained with the heads, down to 0.01 at the lowest (CLIP, section 2.5).
    public var learnsTemperature = false
    /// K, the number of distractors.
    public var distractors = DistractorCount.sampled(100)
    /// Whether all layers of a batch share one draw of distractors.
    public var sharesDistractors = true
    /// Frames this close to the positive are never distractors.
    public var excludeRadius = 0

    private enum CodingKeys: String, CodingKey {
        case temperature, distractors
        case learnsTemperature = "learn_temperature"
        case sharesDistractors = "share_distractors"
        case excludeRadius = "exclude_radius"
    }

    /// The defaults: wav2vec 2.0's constants, feed-forward targets, linear heads.
    public init() {}

    /// Reads all settings from one level.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        layers = try LayerSettings(from: decoder)
        temperature = try container.decode(Double.self, forKey: .temperature)
        learnsTemperature = try container.decode(Bool.self, forKey: .learnsTemperature)
        distractors = try container.decode(DistractorCount.self, forKey: .distractors)
        sharesDistractors = try container.decode(Bool.self, forKey: .sharesDistractors)
        excludeRadius = try container.decode(Int.self, forKey: .excludeRadius)
    }

    /// Writes all settings on one level.
    public func encode(to encoder: any Encoder) throws {
        try layers.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(temperature, forKey: .temperature)
        try container.encode(learnsTemperature, forKey: .learnsTemperature)
        try container.encode(distractors, forKey: .distractors)
        try container.encode(sharesDistractors, forKey: .sharesDistractors)
        try container.encode(excludeRadius, forKey: .excludeRadius)
    }

    /// Checks the settings.
    ///
    /// - Throws: `ObjectiveError.invalidSetting`.
    public func validate() throws {
        try layers.validate()
        guard temperature > 0, temperature.isFinite else {
            throw ObjectiveError.invalidSetting(
                key: "objective.temperature", expected: "a positive number",
                found: "\(temperature)")
        }
        let limit = 1 << 16
        if case .sampled(let count) = distractors, !(1...limit).contains(count) {
            throw ObjectiveError.invalidSetting(
                key: "objective.distractors", expected: "1 … \(limit), or 'all'",
                found: "\(count)")
        }
        guard (0...limit).contains(excludeRadius) else {
            throw ObjectiveError.invalidSetting(
                key: "objective.exclude_radius", expected: "0 … \(limit) frames",
                found: "\(excludeRadius)")
        }
    }
}

/// Contrastive layer-to-layer distillation (arXiv 2309.07707).
///
/// The student hears masked speech; each mapped layer learns, through a head of its own, to pick
/// the teacher's feature of the same frame among distractors from the same utterance.
public final class CoLLD: LayerwiseObjective {
    /// The settings.
    public let settings: CoLLDSettings
    /// The pairs of layers and their heads.
    public let matching: LayerMatching

    private let contrastiveLoss: ContrastiveLoss
    /// −log τ, where that is trained.
    private let logScale: Tensor?

    /// * `seed`: of the heads' first values.
    /// - Throws: `ObjectiveError.invalidSetting` for settings that do not fit the models.
    public init(
        _ settings: CoLLDSettings, teachers: [any SpeechEncoder], student: any SpeechEncoder,
        seed: UInt64
    ) throws {
        try settings.validate()
        self.settings = settings
        // In any case a frame and a distractor outside its excluded surroundings.
        matching = try LayerMatching(
            settings.layers, teachers: teachers, student: student, seed: seed,
            minimumFrames: settings.excludeRadius + 2)
        contrastiveLoss = ContrastiveLoss(temperature: settings.temperature)
        let first = -log(settings.temperature)
        logScale =
            settings.learnsTemperature
            ? matching.heads.root.parameter("log_scale", [], .constant(first)) : nil
        logScale?.requiresGradient = true
    }

    /// ln(K + 1), the loss of a student that knows nothing; nil where the number of distractors
    /// depends on the utterance.
    public var chanceLevel: Double? {
        if case .sampled(let count) = settings.distractors { return log(Double(count + 1)) }
        return nil
    }

    /// The loss of one batch; its count is 0 where masked frames happen to lie too close together
    /// for any distractor.
    ///
    /// - Throws: `ObjectiveError.nothingToPredict` where every utterance is too short.
    public func loss(on batch: TrainingBatch, _ context: LossContext) throws -> LossReport {
        let seed = context.seed
        var generator = SeededGenerator(
            seed: seed.seed, stream: 0x636f_6c6c_64, UInt64(seed.step), UInt64(seed.batch))
        let pass = try matching.pass(on: batch, context, using: &generator)
        return context.measure(.loss) {
            var drawn: [Distractors] = pass.rows.map { draw($0.frames, &generator) }
            var metrics: [(name: String, value: Double)] = []
            var isFirst = true
            func diagnose(index: Int, prediction: Tensor, target: Tensor) {
                let pair = matching.pairs[index]
                let result = contrastiveLoss(
                    prediction, targets: ContrastiveLoss.unit(target), drawn[pair.teacher],
                    scale: scale, withDiagnostics: true)
                metrics += result.diagnostics?.metrics(of: pair.name) ?? []
            }
            let sum = pass.sum(diagnose: context.withDiagnostics ? diagnose : nil) {
                index, clips, prediction, target in
                let teacher = matching.pairs[index].teacher
                if !isFirst && !settings.sharesDistractors && clips.lowerBound == 0 {
                    drawn[teacher] = draw(pass.rows[teacher].frames, &generator)
                }
                isFirst = false
                return contrastiveLoss(
                    prediction, targets: ContrastiveLoss.unit(target),
                    drawn[teacher].ofClips(clips), scale: scale
                ).sum
            }
            if context.withDiagnostics, let scale {
                metrics.append(("temperature", 1 / scale.item()))
            }
            return LossReport(sum: sum, count: drawn[0].anchorCount, metrics: metrics)
        }
    }

    /// 1 / τ with its history, anew for each pair: that of another is gone with its gradient.
    private var scale: Tensor? { logScale.map { $0.exp().clamped(min: 0, max: 100) } }

    private func draw(_ frames: [[Int]], _ generator: inout SeededGenerator) -> Distractors {
        .draw(
            settings.distractors, frames: frames, excludeRadius: settings.excludeRadius,
            device: student.parameters.device, using: &generator)
    }
}
