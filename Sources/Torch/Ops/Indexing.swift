extension Operator {
    fileprivate static let indexSelect = Operator("aten::index_select")
    fileprivate static let gather = Operator("aten::gather")
    fileprivate static let index = Operator("aten::index", "Tensor")
    fileprivate static let indexPut = Operator("aten::index_put")
    fileprivate static let embedding = Operator("aten::embedding")
    fileprivate static let argmax = Operator("aten::argmax")
    fileprivate static let topk = Operator("aten::topk")
    fileprivate static let diagonal = Operator("aten::diagonal")
    fileprivate static let eye = Operator("aten::eye")
    fileprivate static let scatterAdd = Operator("aten::scatter_add")
}

extension Tensor {
    /// The entries of a dimension at the positions in `index` [N], `int64`.
    public func indexSelect(_ dimension: Int, _ index: Tensor) -> Tensor {
        Operator.indexSelect(.tensor(self), .int(dimension), .tensor(index))
    }

    /// For every position of `index` the element of this tensor at that entry of `dimension`.
    public func gather(_ dimension: Int, _ index: Tensor) -> Tensor {
        Operator.gather(.tensor(self), .int(dimension), .tensor(index))
    }

    /// Indexes the leading dimensions with tensors of positions; nil keeps a dimension.
    public func indexed(_ indices: [Tensor?]) -> Tensor {
        Operator.index(.tensor(self), .indices(indices))
    }

    /// A copy in which the positions `indices` hold `values`.
    public func replacing(_ indices: [Tensor?], with values: Tensor) -> Tensor {
        Operator.indexPut(.tensor(self), .indices(indices), .tensor(values))
    }

    /// A copy to which `source` is added at the positions `index` of `dimension`.
    public func scatterAdding(_ dimension: Int, _ index: Tensor, _ source: Tensor) -> Tensor {
        Operator.scatterAdd(.tensor(self), .int(dimension), .tensor(index), .tensor(source))
    }

    /// The entries with equal positions in two dimensions, moved to a new last dimension.
    public func diagonal(_ first: Int, _ second: Int) -> Tensor {
        Operator.diagonal(.tensor(self), .int(0), .int(first), .int(second))
    }

    /// Ones on the diagonal of a square matrix, zeros elsewhere.
    public static func identity(
        _ width: Int, dtype: DType = .float32, device: Device = .cpu
    ) -> Tensor {
        Operator.eye(.int(width), .dtype(dtype), .none, .device(device))
    }

    /// The rows of this table [V, D] named by `ids`, of shape ids.shape + [D].
    public func embedding(_ ids: Tensor) -> Tensor {
        Operator.embedding(.tensor(self), .tensor(ids))
    }

    /// The position of the largest element of a dimension, `int64`.
    public func argmax(_ dimension: Int) -> Tensor {
        Operator.argmax(.tensor(self), .int(dimension))
    }

    /// The `count` largest elements of a dimension, the largest first, and their positions, `int64`.
    public func largest(_ count: Int, _ dimension: Int) -> (values: Tensor, indices: Tensor) {
        let results = Operator.topk.all(
            .tensor(self), .int(count), .int(dimension), .bool(true), .bool(true), count: 2)
        return (results[0], results[1])
    }
}
