extension Operator {
    fileprivate static let add = Operator("aten::add", "Tensor")
    fileprivate static let addScalar = Operator("aten::add", "Scalar")
    fileprivate static let subtract = Operator("aten::sub", "Tensor")
    fileprivate static let multiply = Operator("aten::mul", "Tensor")
    fileprivate static let multiplyScalar = Operator("aten::mul", "Scalar")
    fileprivate static let divide = Operator("aten::div", "Tensor")
    fileprivate static let divideScalar = Operator("aten::div", "Scalar")
    fileprivate static let addInPlace = Operator("aten::add_", "Tensor")
    fileprivate static let multiplyInPlace = Operator("aten::mul_", "Scalar")
    fileprivate static let negate = Operator("aten::neg")
    fileprivate static let power = Operator("aten::pow", "Tensor_Scalar")
    fileprivate static let squareRoot = Operator("aten::sqrt")
    fileprivate static let exponential = Operator("aten::exp")
    fileprivate static let logarithm = Operator("aten::log")
    fileprivate static let absolute = Operator("aten::abs")
    fileprivate static let sine = Operator("aten::sin")
    fileprivate static let cosine = Operator("aten::cos")
    fileprivate static let clampMinimum = Operator("aten::clamp_min")
    fileprivate static let clamp = Operator("aten::clamp")
    fileprivate static let less = Operator("aten::lt", "Tensor")
    fileprivate static let lessScalar = Operator("aten::lt", "Scalar")
    fileprivate static let greater = Operator("aten::gt", "Tensor")
    fileprivate static let greaterOrEqual = Operator("aten::ge", "Tensor")
    fileprivate static let equal = Operator("aten::eq", "Tensor")
    fileprivate static let equalScalar = Operator("aten::eq", "Scalar")
    fileprivate static let not = Operator("aten::logical_not")
    fileprivate static let and = Operator("aten::logical_and")
    fileprivate static let whereTensor = Operator("aten::where", "self")
    fileprivate static let maskedFill = Operator("aten::masked_fill", "Scalar")
    fileprivate static let matmul = Operator("aten::matmul")
    fileprivate static let bmm = Operator("aten::bmm")
    fileprivate static let baddbmm = Operator("aten::baddbmm")
}

/// The element-wise sum, broadcasting.
public func + (a: Tensor, b: Tensor) -> Tensor { Operator.add(.tensor(a), .tensor(b)) }
/// The element-wise sum with a number.
public func + (a: Tensor, b: Double) -> Tensor { Operator.addScalar(.tensor(a), .double(b)) }
/// The element-wise sum with a whole number, which keeps integer types.
public func + (a: Tensor, b: Int) -> Tensor { Operator.addScalar(.tensor(a), .int(b)) }
/// The element-wise difference, broadcasting.
public func - (a: Tensor, b: Tensor) -> Tensor { Operator.subtract(.tensor(a), .tensor(b)) }
/// The element-wise difference with a number.
public func - (a: Tensor, b: Double) -> Tensor { Operator.addScalar(.tensor(a), .double(-b)) }
/// The element-wise difference with a whole number, which keeps integer types.
public func - (a: Tensor, b: Int) -> Tensor { Operator.addScalar(.tensor(a), .int(-b)) }
/// The element-wise product, broadcasting.
public func * (a: Tensor, b: Tensor) -> Tensor { Operator.multiply(.tensor(a), .tensor(b)) }
/// The element-wise product with a number.
public func * (a: Tensor, b: Double) -> Tensor {
    Operator.multiplyScalar(.tensor(a), .double(b))
}
/// The element-wise product with a number.
public func * (a: Double, b: Tensor) -> Tensor { b * a }
/// The element-wise product with a whole number, which keeps integer types.
public func * (a: Tensor, b: Int) -> Tensor { Operator.multiplyScalar(.tensor(a), .int(b)) }
/// The element-wise product with a whole number, which keeps integer types.
public func * (a: Int, b: Tensor) -> Tensor { b * a }
/// The element-wise quotient, broadcasting.
public func / (a: Tensor, b: Tensor) -> Tensor { Operator.divide(.tensor(a), .tensor(b)) }
/// The element-wise quotient by a number.
public func / (a: Tensor, b: Double) -> Tensor { Operator.divideScalar(.tensor(a), .double(b)) }
/// The element-wise negative.
public prefix func - (a: Tensor) -> Tensor { Operator.negate(.tensor(a)) }

extension Tensor {
    /// self + scale · other, broadcasting.
    public func adding(_ other: Tensor, scale: Double) -> Tensor {
        Operator.add(.tensor(self), .tensor(other), .double(scale))
    }

    /// Adds scale · other to this tensor's values.
    public func addInPlace(_ other: Tensor, scale: Double = 1) {
        Operator.addInPlace.run(.tensor(self), .tensor(other), .double(scale))
    }

    /// Multiplies this tensor's values.
    public func multiplyInPlace(_ factor: Double) {
        Operator.multiplyInPlace.run(.tensor(self), .double(factor))
    }

    /// Element-wise power.
    public func power(_ exponent: Double) -> Tensor {
        Operator.power(.tensor(self), .double(exponent))
    }
    /// Element-wise square root.
    public func squareRoot() -> Tensor { Operator.squareRoot(.tensor(self)) }
    /// Element-wise exponential.
    public func exp() -> Tensor { Operator.exponential(.tensor(self)) }
    /// Element-wise natural logarithm.
    public func log() -> Tensor { Operator.logarithm(.tensor(self)) }
    /// Element-wise magnitude.
    public func abs() -> Tensor { Operator.absolute(.tensor(self)) }
    /// Element-wise sine.
    public func sin() -> Tensor { Operator.sine(.tensor(self)) }
    /// Element-wise cosine.
    public func cos() -> Tensor { Operator.cosine(.tensor(self)) }
    /// Element-wise maximum with a number.
    public func clamped(min: Double) -> Tensor {
        Operator.clampMinimum(.tensor(self), .double(min))
    }
    /// Element-wise restriction to [min, max].
    public func clamped(min: Double, max: Double) -> Tensor {
        Operator.clamp(.tensor(self), .double(min), .double(max))
    }
    /// Element-wise restriction to [min, max].
    public func clamped(min: Int, max: Int) -> Tensor {
        Operator.clamp(.tensor(self), .int(min), .int(max))
    }

    /// Element-wise self < other, `bool`.
    public func isLess(than other: Tensor) -> Tensor {
        Operator.less(.tensor(self), .tensor(other))
    }
    /// Element-wise self < number, `bool`.
    public func isLess(than other: Double) -> Tensor {
        Operator.lessScalar(.tensor(self), .double(other))
    }
    /// Element-wise self > other, `bool`.
    public func isGreater(than other: Tensor) -> Tensor {
        Operator.greater(.tensor(self), .tensor(other))
    }
    /// Element-wise self ≥ other, `bool`.
    public func isAtLeast(_ other: Tensor) -> Tensor {
        Operator.greaterOrEqual(.tensor(self), .tensor(other))
    }
    /// Element-wise self = other, `bool`.
    public func isEqual(to other: Tensor) -> Tensor {
        Operator.equal(.tensor(self), .tensor(other))
    }
    /// Element-wise self = number, `bool`.
    public func isEqual(to other: Int) -> Tensor {
        Operator.equalScalar(.tensor(self), .int(other))
    }
    /// Element-wise negation of `bool`.
    public func not() -> Tensor { Operator.not(.tensor(self)) }
    /// Element-wise conjunction of `bool`.
    public func and(_ other: Tensor) -> Tensor { Operator.and(.tensor(self), .tensor(other)) }

    /// The elements of `a` where this `bool` tensor is true, else those of `b`.
    public func select(_ a: Tensor, else b: Tensor) -> Tensor {
        Operator.whereTensor(.tensor(self), .tensor(a), .tensor(b))
    }

    /// `value` where `mask` is true, broadcasting the mask.
    public func filled(where mask: Tensor, _ value: Double) -> Tensor {
        Operator.maskedFill(.tensor(self), .tensor(mask), .double(value))
    }

    /// The matrix product over the last two dimensions, broadcasting the others.
    public func matmul(_ other: Tensor) -> Tensor {
        Operator.matmul(.tensor(self), .tensor(other))
    }

    /// The products of two batches of matrices, [B, M, K] by [B, K, N].
    public func batchedMatmul(_ other: Tensor) -> Tensor {
        Operator.bmm(.tensor(self), .tensor(other))
    }

    /// beta · self + alpha · (a · b) for batches of matrices, [B, M, N].
    public func addingBatchedMatmul(
        _ a: Tensor, _ b: Tensor, beta: Double = 1, alpha: Double = 1
    ) -> Tensor {
        Operator.baddbmm(.tensor(self), .tensor(a), .tensor(b), .double(beta), .double(alpha))
    }
}
