import SpeechCore
public import SpeechModels
public import Torch

/// Predicts teachers' layers from those of a student: the part that all layer-to-layer objectives
/// share.
///
/// The student hears masked speech, the teachers hear all of it; every pair of layers has a head of
/// its own. What is left to an objective is the loss between predictions and targets.
public final class LayerMatching {
    /// A pair of layers and what belongs to it.
    public struct Pair {
        /// The index of the teacher.
        public let teacher: Int
        /// The layers.
        public let layers: LayerPair
        /// What its loss is multiplied by.
        public let weight: Double
        /// `2:4`, or `1/2:4` for the second of several teachers.
        public let name: String
    }

    /// The settings.
    public let settings: LayerSettings
    /// The frozen encoders.
    public let teachers: [any SpeechEncoder]
    /// The trained encoder.
    public let student: any SpeechEncoder
    /// The pairs, in the order of their losses.
    public let pairs: [Pair]
    /// The prediction heads, `heads.<student>-<teacher>.…`; with several teachers
    /// `heads.<index>.<student>-<teacher>.…`.
    public let heads: ParameterStore
    /// Utterances with fewer frames are not predicted.
    public let minimumFrames: Int

    private let headOfPair: [PredictionHead]
    /// By teacher.
    fileprivate let alignments: [FrameAlignment]

    /// * `seed`: of the heads' first values.
    /// * `minimumFrames`: what the loss needs of an utterance.
    /// - Throws: `ObjectiveError.invalidSetting` for settings that do not fit the models.
    public init(
        _ settings: LayerSettings, teachers: [any SpeechEncoder], student: any SpeechEncoder,
        seed: UInt64, minimumFrames: Int
    ) throws {
        try settings.validate()
        try settings.masking.requireMaskable(student)
        self.settings = settings
        self.teachers = teachers
        self.student = student
        self.minimumFrames = max(minimumFrames, settings.masking.minimumFrames)
        pairs = try Self.pairs(settings, teachers, student)
        alignments = try teachers.map {
            try FrameAlignment(student: student.config, teacher: $0.config)
        }
        let heads = ParameterStore(seed: seed, device: student.parameters.device)
        headOfPair = pairs.map { pair in
            var scope = heads.root["heads"]
            if teachers.count > 1 { scope = scope[pair.teacher] }
            return PredictionHead(
                scope["\(pair.layers.student)-\(pair.layers.teacher)"], settings.head,
                from: student.width, to: teachers[pair.teacher].width)
        }
        heads.setTrainable(true)
        self.heads = heads
    }

    private static func pairs(
        _ settings: LayerSettings, _ teachers: [any SpeechEncoder], _ student: any SpeechEncoder
    ) throws -> [Pair] {
        func require(_ key: String, _ found: [Double], _ expected: Int, _ what: String) throws {
            guard found.isEmpty || found.count == expected else {
                throw ObjectiveError.invalidSetting(
                    key: "objective.\(key)", expected: "one number for each of \(expected) \(what)",
                    found: "\(found.count)")
            }
        }
        try require("teacher_weights", settings.teacherWeights, teachers.count, "teachers")
        return try teachers.indices.flatMap { index in
            let layers = try settings.mapping.pairs(
                studentLayers: student.layerCount, teacherLayers: teachers[index].layerCount)
            try require("layer_weights", settings.layerWeights, layers.count, "pairs of layers")
            let ofTeacher =
                settings.teacherWeights.isEmpty
                ? 1 / Double(teachers.count) : settings.teacherWeights[index]
            return layers.enumerated().map { position, pair in
                let ofPair =
                    settings.layerWeights.isEmpty
                    ? 1 / Double(layers.count) : settings.layerWeights[position]
                return Pair(
                    teacher: index, layers: pair, weight: ofTeacher * ofPair,
                    name: teachers.count > 1 ? "\(index)/\(pair)" : "\(pair)")
            }
        }
    }

    /// Runs all encoders on a batch.
    ///
    /// * `generator`: of the masks.
    /// - Throws: `ObjectiveError.nothingToPredict` where every utterance is too short.
    func pass(
        on batch: TrainingBatch, _ context: LossContext, using generator: inout SeededGenerator
    ) throws -> LayerPass {
        precondition(batch.teachers.count == teachers.count, "a teacher without input")
        let taught = context.measure(.teacher) {
            withoutGradients {
                teachers.indices.map { index in
                    let layers = Set(pairs.filter { $0.teacher == index }.map(\.layers.teacher))
                    return teachers[index].encode(
                        batch.teachers[index], request: settings.target.request(layers))
                }
            }
        }
        let frames = student.frameCount(inputLength: batch.student.values.size(1))
        let heard =
            batch.student.lengths?.map { student.frameCount(inputLength: $0) }
            ?? Array(repeating: frames, count: batch.student.batchSize)
        let speeds = batch.studentSpeeds ?? heard.map { _ in 1 }
        // By teacher and clip. Front ends of different kinds differ by a frame: all are cut to the
        // shorter.
        let compared = zip(alignments, taught).map { alignment, output in
            heard.indices.map { clip in
                alignment.comparedFrames(
                    student: heard[clip], teacher: output.lengths[clip], speed: speeds[clip])
            }
        }
        let valid = heard.indices.map { clip in
            zip(alignments, compared).reduce(heard[clip]) {
                min($0, $1.0.studentFrames(compared: $1.1[clip]))
            }
        }
        guard valid.contains(where: { $0 >= minimumFrames }) else {
            throw ObjectiveError.nothingToPredict(frames: valid, needed: minimumFrames)
        }
        let masking = settings.masking.scheduled(context)
        let masked = masking.sample(lengths: valid, using: &generator)
        let output = context.measure(.student) {
            student.encode(
                batch.student,
                masked: masking.tensor(
                    masked, frames: frames, device: student.parameters.device),
                request: LayerRequest(
                    hiddenStates: Set(pairs.map(\.layers.student)), wantsLastHiddenState: false))
        }
        let rows = zip(alignments, compared).map { alignment, limits in
            RowSelection(
                valid.indices.map { clip in
                    if valid[clip] < minimumFrames { return [] }
                    if masked[clip].isEmpty || settings.frames == .all {
                        return Array(0..<limits[clip])
                    }
                    return alignment.compared(masked[clip], limit: limits[clip])
                })
        }
        return LayerPass(
            matching: self, student: output, taught: taught, speeds: speeds, rows: rows)
    }

    fileprivate func predict(_ rows: Tensor, pair index: Int) -> Tensor { headOfPair[index](rows) }
}

/// What came out of one pass of teachers and student.
struct LayerPass {
    private let matching: LayerMatching
    private let student: EncoderOutput
    private let taught: [EncoderOutput]
    private let speeds: [Double]
    /// The compared frames by teacher.
    let rows: [RowSelection]

    fileprivate init(
        matching: LayerMatching, student: EncoderOutput, taught: [EncoderOutput],
        speeds: [Double], rows: [RowSelection]
    ) {
        self.matching = matching
        self.student = student
        self.taught = taught
        self.speeds = speeds
        self.rows = rows
    }

    /// The number of frames that a loss is summed over: those compared with the first teacher.
    var count: Int { rows[0].count }

    /// The weighted sum over all pairs, a scalar with history.
    ///
    /// Each pair is differentiated up to the student's frames before the next is computed, so that
    /// only one pair's matrices are in memory at a time; what the frames receive is added up and
    /// handed on by the result. Sums over the frames of a teacher at another rate are scaled to as
    /// many as the first one's.
    ///
    /// * `loss`: of the pair with an index: predictions and targets [B, M, D] in `float32` to a
    ///   scalar. Targets have no history.
    func sum(_ loss: (Int, Tensor, Tensor) -> Tensor) -> Tensor {
        var targets: [[Int]: Tensor] = [:]
        var frames: [[Int]: StudentFrames] = [:]
        var total = Tensor.zeros([], device: matching.student.parameters.device)
        for (index, pair) in matching.pairs.enumerated() {
            let rows = rows[pair.teacher]
            let alignment = matching.alignments[pair.teacher]
            guard rows.count > 0 else { continue }
            let targetKey = [pair.teacher, pair.layers.teacher]
            let target = targets[targetKey] ?? target(pair)
            targets[targetKey] = target
            // Teachers with the same frames share what a student's layer hands on.
            let alike = matching.alignments.firstIndex(of: alignment)!
            let key =
                [self.rows[alike].frames == rows.frames ? alike : pair.teacher]
                + [pair.layers.student]
            let states =
                frames[key]
                ?? StudentFrames(
                    PooledRows(rows, alignment).select(
                        from: student.hiddenStates[pair.layers.student]!))
            frames[key] = states
            let prediction = PooledRows(rows, alignment).pooled(
                matching.predict(states.leaf, pair: index).to(.float32))
            let scale = Double(count) / Double(rows.count)
            let value = loss(index, rows.unflatten(prediction), target) * (pair.weight * scale)
            if states.isRecorded { value.backward() }
            total = total + value.detached()
        }
        for key in frames.keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            if let passedOn = frames[key]!.passedOn { total = total + passedOn }
        }
        return total
    }

    /// [B, M, D_T] of a teacher's layer at the compared frames.
    private func target(_ pair: LayerMatching.Pair) -> Tensor {
        withoutGradients {
            let rows = rows[pair.teacher]
            let alignment = matching.alignments[pair.teacher]
            return rows.unflatten(
                matching.settings.target.rows(
                    of: taught[pair.teacher], layer: pair.layers.teacher
                ) { features in
                    rows.select(from: features, pooling: alignment.pooledTargets) {
                        alignment.teacherFrame($1, speed: speeds[$0])
                    }
                })
        }
    }
}

/// The student frames of compared ones: as many for each as predictions are averaged.
private struct PooledRows {
    private let rows: RowSelection
    private let count: Int

    init(_ rows: RowSelection, _ alignment: FrameAlignment) {
        self.rows = rows
        count = alignment.pooledPredictions
    }

    /// [B, T, D] to [r · B · M, D].
    func select(from states: Tensor) -> Tensor {
        if count == 1 { return rows.select(from: states) }
        let parts = (0..<count).map { part in
            rows.select(from: states, pooling: 1) { $1 * count + part }
        }
        return .concatenate(parts, 0)
    }

    /// [r · B · M, D] to [B · M, D].
    func pooled(_ predictions: Tensor) -> Tensor {
        count == 1 ? predictions : predictions.unflatten(0, [count, -1]).mean([0])
    }
}

/// The compared frames of a student layer, cut off from their history until all losses are known.
private struct StudentFrames {
    private let rows: Tensor
    /// The same values as a leaf.
    let leaf: Tensor
    let isRecorded: Bool

    init(_ rows: Tensor) {
        self.rows = rows
        isRecorded = Tensor.records([rows])
        leaf = rows.detached()
        if isRecorded { leaf.requiresGradient = true }
    }

    /// A scalar of value 0 whose gradient is what the leaf has received.
    var passedOn: Tensor? {
        guard isRecorded, let gradient = leaf.gradient else { return nil }
        let product = (rows * gradient).sum().to(.float32)
        return product - product.detached()
    }
}
