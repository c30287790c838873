import Torch

/// Strided convolutions that shorten the output (`Wav2Vec2Adapter`), as XLS-R's models for translation
/// have them in front of the decoder.
struct Wav2Vec2Adapter {
    /// The sizes.
    struct Shape: Equatable {
        /// D of the input.
        var inputs: Int
        /// O of the output.
        var width: Int
        var layers: Int
        var kernel: Int
        var stride: Int

        /// The frames that one layer makes of `length`: there is one frame of padding on either side.
        func shortened(_ length: Int) -> Int {
            length + 2 < kernel ? 0 : (length + 2 - kernel) / stride + 1
        }
    }

    private let projection: (linear: Linear, norm: LayerNorm)?
    private let convolutions: [Conv1d]
    private let shape: Shape

    init(_ scope: ParameterScope, _ shape: Shape) {
        let width = shape.width
        projection =
            width == shape.inputs
            ? nil
            : (
                Linear(scope["proj"], shape.inputs, width),
                LayerNorm(scope["proj_layer_norm"], width, epsilon: 1e-5)
            )
        convolutions = (0..<shape.layers).map {
            Conv1d(
                scope["layers"][$0]["conv"], width, 2 * width, kernel: shape.kernel,
                stride: shape.stride, padding: 1)
        }
        self.shape = shape
    }

    /// [B, T, D] to [B, T', O].
    ///
    /// * `lengths`: frames of each clip behind which convolutions see zeros; nil shows them what is
    ///   there.
    func callAsFunction(_ x: Tensor, lengths: [Int]?) -> Tensor {
        var x = x
        var lengths = lengths
        if let projection { x = projection.norm(projection.linear(x)) }
        for convolution in convolutions {
            x = convolution(x.zeroed(behind: lengths)).glu(2)
            lengths = lengths?.map(shape.shortened)
        }
        return x
    }
}
