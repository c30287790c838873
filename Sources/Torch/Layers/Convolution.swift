extension Operator {
    fileprivate static let weightNorm = Operator("aten::_weight_norm")
}

/// One-dimensional convolution.
///
/// Both layouts run as a two-dimensional convolution on channels-last memory where that is the
/// faster kernel; the values are the same.
public struct Conv1d {
    /// [O, I / groups, K].
    public let weight: Tensor
    /// [O].
    public let bias: Tensor?
    private let stride: Int
    private let padding: Int
    private let groups: Int

    /// * `padding`: zeros added on both sides.
    /// * `initializer`: of the weight; nil for LibTorch's uniform choice, which then also sets the
    ///   bias.
    public init(
        _ scope: ParameterScope, _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1,
        padding: Int = 0, groups: Int = 1, bias: Bool = true, initializer: Initializer? = nil
    ) {
        let standard = Initializer.uniform(fanIn: inputs / groups * kernel)
        weight = scope.parameter(
            "weight", [outputs, inputs / groups, kernel], initializer ?? standard)
        self.bias =
            bias ? scope.parameter("bias", [outputs], initializer == nil ? standard : .zeros) : nil
        self.stride = stride
        self.padding = padding
        self.groups = groups
    }

    /// Channels last: [B, T, I] to [B, T', O].
    public func callAsFunction(_ x: Tensor) -> Tensor {
        x.channelsLastConvolution(
            weight.to(x.dtype), bias?.to(x.dtype), stride: stride, padding: padding,
            groups: groups)
    }
}

/// Convolution whose weight is a direction and a length for every kernel tap: w = g · v / ‖v‖.
///
/// The norm runs over the first two dimensions (`torch.nn.utils.weight_norm` with `dim=2`), as the
/// positional convolution of wav2vec 2.0 has it.
public struct WeightNormConv1d {
    private let magnitude: Tensor
    private let direction: Tensor
    private let bias: Tensor
    private let stride: Int
    private let padding: Int
    private let groups: Int

    /// Parameters carry today's names, `parametrizations.weight.original0` and `original1`.
    public init(
        _ scope: ParameterScope, _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1,
        padding: Int, groups: Int, initializer: Initializer
    ) {
        let weight = scope["parametrizations"]["weight"]
        direction = weight.normParameter(
            "original1", [outputs, inputs / groups, kernel], initializer)
        magnitude = weight.normParameter("original0", [1, 1, kernel], .ones)
        bias = scope.parameter("bias", [outputs], .zeros)
        self.stride = stride
        self.padding = padding
        self.groups = groups
    }

    /// Sets every magnitude to the length of its direction, so that the weight is the direction.
    public func matchMagnitudeToDirection() {
        withoutGradients { magnitude.assign(direction.norm([0, 1], keepDimensions: true)) }
    }

    /// The weight after normalisation, [O, I / groups, K].
    public var weight: Tensor {
        Operator.weightNorm(.tensor(direction), .tensor(magnitude), .int(2))
    }

    /// Channels last: [B, T, I] to [B, T', O].
    public func callAsFunction(_ x: Tensor) -> Tensor {
        x.channelsLastConvolution(
            weight.to(x.dtype), bias.to(x.dtype), stride: stride, padding: padding,
            groups: groups)
    }
}

extension Tensor {
    /// One-dimensional convolution of [B, T, I] to [B, T', O].
    ///
    /// [B, T, I] in row-major order is exactly [B, I, 1, T] in channels-last order, which the
    /// two-dimensional kernels take without a copy and, measured, run several times faster than
    /// the one-dimensional ones.
    public func channelsLastConvolution(
        _ weight: Tensor, _ bias: Tensor?, stride: Int = 1, padding: Int = 0, groups: Int = 1
    ) -> Tensor {
        let isDepthwise = groups == size(2) && groups > 1
        if isDepthwise && groups < Self.leastHalfDepthwise && dtype.byteCount == 2 && device == .cpu
        {
            return to(.float32).channelsLastConvolution(
                weight.to(.float32), bias?.to(.float32), stride: stride, padding: padding,
                groups: groups
            ).to(dtype)
        }
        let image = transpose(1, 2).unsqueeze(2)  // [B, I, 1, T]
        let result = image.convolution2d(
            weight.unsqueeze(2), bias, stride: [1, stride], padding: [0, padding], groups: groups)
        return result.squeeze(2).transpose(1, 2)  // [B, T', O]
    }

    /// Below so many channels depthwise convolutions of half precision run in `float32`: oneDNN's
    /// code generator (of LibTorch 2.13) does not come back from some of up to 32 channels, depending
    /// on the numbers of frames.
    private static let leastHalfDepthwise = 64
}
