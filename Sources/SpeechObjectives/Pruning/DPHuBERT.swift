import SpeechCore
public import SpeechModels
public import Torch

/// Joint distillation and structured pruning (DPHuBERT, arXiv 2305.17651; code pyf98/DPHuBERT), for
/// Transformers and conformers.
///
/// The student begins as its teacher. Some layers are matched through linear heads that begin as the
/// identity, while gates on convolution channels, heads and feed-forward units are pushed shut by
/// Lagrange multipliers until the expected size is the wanted one; `result` leaves out what is shut.
/// Without units to prune the same loss goes on training a student that is pruned already.
public final class DPHuBERT: TrainingObjective {
    /// The settings.
    public let settings: DPHuBERTSettings
    /// The trained encoder, of the teacher's depth and width.
    public let student: any SpeechEncoder
    /// The frozen encoder.
    public let teachers: [any SpeechEncoder]
    /// The prediction heads `heads.0` and `heads.rest`, the gates `gates.<group>` and the Lagrange
    /// multipliers `lagrange.1` and `lagrange.2`.
    public let heads: ParameterStore
    /// The matched layers, 0 for the projected features.
    public let layers: [Int]

    private let alignment: FrameAlignment
    private let headOfLayer: [Int: Linear]
    private let pruning: Pruning?

    /// What pushes the student to its size.
    private struct Pruning {
        let student: any PrunableEncoder
        let gates: StudentGates
        /// λ₁ and λ₂, scalars.
        let multipliers: [Tensor]
        /// Parameters with all units.
        let fullSize: Int
    }

    /// * `seed`: of the heads' and gates' first values.
    /// - Throws: `ObjectiveError.invalidSetting` for settings that do not fit the models.
    public init(
        _ settings: DPHuBERTSettings, teachers: [any SpeechEncoder], student: any SpeechEncoder,
        seed: UInt64
    ) throws {
        try settings.validate()
        guard teachers.count == 1, let teacher = teachers.first else {
            throw ObjectiveError.invalidSetting(
                key: "objective.name", expected: "one teacher for dphubert",
                found: "\(teachers.count)")
        }
        guard student.layerCount == teacher.layerCount, student.width == teacher.width else {
            throw ObjectiveError.invalidSetting(
                key: "student.design",
                expected: "the teacher's \(teacher.layerCount) layers of width \(teacher.width)",
                found: "\(student.layerCount) layers of width \(student.width)")
        }
        self.settings = settings
        self.student = student
        self.teachers = teachers
        layers = try settings.matchedLayers(of: teacher.layerCount)
        alignment = try FrameAlignment(student: student.config, teacher: teacher.config)
        guard alignment.pooledPredictions == 1, alignment.pooledTargets == 1 else {
            throw ObjectiveError.invalidSetting(
                key: "student.design", expected: "the teacher's frame rate for dphubert",
                found: alignment.pooledTargets > 1 ? "a lower one" : "a higher one")
        }
        let device = student.parameters.device
        let store = ParameterStore(seed: seed, device: device)
        // Layers behind the projected features share one head.
        let names = Dictionary(uniqueKeysWithValues: layers.map { ($0, $0 == 0 ? "0" : "rest") })
        let heads = Set(names.values).sorted().reduce(into: [String: Linear]()) { heads, name in
            let head = Linear(
                store.root["heads"][name], student.width, teacher.width, initializer: .zeros)
            withoutGradients { head.weight.assign(.identity(teacher.width)) }
            heads[name] = head
        }
        headOfLayer = names.mapValues { heads[$0]! }
        pruning =
            settings.prunes.isEmpty ? nil : try Self.pruning(settings, student, in: store)
        store.setTrainable(true)
        self.heads = store
    }

    private static func pruning(
        _ settings: DPHuBERTSettings, _ student: any SpeechEncoder, in store: ParameterStore
    ) throws -> Pruning {
        guard let student = student as? any PrunableEncoder,
            student.config is any StructuredConfig
        else {
            throw ObjectiveError.invalidSetting(
                key: "objective.prunes",
                expected: "[] for a student of the family \(student.config.modelType)",
                found: "\(settings.prunes.map(\.rawValue))")
        }
        let units = PrunableUnits(student)
        let gates = StudentGates(
            store.root["gates"], units, kinds: settings.prunes, device: store.device)
        let fullSize = units.size(with: [:] as [UnitGroup: Int])
        let smallest = gates.smallestSize
        guard Double(smallest) <= (1 - settings.targetSparsity) * Double(fullSize) else {
            let share = 1 - Double(smallest) / Double(fullSize)
            throw ObjectiveError.invalidSetting(
                key: "objective.target_sparsity",
                expected: "at most \(share), which is what \(settings.prunes.map(\.rawValue)) are",
                found: "\(settings.targetSparsity)")
        }
        let scope = store.root["lagrange"]
        return Pruning(
            student: student, gates: gates,
            multipliers: ["1", "2"].map { scope.parameter($0, [], .zeros) }, fullSize: fullSize)
    }

    /// One frame.
    public var minimumFrames: Int { 1 }
    /// Of predictions that are the targets.
    public var minimumLoss: Double { -settings.cosineWeight }

    /// The distance of each prediction from its target, [..., D] to [...].
    public func distance(_ prediction: Tensor, _ target: Tensor) -> Tensor {
        var sum = RegressionLoss.cosine(prediction, target) * -settings.cosineWeight
        if settings.l1Weight > 0 {
            sum = sum + RegressionLoss(.l1).perFrame(prediction, target) * settings.l1Weight
        }
        if settings.l2Weight > 0 {
            sum = sum + RegressionLoss(.mse).perFrame(prediction, target) * settings.l2Weight
        }
        return sum
    }

    /// The loss of one batch; its gates are drawn from the batch's seed, or without chance in a
    /// validation, where the size has no part in the loss.
    ///
    /// - Throws: `ObjectiveError.nothingToPredict` where every utterance is too short.
    public func loss(on batch: TrainingBatch, _ context: LossContext) throws -> LossReport {
        let request = LayerRequest(
            hiddenStates: Set(layers.filter { $0 > 0 }), wantsLastHiddenState: false,
            wantsProjectedFeatures: layers.contains(0))
        let taught = context.measure(.teacher) {
            withoutGradients { teachers[0].encode(batch.teachers[0], request: request) }
        }
        let heard = context.measure(.student) {
            withGates(context) { student.encode(batch.student, request: request) }
        }
        let speeds = batch.studentSpeeds ?? heard.lengths.map { _ in 1 }
        let frames = heard.lengths.indices.map {
            alignment.comparedFrames(
                student: heard.lengths[$0], teacher: taught.lengths[$0], speed: speeds[$0])
        }
        guard frames.contains(where: { $0 > 0 }) else {
            throw ObjectiveError.nothingToPredict(frames: frames, needed: minimumFrames)
        }
        return context.measure(.loss) {
            let rows = RowSelection(frames.map { Array(0..<$0) })
            let pairs = layers.map { layer in
                // Where the student hears another speed, the teacher's frame of the same moment.
                let target = rows.select(from: Self.state(layer, of: taught), pooling: 1) {
                    alignment.teacherFrame($1, speed: speeds[$0])
                }
                let state = rows.select(from: Self.state(layer, of: heard))
                return (layer, headOfLayer[layer]!(state).to(.float32), target.to(.float32))
            }
            return report(pairs, rows, context)
        }
    }

    /// * `pairs`: layers with predictions and targets, both [B · M, D].
    private func report(
        _ pairs: [(layer: Int, prediction: Tensor, target: Tensor)], _ rows: RowSelection,
        _ context: LossContext
    ) -> LossReport {
        let weights = rows.weights(.float32, device: student.parameters.device).flatten(0, 1)
        var metrics: [(name: String, value: Double)] = []
        var total: Tensor?
        let distractors = context.withDiagnostics ? distractors(rows, context) : nil
        for (layer, prediction, target) in pairs {
            let perFrame = distance(prediction, target) * weights
            if let distractors {
                let diagnostics = PairDiagnostics(
                    perFrame: rows.unflatten(perFrame), predictions: rows.unflatten(prediction),
                    targets: rows.unflatten(target), distractors: distractors)
                metrics += diagnostics.metrics(of: "\(layer):\(layer)")
            }
            total = total.map { $0 + perFrame.sum() } ?? perFrame.sum()
        }
        var sum = total! * (1 / Double(layers.count))
        if let pruning {
            if context.withDiagnostics {
                metrics.append(("distillation", sum.item() / Double(rows.count)))
            }
            let (penalty, sizes) = size(pruning, context)
            metrics += sizes
            if let penalty { sum = sum + penalty * Double(rows.count) }
        }
        return LossReport(sum: sum, count: rows.count, metrics: metrics)
    }

    /// Frames to compare predictions with, for the diagnostics alone.
    private func distractors(_ rows: RowSelection, _ context: LossContext) -> Distractors {
        let seed = context.seed
        var generator = SeededGenerator(
            seed: seed.seed, stream: 0x6470_6875, UInt64(seed.step), UInt64(seed.batch))
        return .draw(
            .sampled(100), frames: rows.frames, excludeRadius: 0,
            device: student.parameters.device, using: &generator)
    }

    /// λ₁ (ŝ − s) + λ₂ (ŝ − s)², nil in a validation, and what is said about the size.
    private func size(
        _ pruning: Pruning, _ context: LossContext
    ) -> (penalty: Tensor?, metrics: [(name: String, value: Double)]) {
        let target = settings.target(step: context.step, steps: context.steps)
        let expected = pruning.gates.expectedSize
        let sparsity = expected / -Double(pruning.fullSize) + 1.0
        let excess = (sparsity - target).to(.float32)
        let (first, second) = (pruning.multipliers[0], pruning.multipliers[1])
        let penalty = first * excess + second * excess * excess
        guard context.withDiagnostics else { return (context.isValidation ? nil : penalty, []) }
        let evaluated = Double(pruning.gates.evaluatedSize)
        var metrics = [
            ("sparsity", sparsity.item()), ("target_sparsity", target),
            ("size", expected.item()), ("pruned_size", evaluated),
            ("lambda_1", first.item()), ("lambda_2", second.item()),
        ]
        metrics += pruning.gates.counts.map {
            ("open/\($0.kind.rawValue)", $0.open / Double($0.all))
        }
        return (context.isValidation ? nil : penalty, metrics)
    }

    private static func state(_ layer: Int, of output: EncoderOutput) -> Tensor {
        layer == 0 ? output.projectedFeatures! : output.hiddenStates[layer]!
    }

    /// Runs the student with the gates of a batch.
    private func withGates<Result>(_ context: LossContext, _ body: () -> Result) -> Result {
        guard let pruning else { return body() }
        pruning.student.gates =
            context.isValidation ? pruning.gates.evaluated() : pruning.gates.sampled(context.seed)
        defer { pruning.student.gates = nil }
        return body()
    }

    /// Gates climb faster than weights; multipliers climb up what all others climb down.
    public func learningRateScale(of parameter: String) -> Double {
        if parameter.hasPrefix("gates.") { return settings.gateRate }
        return parameter.hasPrefix("lagrange.") ? -settings.multiplierRate : 1
    }

    /// Whether the ramp is over and the expected sparsity has come within a hundredth of the target.
    public func isSelectable(step: Int, steps: Int) -> Bool {
        guard let pruning else { return true }
        let sparsity = withoutGradients {
            1 - pruning.gates.expectedSize.item() / Double(pruning.fullSize)
        }
        return step >= settings.rampSteps(of: steps) && sparsity > settings.targetSparsity - 0.01
    }

    /// The student without what its gates shut, and the heads that a further training goes on with.
    public func result() -> TrainingResult {
        let kept = heads.all.filter { $0.name.hasPrefix("heads.") }
        guard let pruning else { return TrainingResult(encoder: student, heads: kept) }
        let values: [UnitGroup: [Double]] = pruning.gates.evaluated()
        let pruned = pruning.student.pruned(values)
        let size = pruned.parameters.parameterCount
        func share(_ size: Double) -> Int { Int((100 * size / Double(pruning.fullSize)).rounded()) }
        let expected = withoutGradients { pruning.gates.expectedSize.item() }
        return TrainingResult(
            encoder: pruned, heads: kept,
            notes: [
                "pruned from \(pruning.fullSize) to \(size) parameters "
                    + "(\(share(Double(size))) %), expected \(Int(expected.rounded()))"
            ])
    }
}
