import Foundation
public import SpeechCore
public import SpeechModels
public import Torch

/// The settings of CoLLD: masking, layer mapping, target, head and loss, each chosen on its own.
public struct CoLLDSettings: Codable, Equatable, Sendable {
    /// Which frames are predicted.
    public enum Frames: String, ConfigChoice {
        /// The masked ones; every valid one where nothing is masked.
        case masked
        /// Every valid one, though some are masked.
        case all
    }

    /// Which student layer predicts which teacher layer.
    public var layerMapping = LayerMapping.uniform
    /// What of a teacher layer is predicted.
    public var target = TargetFeature()
    /// What is hidden from the student.
    public var masking = SpanMasking()
    /// The map from hidden state to feature.
    public var head = PredictionHeadKind.linear
    /// Which frames are predicted.
    public var frames = Frames.masked
    /// τ of the contrastive loss.
    public var temperature = 0.1
    /// K, the number of distractors.
    public var distractors = DistractorCount.sampled(100)
    /// Whether all layers of a batch share one draw of distractors.
    public var sharesDistractors = true
    /// Frames this close to the positive are never distractors.
    public var excludeRadius = 0

    private enum CodingKeys: String, CodingKey {
        case target, masking, head, frames, temperature, distractors
        case layerMapping = "layer_mapping"
        case sharesDistractors = "share_distractors"
        case excludeRadius = "exclude_radius"
    }

    /// The defaults: wav2vec 2.0's constants, feed-forward targets, linear heads.
    public init() {}

    /// Checks the settings.
    ///
    /// - Throws: `ObjectiveError.invalidSetting`.
    public func validate() throws {
        try masking.validate()
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
public final class CoLLD: DistillationObjective {
    /// The settings.
    public let settings: CoLLDSettings
    /// The frozen encoder.
    public let teacher: any SpeechEncoder
    /// The trained encoder.
    public let student: any SpeechEncoder
    /// The pairs of layers, in the order of their losses.
    public let pairs: [LayerPair]
    /// The prediction heads, `heads.<student>-<teacher>.…`.
    public let heads: ParameterStore

    private let headOfPair: [PredictionHead]
    private let contrastiveLoss: ContrastiveLoss

    /// * `seed`: of the heads' first values.
    /// - Throws: `ObjectiveError.invalidSetting` for settings that do not fit the models.
    public init(
        _ settings: CoLLDSettings, teacher: any SpeechEncoder, student: any SpeechEncoder,
        seed: UInt64
    ) throws {
        try settings.validate()
        guard settings.masking.sampler == .none || student.isMaskable else {
            throw ObjectiveError.invalidSetting(
                key: "objective.masking.sampler",
                expected: "none for a student without masked_spec_embed",
                found: settings.masking.sampler.rawValue)
        }
        self.settings = settings
        self.teacher = teacher
        self.student = student
        pairs = try settings.layerMapping.pairs(
            studentLayers: student.layerCount, teacherLayers: teacher.layerCount)
        let heads = ParameterStore(seed: seed, device: student.parameters.device)
        headOfPair = pairs.map { pair in
            PredictionHead(
                heads.root["heads"]["\(pair.student)-\(pair.teacher)"], settings.head,
                from: student.width, to: teacher.width)
        }
        heads.setTrainable(true)
        self.heads = heads
        contrastiveLoss = ContrastiveLoss(temperature: settings.temperature)
    }

    /// Two spans where frames are masked, and in any case a frame and a distractor outside its
    /// excluded surroundings.
    public var minimumFrames: Int {
        max(settings.masking.minimumFrames, settings.excludeRadius + 2)
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
    public func loss(
        on batch: DistillationBatch, seed: BatchSeed, withDiagnostics: Bool
    ) throws -> LossReport {
        var generator = SeededGenerator(
            seed: seed.seed, stream: 0x636f_6c6c_64, UInt64(seed.step), UInt64(seed.batch))
        let taught = withoutGradients {
            teacher.encode(
                batch.teacher,
                request: LayerRequest(
                    hiddenStates: settings.target.feature == .layerOutput ? taughtLayers : [],
                    feedForward: settings.target.feature == .feedForward ? taughtLayers : [],
                    wantsLastHiddenState: false))
        }
        let studentFrames = student.frameCount(inputLength: batch.student.values.size(1))
        // Front ends of different kinds differ by a frame: both are cut to the shorter.
        let lengths = zip(taught.lengths, batch.student.lengths ?? []).map {
            min($0, student.frameCount(inputLength: $1))
        }
        let valid = lengths.isEmpty ? taught.lengths.map { min($0, studentFrames) } : lengths
        guard valid.contains(where: { $0 >= minimumFrames }) else {
            throw ObjectiveError.nothingToPredict(frames: valid, needed: minimumFrames)
        }
        let masked = settings.masking.sample(lengths: valid, using: &generator)
        let heard = student.encode(
            batch.student, masked: maskTensor(masked, frames: studentFrames),
            request: LayerRequest(
                hiddenStates: Set(pairs.map(\.student)), wantsLastHiddenState: false))

        let frames = predictedFrames(valid: valid, masked: masked)
        let rows = RowSelection(frames)
        var distractors = draw(frames, &generator)
        var targets: [Int: Tensor] = [:]
        var sum: Tensor?
        var metrics: [(name: String, value: Double)] = []
        for (index, pair) in pairs.enumerated() {
            if index > 0 && !settings.sharesDistractors { distractors = draw(frames, &generator) }
            let target = targets[pair.teacher] ?? target(taught, pair.teacher, rows)
            targets[pair.teacher] = target
            let state = rows.select(from: heard.hiddenStates[pair.student]!)
            let prediction = headOfPair[index](state).to(.float32)
            let result = contrastiveLoss(
                rows.unflatten(prediction), targets: target, distractors,
                withDiagnostics: withDiagnostics)
            sum = sum.map { $0 + result.sum } ?? result.sum
            if let diagnostics = result.diagnostics {
                metrics += zip(ContrastiveLoss.Diagnostics.names, diagnostics.values.doubles())
                    .map { ("\(pair)/\($0)", $1) }
            }
        }
        return LossReport(
            sum: sum! * (1 / Double(pairs.count)), count: distractors.anchorCount,
            metrics: metrics)
    }

    private var taughtLayers: Set<Int> { Set(pairs.map(\.teacher)) }

    private func draw(
        _ frames: [[Int]], _ generator: inout SeededGenerator
    ) -> Distractors {
        .draw(
            settings.distractors, frames: frames, excludeRadius: settings.excludeRadius,
            device: student.parameters.device, using: &generator)
    }

    private func maskTensor(_ masked: [[Int]], frames: Int) -> Tensor? {
        guard settings.masking.sampler != .none else { return nil }
        var values = [Bool](repeating: false, count: masked.count * frames)
        for (clip, positions) in masked.enumerated() {
            for frame in positions { values[clip * frames + frame] = true }
        }
        return Tensor(values, [masked.count, frames], device: student.parameters.device)
    }

    private func predictedFrames(valid: [Int], masked: [[Int]]) -> [[Int]] {
        if settings.masking.sampler == .none || settings.frames == .all {
            return valid.map { $0 >= minimumFrames ? Array(0..<$0) : [] }
        }
        return masked
    }

    /// Unit vectors [B, M, D_T] of one teacher layer at the predicted frames.
    private func target(_ taught: EncoderOutput, _ layer: Int, _ rows: RowSelection) -> Tensor {
        withoutGradients {
            let features =
                settings.target.feature == .feedForward
                ? taught.feedForward[layer]! : taught.hiddenStates[layer]!
            let selected: Tensor
            switch settings.target.normalization {
            case .none, .layer:
                // Every frame for itself: only the predicted ones are worth normalising.
                selected = settings.target.normalized(rows.select(from: features), valid: nil)
            case .instance, .center:
                let frames = features.size(1)
                let isFull = taught.lengths.allSatisfy { $0 == frames }
                let valid =
                    isFull
                    ? nil
                    : Tensor.validFrames(taught.lengths, of: frames, device: features.device)
                selected = rows.select(from: settings.target.normalized(features, valid: valid))
            }
            return rows.unflatten(ContrastiveLoss.unit(selected))
        }
    }
}

/// Some frames of every utterance as rows of one matrix, filled up to the same number with copies
/// of the first frame.
struct RowSelection {
    private let frames: [[Int]]
    private let width: Int

    init(_ frames: [[Int]]) {
        self.frames = frames
        width = max(1, frames.map(\.count).max() ?? 1)
    }

    /// [B, T, D] to [B · M, D].
    func select(from states: Tensor) -> Tensor {
        let length = states.size(1)
        var positions = [Int64]()
        positions.reserveCapacity(frames.count * width)
        for (clip, frames) in frames.enumerated() {
            for slot in 0..<width {
                positions.append(Int64(clip * length + (slot < frames.count ? frames[slot] : 0)))
            }
        }
        let index = Tensor(positions, [positions.count], device: states.device)
        return states.flatten(0, 1).indexSelect(0, index)
    }

    /// [B · M, D] to [B, M, D].
    func unflatten(_ rows: Tensor) -> Tensor { rows.unflatten(0, [frames.count, width]) }
}
