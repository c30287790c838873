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
        // Front ends of different kinds differ by a frame: all are cut to the shortest.
        let valid = taught.reduce(heard) { zip($0, $1.lengths).map { min($0, $1) } }
        guard valid.contains(where: { $0 >= minimumFrames }) else {
            throw ObjectiveError.nothingToPredict(frames: valid, needed: minimumFrames)
        }
        let masked = settings.masking.sample(lengths: valid, using: &generator)
        let output = context.measure(.student) {
            student.encode(
                batch.student,
                masked: settings.masking.tensor(
                    masked, frames: frames, device: student.parameters.device),
                request: LayerRequest(
                    hiddenStates: Set(pairs.map(\.layers.student)), wantsLastHiddenState: false))
        }
        let all = settings.masking.sampler == .none || settings.frames == .all
        let predicted =
            all ? valid.map { $0 >= minimumFrames ? Array(0..<$0) : [] } : masked
        return LayerPass(
            matching: self, student: output, taught: taught, rows: RowSelection(predicted))
    }

    fileprivate func predict(_ rows: Tensor, pair index: Int) -> Tensor { headOfPair[index](rows) }
}

/// What came out of one pass of teachers and student.
struct LayerPass {
    private let matching: LayerMatching
    private let student: EncoderOutput
    private let taught: [EncoderOutput]
    /// The predicted frames.
    let rows: RowSelection

    fileprivate init(
        matching: LayerMatching, student: EncoderOutput, taught: [EncoderOutput],
        rows: RowSelection
    ) {
        self.matching = matching
        self.student = student
        self.taught = taught
        self.rows = rows
    }

    /// The weighted sum over all pairs, a scalar with history.
    ///
    /// Each pair is differentiated up to the student's frames before the next is computed, so that
    /// only one pair's matrices are in memory at a time; what the frames receive is added up and
    /// handed on by the result.
    ///
    /// * `loss`: of the pair with an index: predictions and targets [B, M, D] in `float32` to a
    ///   scalar. Targets have no history.
    func sum(_ loss: (Int, Tensor, Tensor) -> Tensor) -> Tensor {
        var targets: [[Int]: Tensor] = [:]
        var frames: [Int: StudentFrames] = [:]
        var total: Tensor?
        for (index, pair) in matching.pairs.enumerated() {
            let key = [pair.teacher, pair.layers.teacher]
            let target = targets[key] ?? target(pair)
            targets[key] = target
            let number = pair.layers.student
            let states = frames[number] ?? StudentFrames(rows.select(from: state(number)))
            frames[number] = states
            let prediction = matching.predict(states.leaf, pair: index).to(.float32)
            let value = loss(index, rows.unflatten(prediction), target) * pair.weight
            if states.isRecorded { value.backward() }
            total = total.map { $0 + value.detached() } ?? value.detached()
        }
        for layer in frames.keys.sorted() {
            if let passedOn = frames[layer]!.passedOn { total = total! + passedOn }
        }
        return total!
    }

    private func state(_ layer: Int) -> Tensor { student.hiddenStates[layer]! }

    /// [B, M, D_T] of a teacher's layer at the predicted frames.
    private func target(_ pair: LayerMatching.Pair) -> Tensor {
        withoutGradients {
            let output = taught[pair.teacher]
            return rows.unflatten(
                matching.settings.target.rows(rows, of: output, layer: pair.layers.teacher))
        }
    }
}

/// The predicted frames of a student layer, cut off from their history until all losses are known.
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
