import Torch

/// Multi-head self-attention without position information (`Wav2Vec2Attention`).
struct SelfAttention {
    private let query, key, value, output: Linear
    private let heads: Int
    private let dropout: Double

    /// - Parameter names: what the four projections are called, in the order query, key, value,
    ///   output.
    init(
        _ scope: ParameterScope, width: Int, heads: Int, dropout: Double = 0,
        names: [String] = ["q_proj", "k_proj", "v_proj", "out_proj"],
        initializer: Initializer = .normal(standardDeviation: 0.02)
    ) {
        query = Linear(scope[names[0]], width, width, initializer: initializer)
        key = Linear(scope[names[1]], width, width, initializer: initializer)
        value = Linear(scope[names[2]], width, width, initializer: initializer)
        output = Linear(scope[names[3]], width, width, initializer: initializer)
        self.heads = heads
        self.dropout = dropout
    }

    /// [B, T, D] to [B, T, D].
    func callAsFunction(_ x: Tensor, _ mask: AttentionMask?, isTraining: Bool) -> Tensor {
        let q = query(x).splitHeads(heads)
        let k = key(x).splitHeads(heads)
        let v = value(x).splitHeads(heads)
        guard isTraining && dropout > 0 else {
            return output(q.attention(key: k, value: v, mask: mask?.keys).mergeHeads())
        }
        let scale = 1 / Double(q.size(-1)).squareRoot()
        var scores = (q * scale).matmul(k.transpose(2, 3))  // [B, n, T, T]
        if let mask { scores = scores + mask.scoreBias(scores.dtype) }
        return output(scores.softmax(-1).dropout(dropout).matmul(v).mergeHeads())
    }
}
