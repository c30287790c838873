/// Normalisation over the last dimension with a learned scale and shift.
public struct LayerNorm {
    /// [D].
    public let weight: Tensor
    /// [D].
    public let bias: Tensor
    private let epsilon: Double

    /// * `epsilon`: added to the variance.
    public init(_ scope: ParameterScope, _ width: Int, epsilon: Double) {
        weight = scope.normParameter("weight", [width], .ones)
        bias = scope.normParameter("bias", [width], .zeros)
        self.epsilon = epsilon
    }

    /// [..., D] to [..., D]; statistics are never taken in half precision.
    public func callAsFunction(_ x: Tensor) -> Tensor {
        // The CPU kernel takes float32 parameters with half-precision input, the CUDA kernel does
        // not.
        if x.device == .cpu && x.dtype != .float64 {
            return x.layerNorm(weight, bias, epsilon: epsilon)
        }
        return x.layerNorm(weight.to(x.dtype), bias.to(x.dtype), epsilon: epsilon)
    }

    /// [..., D] to [..., D] as if there were no columns but those above 0 in `open` [D]; what comes out
    /// of the others has no meaning.
    public func callAsFunction(_ x: Tensor, open: Tensor) -> Tensor {
        let type: DType = x.dtype == .float64 ? .float64 : .float32
        let isOpen = open.isGreater(than: open.zerosLike()).to(type)
        let count = isOpen.sum().clamped(min: 1.0)
        let values = x.to(type)
        let center = (values * isOpen).sum([-1], keepDimensions: true) / count
        let centered = (values - center) * isOpen
        let variance = centered.power(2).sum([-1], keepDimensions: true) / count
        let normal = centered / (variance + epsilon).squareRoot()
        return (normal * weight.to(type) + bias.to(type)).to(x.dtype)
    }
}

/// Normalisation of channels by running statistics, as evaluation does it.
public struct BatchNorm {
    private let weight, bias, runningMean, runningVariance: Tensor
    private let epsilon: Double

    /// * `channels`: the length of the second dimension of the input.
    public init(_ scope: ParameterScope, _ channels: Int, epsilon: Double = 1e-5) {
        weight = scope.normParameter("weight", [channels], .ones)
        bias = scope.normParameter("bias", [channels], .zeros)
        runningMean = scope.buffer("running_mean", [channels], .zeros)
        runningVariance = scope.buffer("running_var", [channels], .ones)
        self.epsilon = epsilon
    }

    /// [B, C, T] to [B, C, T].
    public func callAsFunction(_ x: Tensor) -> Tensor {
        x.to(.float32).batchNorm(
            weight: weight, bias: bias, mean: runningMean, variance: runningVariance,
            epsilon: epsilon
        ).to(x.dtype)
    }
}
