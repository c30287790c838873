/// x · weightᵀ + bias.
public struct Linear {
    /// [O, I].
    public let weight: Tensor
    /// [O].
    public let bias: Tensor?
    private let packed = PackedWeight()

    /// * `initializer`: of the weight; biases start at zero.
    public init(
        _ scope: ParameterScope, _ inputs: Int, _ outputs: Int, bias: Bool = true,
        initializer: Initializer = .normal(standardDeviation: 0.02)
    ) {
        weight = scope.parameter("weight", [outputs, inputs], initializer)
        self.bias = bias ? scope.parameter("bias", [outputs], .zeros) : nil
    }

    /// [..., I] to [..., O], computed in the type of `x`; parameters in another type are converted.
    public func callAsFunction(
        _ x: Tensor, activation: FusedActivation = .none
    ) -> Tensor {
        // A weight that is converted anew for every call is not worth packing.
        x.linear(
            weight.to(x.dtype), bias?.to(x.dtype), activation: activation,
            packed: weight.dtype == x.dtype ? packed : nil)
    }
}

/// A table of vectors.
public struct Embedding {
    /// [V, D].
    public let weight: Tensor

    /// A table of `count` vectors of width `width`.
    public init(
        _ scope: ParameterScope, count: Int, width: Int,
        initializer: Initializer = .normal(standardDeviation: 0.02)
    ) {
        weight = scope.parameter("weight", [count, width], initializer)
    }

    /// The vectors of `ids`, of shape ids.shape + [D].
    public func callAsFunction(_ ids: Tensor) -> Tensor { weight.embedding(ids) }
}
