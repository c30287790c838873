extension Operator {
    fileprivate static let full = Operator("aten::full")
    fileprivate static let empty = Operator("aten::empty", "memory_format")
    fileprivate static let arange = Operator("aten::arange", "start_step")
    fileprivate static let fillUniform = Operator("aten::uniform_")
    fileprivate static let fillNormal = Operator("aten::normal_")
    fileprivate static let fill = Operator("aten::fill_", "Scalar")
    fileprivate static let copy = Operator("aten::copy_")
    fileprivate static let clone = Operator("aten::clone")
    fileprivate static let convert = Operator("aten::_to_copy")
    fileprivate static let fullLike = Operator("aten::full_like")
}

extension Tensor {
    /// A tensor whose elements are all `value`.
    public static func full(
        _ shape: [Int], _ value: Double, dtype: DType = .float32, device: Device = .cpu
    ) -> Tensor {
        Operator.full(
            .ints(shape), .double(value), .dtype(dtype), .none, .device(device))
    }

    /// A tensor of zeros.
    public static func zeros(
        _ shape: [Int], dtype: DType = .float32, device: Device = .cpu
    ) -> Tensor {
        full(shape, 0, dtype: dtype, device: device)
    }

    /// A tensor of ones.
    public static func ones(
        _ shape: [Int], dtype: DType = .float32, device: Device = .cpu
    ) -> Tensor {
        full(shape, 1, dtype: dtype, device: device)
    }

    /// Zeros of this tensor's shape, type and device.
    public func zerosLike() -> Tensor { Operator.fullLike(.tensor(self), .double(0)) }

    /// A tensor with unset values.
    public static func empty(
        _ shape: [Int], dtype: DType = .float32, device: Device = .cpu
    ) -> Tensor {
        Operator.empty(.ints(shape), .dtype(dtype), .none, .device(device))
    }

    /// The integers from `start` up to, not including, `end`.
    public static func arange(
        _ start: Int = 0, _ end: Int, step: Int = 1, dtype: DType = .int64, device: Device = .cpu
    ) -> Tensor {
        Operator.arange(
            .int(start), .int(end), .int(step), .dtype(dtype), .none, .device(device))
    }

    /// Independent samples of the uniform distribution on [low, high).
    public static func uniform(
        _ shape: [Int], from low: Double = 0, to high: Double = 1, dtype: DType = .float32,
        generator: RandomGenerator
    ) -> Tensor {
        let result = empty(shape, dtype: dtype)
        Operator.fillUniform.run(
            .tensor(result), .double(low), .double(high), .generator(generator))
        return result
    }

    /// Independent samples of a normal distribution.
    public static func normal(
        _ shape: [Int], mean: Double = 0, standardDeviation: Double = 1, dtype: DType = .float32,
        generator: RandomGenerator
    ) -> Tensor {
        let result = empty(shape, dtype: dtype)
        Operator.fillNormal.run(
            .tensor(result), .double(mean), .double(standardDeviation), .generator(generator))
        return result
    }

    /// This tensor in another element type; itself if it has that type already.
    public func to(_ dtype: DType) -> Tensor {
        if dtype == self.dtype { return self }
        return Operator.convert(.tensor(self), .dtype(dtype))
    }

    /// This tensor on another device; itself if it is there already.
    public func to(_ device: Device) -> Tensor {
        if device == self.device { return self }
        return Operator.convert(.tensor(self), .none, .none, .device(device))
    }

    /// A copy with memory of its own.
    public func copied() -> Tensor { Operator.clone(.tensor(self)) }

    /// Overwrites this tensor's values, converting type and device, broadcasting the shape.
    public func assign(_ other: Tensor) {
        Operator.copy.run(.tensor(self), .tensor(other))
    }

    /// Overwrites every element.
    public func fill(_ value: Double) {
        Operator.fill.run(.tensor(self), .double(value))
    }
}
