/// The two forms of GELU that checkpoints name.
public enum GELUApproximation: Sendable {
    /// x · Φ(x) with the error function.
    case exact
    /// The tanh formula of `gelu_new` and `gelu_pytorch_tanh`.
    case tanh

    var name: StaticString {
        switch self {
        case .exact: "none"
        case .tanh: "tanh"
        }
    }
}

extension Operator {
    fileprivate static let gelu = Operator("aten::gelu")
    fileprivate static let silu = Operator("aten::silu")
    fileprivate static let relu = Operator("aten::relu")
    fileprivate static let sigmoid = Operator("aten::sigmoid")
    fileprivate static let logSigmoid = Operator("aten::log_sigmoid")
    fileprivate static let tanh = Operator("aten::tanh")
    fileprivate static let glu = Operator("aten::glu")
    fileprivate static let softmax = Operator("aten::softmax", "int")
    fileprivate static let logSoftmax = Operator("aten::log_softmax", "int")
    fileprivate static let dropout = Operator("aten::dropout")
}

extension Tensor {
    /// Gaussian error linear unit.
    public func gelu(_ form: GELUApproximation = .exact) -> Tensor {
        Operator.gelu(.tensor(self), .text(form.name))
    }
    /// x · σ(x), also called swish.
    public func silu() -> Tensor { Operator.silu(.tensor(self)) }
    /// max(x, 0).
    public func relu() -> Tensor { Operator.relu(.tensor(self)) }
    /// 1 / (1 + exp(−x)).
    public func sigmoid() -> Tensor { Operator.sigmoid(.tensor(self)) }
    /// log σ(x).
    public func logSigmoid() -> Tensor { Operator.logSigmoid(.tensor(self)) }
    /// Hyperbolic tangent.
    public func tanh() -> Tensor { Operator.tanh(.tensor(self)) }
    /// The first half of a dimension times σ of the second half.
    public func glu(_ dimension: Int) -> Tensor {
        Operator.glu(.tensor(self), .int(dimension))
    }
    /// exp(x) / Σ exp(x) over a dimension.
    public func softmax(_ dimension: Int) -> Tensor {
        Operator.softmax(.tensor(self), .int(dimension))
    }
    /// The logarithm of `softmax`.
    public func logSoftmax(_ dimension: Int) -> Tensor {
        Operator.logSoftmax(.tensor(self), .int(dimension))
    }
    /// Zeroes elements with a probability and scales the others by 1 / (1 − p); itself when p = 0.
    ///
    /// Draws from the device's standard generator.
    public func dropout(_ probability: Double) -> Tensor {
        if probability == 0 { return self }
        return Operator.dropout(.tensor(self), .double(probability), .bool(true))
    }
}
