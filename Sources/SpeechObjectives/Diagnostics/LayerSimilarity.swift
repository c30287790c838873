public import SpeechModels
public import Torch

/// Linear centred kernel alignment between all layers of a student and all of a teacher, over the
/// frames of several batches.
///
/// From Kornblith et al., ICML 2019, section 3. With X and Y the centred features of the same frames, [N, D] each:
/// CKA = ‖Yᵀ X‖² / (‖Xᵀ X‖ ‖Yᵀ Y‖), from 0 to 1; rotations and one factor for all change nothing.
public final class LayerSimilarity {
    /// Frames after which no more are taken.
    public let maximumFrames: Int
    /// Frames taken so far.
    public private(set) var frames = 0

    private let student: any SpeechEncoder
    private let teacher: any SpeechEncoder
    private let alignment: FrameAlignment
    /// Pieces [n, D] by layer, from the first layer's input on.
    private var ofStudent: [[Tensor]]
    private var ofTeacher: [[Tensor]]

    /// * `maximumFrames`: sets the memory: 4 N² bytes for each layer of the student.
    /// - Throws: `ObjectiveError.invalidSetting` for frame rates that do not fit each other.
    public init(
        student: any SpeechEncoder, teacher: any SpeechEncoder, maximumFrames: Int = 2000
    ) throws {
        self.student = student
        self.teacher = teacher
        self.maximumFrames = maximumFrames
        alignment = try FrameAlignment(student: student.config, teacher: teacher.config)
        ofStudent = Array(repeating: [], count: student.layerCount + 1)
        ofTeacher = Array(repeating: [], count: teacher.layerCount + 1)
    }

    /// Whether no more frames are taken.
    public var isFull: Bool { frames >= maximumFrames }

    /// Runs both encoders on a batch, unmasked, and keeps what their layers say of its valid frames.
    public func add(student input: EncoderInput, teacher taught: EncoderInput) {
        guard !isFull else { return }
        withoutGradients {
            let heard = Self.layers(student, input)
            let told = Self.layers(teacher, taught)
            for clip in heard.lengths.indices where !isFull {
                let compared = alignment.comparedFrames(
                    student: heard.lengths[clip], teacher: told.lengths[clip], speed: 1)
                let count = min(compared, maximumFrames - frames)
                guard count > 0 else { continue }
                let rows = RowSelection([Array(0..<count)])
                for layer in ofStudent.indices {
                    let states = heard.hiddenStates[layer]!.narrow(0, clip, 1)
                    let pooling = alignment.pooledPredictions
                    ofStudent[layer].append(
                        rows.select(from: states, pooling: pooling) { $1 * pooling }.to(.float32))
                }
                for layer in ofTeacher.indices {
                    let states = told.hiddenStates[layer]!.narrow(0, clip, 1)
                    ofTeacher[layer].append(
                        rows.select(from: states, pooling: alignment.pooledTargets) {
                            alignment.teacherFrame($1, speed: 1)
                        }.to(.float32))
                }
                frames += count
            }
        }
    }

    /// The alignment by layer of the student and layer of the teacher, both from the first layer's
    /// input on; empty before any frame was taken.
    public func matrix() -> [[Double]] {
        guard frames > 0 else { return [] }
        return withoutGradients {
            let kernels = ofStudent.map { Self.kernel(.concatenate($0, 0)) }
            var columns: [[Double]] = []
            for pieces in ofTeacher {
                let kernel = Self.kernel(.concatenate(pieces, 0))
                columns.append(Tensor.stack(kernels.map { ($0 * kernel).sum() }).doubles())
            }
            return kernels.indices.map { row in columns.map { $0[row] } }
        }
    }

    /// Linear centred kernel alignment of features of the same frames.
    ///
    /// * `x`: [N, D].
    /// * `y`: [N, D'].
    public static func alignment(_ x: Tensor, _ y: Tensor) -> Double {
        withoutGradients { (kernel(x) * kernel(y)).sum().item() }
    }

    /// X Xᵀ of centred features, [N, N], divided by its norm.
    private static func kernel(_ features: Tensor) -> Tensor {
        let centred = features - features.mean([0], keepDimensions: true)
        let kernel = centred.linear(centred)
        return kernel / kernel.norm([0, 1]).clamped(min: 1e-30)
    }

    private static func layers(
        _ encoder: any SpeechEncoder, _ input: EncoderInput
    ) -> EncoderOutput {
        encoder.encode(
            input,
            request: LayerRequest(
                hiddenStates: Set(0...encoder.layerCount), wantsLastHiddenState: false))
    }
}
