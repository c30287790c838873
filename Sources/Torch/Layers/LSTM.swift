extension Operator {
    fileprivate static let pack = Operator("aten::_pack_padded_sequence")
    fileprivate static let unpack = Operator("aten::_pad_packed_sequence")
    fileprivate static let lstm = Operator("aten::lstm", "data")
}

/// Several layers of long short-term memory that read every clip in both directions
/// (`torch.nn.LSTM` with `bidirectional=True`, on packed sequences).
public struct BidirectionalLSTM {
    private let weights: [Tensor]
    private let layers: Int
    private let width: Int
    private let dropout: Double

    /// Parameters are named as PyTorch names them: `weight_ih_l0`, `bias_hh_l1_reverse`, …; first
    /// values are uniform within ±1/√width.
    ///
    /// * `width`: of the state of each direction.
    /// * `dropout`: between layers, in training.
    public init(
        _ scope: ParameterScope, _ inputs: Int, width: Int, layers: Int, dropout: Double = 0
    ) {
        let initializer = Initializer.uniform(fanIn: width)
        var weights: [Tensor] = []
        for layer in 0..<layers {
            for direction in ["", "_reverse"] {
                let from = layer == 0 ? inputs : 2 * width
                for (name, shape) in [
                    ("weight_ih", [4 * width, from]), ("weight_hh", [4 * width, width]),
                    ("bias_ih", [4 * width]), ("bias_hh", [4 * width]),
                ] {
                    weights.append(
                        scope.parameter("\(name)_l\(layer)\(direction)", shape, initializer))
                }
            }
        }
        self.weights = weights
        self.layers = layers
        self.width = width
        self.dropout = dropout
    }

    /// [B, T, I] to [B, T, 2 · width], with zeros behind the frames of a clip.
    ///
    /// * `lengths`: the frames of each clip, at least 1; the backward direction starts at the last
    ///   one.
    public func callAsFunction(_ x: Tensor, lengths: [Int], isTraining: Bool) -> Tensor {
        // Packing takes the longest clip first.
        let order = lengths.indices.sorted { (-lengths[$0], $0) < (-lengths[$1], $1) }
        func index(_ positions: [Int]) -> Tensor {
            Tensor(positions.map { Int64($0) }, [positions.count], device: x.device)
        }
        let packed = Operator.pack.all(
            .tensor(x.indexSelect(0, index(order))),
            .tensor(Tensor(order.map { Int64(lengths[$0]) }, [order.count])), .bool(true),
            count: 2)
        let state = Tensor.zeros(
            [2 * layers, lengths.count, width], dtype: x.dtype, device: x.device)
        let output = Operator.lstm.all(
            .tensor(packed[0]), .tensor(packed[1]), .tensors([state, state]),
            .tensors(weights.map { $0.to(x.dtype) }), .bool(true), .int(layers),
            .double(isTraining ? dropout : 0), .bool(isTraining), .bool(true), count: 3)[0]
        let padded = Operator.unpack.all(
            .tensor(output), .tensor(packed[1]), .bool(true), .double(0), .int(x.size(1)),
            count: 2)[0]
        var places = Array(repeating: 0, count: order.count)
        for (place, clip) in order.enumerated() { places[clip] = place }
        return padded.indexSelect(0, index(places))
    }
}
