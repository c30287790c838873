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

    /// By pair; empty without heads.
    private let headOfPair: [PredictionHead]
    /// By teacher.
    fileprivate let alignments: [FrameAlignment]
    fileprivate let options: Options

    /// What some objectives need besides the prediction and the target of each pair.
    struct Options {
        /// Whether pairs have heads; without them only `LayerPass.sum(ofLayers:)` is of use.
        var hasHeads = true
        /// Whether the inputs of the layers are kept, too.
        var keepsInputs = false
        /// Whether teachers hear the speech a second time, masked as the student hears it.
        ///
        /// Masked frames are then compared with what the teacher makes of all speech, the others with
        /// what it makes of the masked one. Nothing is masked in validation.
        var masksTeachers = false
        /// What the losses of pairs are multiplied by where `layer_weights` says nothing; nil for
        /// their mean.
        var weight: ((LayerPair) -> Double)?
        /// Whether gradients of early layers are held back (`gradientShare`).
        var sharesGradients = false
    }

    /// * `seed`: of the heads' first values.
    /// * `minimumFrames`: what the loss needs of an utterance.
    /// - Throws: `ObjectiveError.invalidSetting` for settings that do not fit the models.
    public convenience init(
        _ settings: LayerSettings, teachers: [any SpeechEncoder], student: any SpeechEncoder,
        seed: UInt64, minimumFrames: Int
    ) throws {
        try self.init(
            settings, teachers: teachers, student: student, seed: seed,
            minimumFrames: minimumFrames, options: Options())
    }

    /// * `seed`: of the heads' first values.
    /// * `minimumFrames`: what the loss needs of an utterance.
    /// - Throws: `ObjectiveError.invalidSetting` for settings that do not fit the models.
    init(
        _ settings: LayerSettings, teachers: [any SpeechEncoder], student: any SpeechEncoder,
        seed: UInt64, minimumFrames: Int, options: Options
    ) throws {
        try settings.validate()
        try settings.masking.requireMaskable(student, "student")
        if options.masksTeachers {
            try teachers.forEach { try settings.masking.requireMaskable($0, "teacher") }
        }
        self.options = options
        self.settings = settings
        self.teachers = teachers
        self.student = student
        self.minimumFrames = max(minimumFrames, settings.masking.minimumFrames)
        pairs = try Self.pairs(settings, teachers, student, options)
        let alignments = try teachers.map {
            try FrameAlignment(student: student.config, teacher: $0.config, settings.head)
        }
        self.alignments = alignments
        let heads = ParameterStore(seed: seed, device: student.parameters.device)
        headOfPair = (options.hasHeads ? pairs : []).map { pair in
            var scope = heads.root["heads"]
            if teachers.count > 1 { scope = scope[pair.teacher] }
            return PredictionHead(
                scope["\(pair.layers.student)-\(pair.layers.teacherName)"], settings.head,
                from: student.width, to: teachers[pair.teacher].width,
                predictionsPerFrame: alignments[pair.teacher].predictionsPerFrame)
        }
        heads.setTrainable(true)
        self.heads = heads
    }

    private static func pairs(
        _ settings: LayerSettings, _ teachers: [any SpeechEncoder], _ student: any SpeechEncoder,
        _ options: Options
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
                    ? options.weight?(pair) ?? 1 / Double(layers.count)
                    : settings.layerWeights[position]
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
            teachers.indices.map { teach(batch.teachers[$0], teacher: $0) }
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
        let masking =
            options.masksTeachers && context.isValidation
            ? SpanMasking(sampler: .none) : settings.masking.scheduled(context)
        let masked = masking.sample(lengths: valid, using: &generator)
        let output = context.measure(.student) {
            student.encode(
                batch.student,
                masked: masking.tensor(
                    masked, frames: frames, device: student.parameters.device),
                request: studentRequest)
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
        var hidden: HiddenTeaching?
        if options.masksTeachers && masking.sampler != .none {
            hidden = context.measure(.teacher) {
                HiddenTeaching(self, batch, masked: masked, speeds: speeds, rows: rows)
            }
        }
        return LayerPass(
            matching: self, student: output, taught: taught, hidden: hidden, speeds: speeds,
            rows: rows)
    }

    /// What a teacher says about a batch.
    func teach(_ input: EncoderInput, teacher index: Int, masked: Tensor? = nil) -> EncoderOutput {
        var layers = Set(pairs.filter { $0.teacher == index }.flatMap(\.layers.teachers))
        if options.keepsInputs { layers.formUnion(layers.map { $0 - 1 }) }
        return withoutGradients {
            teachers[index].encode(
                input, masked: masked, request: settings.target.request(layers))
        }
    }

    private var studentRequest: LayerRequest {
        var layers = Set(pairs.map(\.layers.student))
        if options.keepsInputs { layers.formUnion(layers.map { $0 - 1 }) }
        var request = LayerRequest(hiddenStates: layers, wantsLastHiddenState: false)
        if options.sharesGradients {
            for layer in 1...student.layerCount {
                request.gradientScales[layer] = gradientShare(layer).stream
            }
        }
        return request
    }

    /// What gradients are multiplied by behind a student layer, for its output as a whole and for what
    /// comes from its head (ARMHuBERT's per-layer scaling; 1 without it).
    fileprivate func gradientShare(_ layer: Int) -> (stream: Double, head: Double) {
        guard options.sharesGradients else { return (1, 1) }
        let left = Double(student.layerCount - layer + 1)
        return (left / (left + 1), 1 / (left + 1))
    }

    fileprivate func predict(_ rows: Tensor, pair index: Int, choice: Tensor?) -> Tensor {
        headOfPair[index](rows, choice: choice)
    }
}

/// What came out of one pass of teachers and student.
struct LayerPass {
    let matching: LayerMatching
    private let student: EncoderOutput
    private let taught: [EncoderOutput]
    private let hidden: HiddenTeaching?
    private let speeds: [Double]
    /// The compared frames by teacher.
    let rows: [RowSelection]

    fileprivate init(
        matching: LayerMatching, student: EncoderOutput, taught: [EncoderOutput],
        hidden: HiddenTeaching?, speeds: [Double], rows: [RowSelection]
    ) {
        self.matching = matching
        self.student = student
        self.taught = taught
        self.hidden = hidden
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
        sum { index, pooled, leaf, target in
            let pair = matching.pairs[index]
            let prediction = matching.predict(
                leaf(pair.layers.student), pair: index, choice: pooled.choice)
            return loss(
                index, rows[pair.teacher].unflatten(pooled.mean(prediction.to(.float32))),
                target(pair.layers.teachers))
        }
    }

    /// The weighted sum over all pairs of a loss that compares layers themselves.
    ///
    /// * `loss`: of the pair with an index, from student layers [B, M, D_S] and teacher layers
    ///   [B, M, D_T] by number, both in `float32`.
    func sum(
        ofLayers loss: (Int, _ student: (Int) -> Tensor, _ teacher: (Int) -> Tensor) -> Tensor
    ) -> Tensor {
        sum { index, pooled, leaf, target in
            let rows = rows[matching.pairs[index].teacher]
            return loss(
                index, { rows.unflatten(pooled.mean(leaf($0).to(.float32))) },
                { target($0...$0) })
        }
    }

    /// * `value`: of a pair, from student layers as rows [R, D_S] and means of teacher layers.
    private func sum(
        _ value: (
            Int, PooledRows, _ leaf: @escaping (Int) -> Tensor,
            _ target: @escaping (ClosedRange<Int>) -> Tensor
        ) -> Tensor
    ) -> Tensor {
        var targets: [[Int]: Tensor] = [:]
        var frames: [[Int]: StudentFrames] = [:]
        var total = Tensor.zeros([], device: matching.student.parameters.device)
        for (index, pair) in matching.pairs.enumerated() {
            let rows = rows[pair.teacher]
            let alignment = matching.alignments[pair.teacher]
            guard rows.count > 0 else { continue }
            let pooled = PooledRows(rows, alignment, device: total.device)
            // Teachers with the same frames share what a student's layer hands on.
            let alike = matching.alignments.firstIndex(of: alignment)!
            let owner = self.rows[alike].frames == rows.frames ? alike : pair.teacher
            func leaf(_ layer: Int) -> Tensor {
                let states =
                    frames[[owner, layer]]
                    ?? StudentFrames(
                        pooled.select(from: student.hiddenStates[layer]!),
                        share: matching.gradientShare(layer).head)
                frames[[owner, layer]] = states
                return states.leaf
            }
            func target(_ layers: ClosedRange<Int>) -> Tensor {
                let key = [pair.teacher, layers.lowerBound, layers.upperBound]
                let target = targets[key] ?? self.target(pair.teacher, layers)
                targets[key] = target
                return target
            }
            let scale = Double(count) / Double(rows.count)
            let sum = value(index, pooled, leaf, target) * (pair.weight * scale)
            if Tensor.records([sum]) { sum.backward() }
            total = total + sum.detached()
        }
        for key in frames.keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            if let passedOn = frames[key]!.passedOn { total = total + passedOn }
        }
        return total
    }

    /// The mean of a teacher's layers at the compared frames, [B, M, D_T].
    private func target(_ teacher: Int, _ layers: ClosedRange<Int>) -> Tensor {
        withoutGradients {
            let heard = mean(taught[teacher], teacher, layers)
            guard let hidden else { return heard }
            return hidden.isMasked[teacher].select(
                heard, else: mean(hidden.taught[teacher], teacher, layers))
        }
    }

    private func mean(
        _ output: EncoderOutput, _ teacher: Int, _ layers: ClosedRange<Int>
    ) -> Tensor {
        let alignment = matching.alignments[teacher]
        let features = layers.map { layer in
            rows[teacher].unflatten(
                matching.settings.target.rows(of: output, layer: layer) { features in
                    rows[teacher].select(from: features, pooling: alignment.pooledTargets) {
                        alignment.teacherFrame($1, speed: speeds[$0])
                    }
                })
        }
        guard features.count > 1 else { return features[0] }
        return features.dropFirst().reduce(features[0]) { $0 + $1 } / Double(features.count)
    }
}

/// What teachers make of speech that is masked for them as it is for the student.
struct HiddenTeaching {
    /// By teacher.
    let taught: [EncoderOutput]
    /// By teacher: whether a compared frame is masked, [B, M, 1] `bool`.
    let isMasked: [Tensor]

    /// * `masked`: the student's masked frames.
    fileprivate init(
        _ matching: LayerMatching, _ batch: TrainingBatch, masked: [[Int]], speeds: [Double],
        rows: [RowSelection]
    ) {
        var taught: [EncoderOutput] = []
        var isMasked: [Tensor] = []
        for (index, teacher) in matching.teachers.enumerated() {
            let input = batch.teachers[index]
            let alignment = matching.alignments[index]
            let frames = teacher.frameCount(inputLength: input.values.size(1))
            let hidden = rows[index].frames.indices.map { clip in
                let limit = rows[index].frames[clip].last.map { $0 + 1 } ?? 0
                return alignment.compared(masked[clip], limit: limit)
            }
            let ofTeacher = hidden.enumerated().map { clip, compared in
                compared.flatMap { frame in
                    let end = alignment.teacherFrame(frame + 1, speed: speeds[clip])
                    return alignment.teacherFrame(frame, speed: speeds[clip])..<min(end, frames)
                }
            }
            let device = teacher.parameters.device
            taught.append(
                matching.teach(
                    input, teacher: index,
                    masked: matching.settings.masking.tensor(
                        ofTeacher, frames: frames, device: device)))
            isMasked.append(rows[index].marks(hidden, device: device).unsqueeze(2))
        }
        self.taught = taught
        self.isMasked = isMasked
    }
}

/// The predictions that compared frames are made of: as many for each as are averaged.
private struct PooledRows {
    /// Which of all predictions of the selected rows are wanted; nil where each row makes one.
    let choice: Tensor?
    private let rows: RowSelection
    private let count: Int
    private let perFrame: Int

    init(_ rows: RowSelection, _ alignment: FrameAlignment, device: Device) {
        self.rows = rows
        let (count, perFrame) = (alignment.pooledPredictions, alignment.predictionsPerFrame)
        self.count = count
        self.perFrame = perFrame
        guard perFrame > 1 else {
            choice = nil
            return
        }
        let places = (0..<count).flatMap { part in
            rows.slots { _, frame in (frame * count + part) % perFrame }
        }
        choice = Tensor(
            places.enumerated().map { Int64($0 * perFrame + $1) }, [places.count], device: device)
    }

    /// The student frames of the predictions, [B, T, D] to [r · B · M, D].
    func select(from states: Tensor) -> Tensor {
        if count == 1 && perFrame == 1 { return rows.select(from: states) }
        let parts = (0..<count).map { part in
            rows.select(from: states, pooling: 1) { ($1 * count + part) / perFrame }
        }
        return .concatenate(parts, 0)
    }

    /// [r · B · M, D] to [B · M, D].
    func mean(_ predictions: Tensor) -> Tensor {
        count == 1 ? predictions : predictions.unflatten(0, [count, -1]).mean([0])
    }
}

/// The compared frames of a student layer, cut off from their history until all losses are known.
private struct StudentFrames {
    private let rows: Tensor
    private let share: Double
    /// The same values as a leaf.
    let leaf: Tensor
    private let isRecorded: Bool

    /// * `share`: of the gradient that is handed on.
    init(_ rows: Tensor, share: Double) {
        self.rows = rows
        self.share = share
        isRecorded = Tensor.records([rows])
        leaf = rows.detached()
        if isRecorded { leaf.requiresGradient = true }
    }

    /// A scalar of value 0 whose gradient is what the leaf has received.
    var passedOn: Tensor? {
        guard isRecorded, let gradient = leaf.gradient else { return nil }
        let product = (rows * gradient).sum().to(.float32) * share
        return product - product.detached()
    }
}
