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
    let alignments: [FrameAlignment]
    private let options: Options

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
            var weights = settings.layerWeights
            if weights.count == 2, let last = weights.last {
                // Of all but the last, and of the last.
                weights = layers.indices.map { $0 == layers.count - 1 ? last : weights[0] }
            }
            try require(
                "layer_weights", weights, layers.count, "pairs of layers, or two")
            let ofTeacher =
                settings.teacherWeights.isEmpty
                ? 1 / Double(teachers.count) : settings.teacherWeights[index]
            return layers.enumerated().map { position, pair in
                let ofPair =
                    weights.isEmpty
                    ? options.weight?(pair) ?? 1 / Double(layers.count) : weights[position]
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
    func gradientShare(_ layer: Int) -> (stream: Double, head: Double) {
        guard options.sharesGradients else { return (1, 1) }
        let left = Double(student.layerCount - layer + 1)
        return (left / (left + 1), 1 / (left + 1))
    }

    /// Whether losses read the inputs of the paired layers, too.
    var keepsInputs: Bool { options.keepsInputs }

    func predict(_ rows: Tensor, pair index: Int, choice: Tensor?) -> Tensor {
        headOfPair[index](rows, choice: choice)
    }
}
