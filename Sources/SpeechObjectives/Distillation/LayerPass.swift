import SpeechModels
import Torch

/// What came out of one pass of teachers and student.
struct LayerPass {
    let matching: LayerMatching
    private let student: EncoderOutput
    private let taught: [EncoderOutput]
    private let hidden: HiddenTeaching?
    private let speeds: [Double]
    /// The compared frames by teacher.
    let rows: [RowSelection]

    init(
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
        sum { index, pooled, leaf, target, add in
            let pair = matching.pairs[index]
            let prediction = matching.predict(
                leaf(pair.layers.student), pair: index, choice: pooled.choice)
            add(
                loss(
                    index, rows[pair.teacher].unflatten(pooled.mean(prediction.to(.float32))),
                    target(pair.layers.teachers)))
        }
    }

    /// The same for a loss that some clips have without the others, a few of which are in memory at a
    /// time.
    ///
    /// * `diagnose`: is shown the predictions and targets of all clips of a pair, without history; how
    ///   the loss is cut, and so its last bits, must not depend on whether somebody looks.
    /// * `loss`: of the pair with an index and some clips of the batch.
    func sum(
        diagnose: ((Int, Tensor, Tensor) -> Void)?,
        _ loss: (Int, _ clips: Range<Int>, Tensor, Tensor) -> Tensor
    ) -> Tensor {
        sum { index, pooled, leaf, target, add in
            let pair = matching.pairs[index]
            let rows = rows[pair.teacher]
            let states = leaf(pair.layers.student)
            let targets = target(pair.layers.teachers)
            let (clips, width) = (targets.size(0), targets.size(1))
            let fitting = Self.largestPart / max(1, width * targets.size(2))
            let part = pooled.isPlain ? max(1, min(clips, fitting)) : clips
            for first in stride(from: 0, to: clips, by: part) {
                let range = first..<min(clips, first + part)
                let isWhole = range.count == clips
                let chosen =
                    isWhole ? states : states.narrow(0, first * width, range.count * width)
                let prediction = matching.predict(chosen, pair: index, choice: pooled.choice)
                    .to(.float32)
                add(
                    loss(
                        index, range,
                        isWhole
                            ? rows.unflatten(pooled.mean(prediction))
                            : prediction.unflatten(0, [range.count, width]),
                        isWhole ? targets : targets.narrow(0, first, range.count)))
            }
            guard let diagnose else { return }
            withoutGradients {
                let prediction = matching.predict(states, pair: index, choice: pooled.choice)
                diagnose(
                    index, rows.unflatten(pooled.mean(prediction.to(.float32))), targets)
            }
        }
    }

    /// Values of predictions that are in memory at a time, where a batch can be cut: 2 MB.
    private static let largestPart = 1 << 19

    /// The weighted sum over all pairs of a loss that compares layers themselves.
    ///
    /// * `loss`: of the pair with an index, from student layers [B, M, D_S] and teacher layers
    ///   [B, M, D_T] by number, both in `float32`.
    func sum(
        ofLayers loss: (Int, _ student: (Int) -> Tensor, _ teacher: (Int) -> Tensor) -> Tensor
    ) -> Tensor {
        sum { index, pooled, leaf, target, add in
            let rows = rows[matching.pairs[index].teacher]
            add(
                loss(
                    index, { rows.unflatten(pooled.mean(leaf($0).to(.float32))) },
                    { target($0...$0) }))
        }
    }

    /// * `value`: adds a pair's loss in one or several parts, from student layers as rows [R, D_S] and
    ///   means of teacher layers.
    private func sum(
        _ value: (
            Int, PooledRows, _ leaf: @escaping (Int) -> Tensor,
            _ target: @escaping (ClosedRange<Int>) -> Tensor, _ add: (Tensor) -> Void
        ) -> Void
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
            value(index, pooled, leaf, target) { part in
                let sum = part * (pair.weight * scale)
                if Tensor.records([sum]) { sum.backward() }
                total = total + sum.detached()
            }
            // What no later pair compares is let go: of a student's layer only its gradient stays.
            let later = matching.pairs[(index + 1)...]
            let inputs = matching.keepsInputs
            for key in frames.keys.sorted(by: { $0.lexicographicallyPrecedes($1) })
            where !later.contains(where: { $0.compares(studentLayer: key[1], inputs) }) {
                if let passedOn = frames[key]!.passedOn { total = total + passedOn }
                frames[key] = nil
            }
            targets = targets.filter { key, _ in
                later.contains { $0.compares(teacher: key[0], layers: key[1]...key[2], inputs) }
            }
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

extension LayerMatching.Pair {
    /// Whether its loss may read a student's layer: its own, or with `inputs` the input of that.
    fileprivate func compares(studentLayer layer: Int, _ inputs: Bool) -> Bool {
        layer == layers.student || inputs && layer == layers.student - 1
    }

    /// Whether its loss may read some of a teacher's layers: its own, or with `inputs` the input of
    /// those.
    fileprivate func compares(
        teacher: Int, layers other: ClosedRange<Int>, _ inputs: Bool
    ) -> Bool {
        let own = layers.teachers
        return teacher == self.teacher && own.lowerBound - (inputs ? 1 : 0) <= other.upperBound
            && own.upperBound >= other.lowerBound
    }
}

/// What teachers make of speech that is masked for them as it is for the student.
struct HiddenTeaching {
    /// By teacher.
    let taught: [EncoderOutput]
    /// By teacher: whether a compared frame is masked, [B, M, 1] `bool`.
    let isMasked: [Tensor]

    /// * `masked`: the student's masked frames.
    init(
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
    /// Whether every row is one student frame with one prediction.
    var isPlain: Bool { choice == nil && count == 1 }
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
