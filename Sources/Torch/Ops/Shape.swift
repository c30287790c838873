extension Operator {
    fileprivate static let reshape = Operator("aten::reshape")
    fileprivate static let transpose = Operator("aten::transpose", "int")
    fileprivate static let permute = Operator("aten::permute")
    fileprivate static let unsqueeze = Operator("aten::unsqueeze")
    fileprivate static let squeeze = Operator("aten::squeeze", "dim")
    fileprivate static let expand = Operator("aten::expand")
    fileprivate static let flatten = Operator("aten::flatten", "using_ints")
    fileprivate static let unflatten = Operator("aten::unflatten", "int")
    fileprivate static let concatenate = Operator("aten::cat")
    fileprivate static let stack = Operator("aten::stack")
    fileprivate static let chunk = Operator("aten::chunk")
    fileprivate static let split = Operator("aten::split_with_sizes")
    fileprivate static let narrow = Operator("aten::narrow")
    fileprivate static let slice = Operator("aten::slice", "Tensor")
    fileprivate static let select = Operator("aten::select", "int")
    fileprivate static let contiguous = Operator("aten::contiguous")
    fileprivate static let pad = Operator("aten::constant_pad_nd")
    fileprivate static let flip = Operator("aten::flip")
}

extension Tensor {
    /// The same elements in another shape; one length may be -1.
    public func reshape(_ shape: [Int]) -> Tensor {
        Operator.reshape(.tensor(self), .ints(shape))
    }

    /// Exchanges two dimensions.
    public func transpose(_ a: Int, _ b: Int) -> Tensor {
        Operator.transpose(.tensor(self), .int(a), .int(b))
    }

    /// Reorders the dimensions.
    public func permute(_ order: [Int]) -> Tensor {
        Operator.permute(.tensor(self), .ints(order))
    }

    /// Inserts a dimension of length 1.
    public func unsqueeze(_ dimension: Int) -> Tensor {
        Operator.unsqueeze(.tensor(self), .int(dimension))
    }

    /// Removes a dimension of length 1.
    public func squeeze(_ dimension: Int) -> Tensor {
        Operator.squeeze(.tensor(self), .int(dimension))
    }

    /// Repeats dimensions of length 1 without copying; -1 keeps a length.
    public func expand(_ shape: [Int]) -> Tensor {
        Operator.expand(.tensor(self), .ints(shape))
    }

    /// Merges the dimensions from `start` to `end`, both included.
    public func flatten(_ start: Int, _ end: Int) -> Tensor {
        Operator.flatten(.tensor(self), .int(start), .int(end))
    }

    /// Splits one dimension into several; one length may be -1.
    public func unflatten(_ dimension: Int, _ lengths: [Int]) -> Tensor {
        Operator.unflatten(.tensor(self), .int(dimension), .ints(lengths))
    }

    /// Joins tensors along an existing dimension.
    public static func concatenate(_ tensors: [Tensor], _ dimension: Int) -> Tensor {
        Operator.concatenate(.tensors(tensors), .int(dimension))
    }

    /// Joins tensors along a new dimension.
    public static func stack(_ tensors: [Tensor], _ dimension: Int = 0) -> Tensor {
        Operator.stack(.tensors(tensors), .int(dimension))
    }

    /// Cuts a dimension into `count` equal parts.
    public func chunk(_ count: Int, _ dimension: Int) -> [Tensor] {
        Operator.chunk.all(.tensor(self), .int(count), .int(dimension), count: count)
    }

    /// Cuts a dimension into parts of the given lengths.
    public func split(_ lengths: [Int], _ dimension: Int) -> [Tensor] {
        Operator.split.all(
            .tensor(self), .ints(lengths), .int(dimension), count: lengths.count)
    }

    /// `length` entries of a dimension, from `start` on.
    public func narrow(_ dimension: Int, _ start: Int, _ length: Int) -> Tensor {
        Operator.narrow(.tensor(self), .int(dimension), .int(start), .int(length))
    }

    /// Every `step`-th entry of a dimension from `start` up to, not including, `end`.
    public func slice(_ dimension: Int, _ start: Int, _ end: Int, step: Int = 1) -> Tensor {
        Operator.slice(.tensor(self), .int(dimension), .int(start), .int(end), .int(step))
    }

    /// One entry of a dimension; the dimension goes away.
    public func select(_ dimension: Int, _ index: Int) -> Tensor {
        Operator.select(.tensor(self), .int(dimension), .int(index))
    }

    /// This tensor in row-major order; itself if it is already.
    public func contiguous() -> Tensor { Operator.contiguous(.tensor(self)) }

    /// Adds constant entries, given as (before, after) of the last dimension, then of the one
    /// before it, and so on.
    public func padded(_ amounts: [Int], value: Double = 0) -> Tensor {
        Operator.pad(.tensor(self), .ints(amounts), .double(value))
    }

    /// Reverses the order of a dimension.
    public func flipped(_ dimension: Int) -> Tensor {
        Operator.flip(.tensor(self), .ints([dimension]))
    }
}
