extension Operator {
    fileprivate static let sum = Operator("aten::sum", "dim_IntList")
    fileprivate static let sumAll = Operator("aten::sum")
    fileprivate static let mean = Operator("aten::mean", "dim")
    fileprivate static let meanAll = Operator("aten::mean")
    fileprivate static let amax = Operator("aten::amax")
    fileprivate static let logSumExp = Operator("aten::logsumexp")
    fileprivate static let variance = Operator("aten::var", "correction")
    fileprivate static let norm = Operator("aten::linalg_vector_norm")
    fileprivate static let minMax = Operator("aten::aminmax")
    fileprivate static let foreachNorm = Operator("aten::_foreach_norm", "Scalar")
    fileprivate static let foreachMultiply = Operator("aten::_foreach_mul_", "Scalar")
    fileprivate static let foreachAdd = Operator("aten::_foreach_add_", "List")
}

extension Tensor {
    /// The sum over all elements.
    public func sum() -> Tensor { Operator.sumAll(.tensor(self)) }

    /// The sum over some dimensions.
    public func sum(_ dimensions: [Int], keepDimensions: Bool = false) -> Tensor {
        Operator.sum(.tensor(self), .ints(dimensions), .bool(keepDimensions))
    }

    /// The mean over all elements.
    public func mean() -> Tensor { Operator.meanAll(.tensor(self)) }

    /// The mean over some dimensions.
    public func mean(_ dimensions: [Int], keepDimensions: Bool = false) -> Tensor {
        Operator.mean(.tensor(self), .ints(dimensions), .bool(keepDimensions))
    }

    /// The variance over some dimensions, divided by count − correction.
    public func variance(
        _ dimensions: [Int], correction: Int, keepDimensions: Bool = false
    ) -> Tensor {
        Operator.variance(
            .tensor(self), .ints(dimensions), .int(correction), .bool(keepDimensions))
    }

    /// The largest element over some dimensions.
    public func max(_ dimensions: [Int], keepDimensions: Bool = false) -> Tensor {
        Operator.amax(.tensor(self), .ints(dimensions), .bool(keepDimensions))
    }

    /// log Σ exp over some dimensions, shifted by the maximum.
    public func logSumExp(_ dimensions: [Int], keepDimensions: Bool = false) -> Tensor {
        Operator.logSumExp(.tensor(self), .ints(dimensions), .bool(keepDimensions))
    }

    /// The Euclidean norm over some dimensions.
    public func norm(_ dimensions: [Int], keepDimensions: Bool = false) -> Tensor {
        Operator.norm(
            .tensor(self), .int(2), .ints(dimensions), .bool(keepDimensions))
    }

    /// Whether no element is infinite or NaN, in one pass and without memory of its own.
    public func isAllFinite() -> Bool {
        if count == 0 { return true }
        // NaN is its own minimum and maximum.
        return Operator.minMax.all(.tensor(self), count: 2).allSatisfy { $0.item().isFinite }
    }

    /// The Euclidean norm of each tensor, in one call.
    public static func norms(_ tensors: [Tensor]) -> [Tensor] {
        Operator.foreachNorm.all(.tensors(tensors), .int(2), count: tensors.count)
    }

    /// Multiplies the values of each tensor, in one call.
    public static func multiplyInPlace(_ tensors: [Tensor], _ factor: Double) {
        Operator.foreachMultiply.run(.tensors(tensors), .double(factor))
    }

    /// Adds scale · others to the values of each tensor, in one call.
    public static func addInPlace(_ tensors: [Tensor], _ others: [Tensor], scale: Double = 1) {
        Operator.foreachAdd.run(.tensors(tensors), .tensors(others), .double(scale))
    }
}
