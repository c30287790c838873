import Torch

/// Two linear maps with an activation between them.
struct FeedForward {
    private let up: Linear
    private let down: Linear
    private let activation: Activation
    private let activationDropout: Double
    private let dropout: Double

    init(
        _ scope: ParameterScope, width: Int, units: Int, activation: Activation,
        activationDropout: Double = 0, dropout: Double = 0,
        names: (up: String, down: String) = ("intermediate_dense", "output_dense"),
        initializer: Initializer = .normal(standardDeviation: 0.02)
    ) {
        up = Linear(scope[names.up], width, units, initializer: initializer)
        down = Linear(scope[names.down], units, width, initializer: initializer)
        self.activation = activation
        self.activationDropout = activationDropout
        self.dropout = dropout
    }

    /// [B, T, D] to [B, T, D].
    ///
    /// * `gates`: what the units are multiplied by.
    func callAsFunction(_ x: Tensor, gates: Tensor? = nil, isTraining: Bool) -> Tensor {
        let inner = up(x, activation: activation.fused)
        if !isTraining { return down(inner.gated(gates)) }
        return down(inner.dropout(activationDropout).gated(gates)).dropout(dropout)
    }
}
