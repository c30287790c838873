import Torch

/// Multi-head self-attention without position information (`Wav2Vec2Attention`), or with a gated
/// bias that depends on positions (`WavLMAttention`).
struct SelfAttention {
    private let query, key, value, output: Linear
    private let gate: PositionGate?
    private let heads: Int
    private let dropout: Double

    /// * `gatesBias`: whether a position bias comes with every call.
    init(
        _ scope: ParameterScope, width: Int, heads: Int, dropout: Double, keyHasBias: Bool,
        gatesBias: Bool, initializer: Initializer
    ) {
        query = Linear(scope["q_proj"], width, width, initializer: initializer)
        key = Linear(scope["k_proj"], width, width, bias: keyHasBias, initializer: initializer)
        value = Linear(scope["v_proj"], width, width, initializer: initializer)
        output = Linear(scope["out_proj"], width, width, initializer: initializer)
        gate = gatesBias ? PositionGate(scope, width: width, heads: heads, initializer) : nil
        self.heads = heads
        self.dropout = dropout
    }

    /// [B, T, D] to [B, T, D].
    ///
    /// * `bias`: [n, T, T], needed where the bias is gated.
    func callAsFunction(
        _ x: Tensor, _ mask: AttentionMask?, bias: Tensor?, isTraining: Bool
    ) -> Tensor {
        let q = query(x).splitHeads(heads)
        let k = key(x).splitHeads(heads)
        let v = value(x).splitHeads(heads)
        guard gate != nil || isTraining && dropout > 0 else {
            return output(q.attention(key: k, value: v, mask: mask?.keys).mergeHeads())
        }
        let scale = 1 / Double(q.size(-1)).squareRoot()
        var scores = (q * scale).matmul(k.transpose(2, 3))  // [B, n, T, T]
        if let gate, let bias { scores = scores + gate(x) * bias }
        if let mask { scores = scores + mask.scoreBias(scores.dtype) }
        var weights = scores.softmax(-1)
        if isTraining { weights = weights.dropout(dropout) }
        return output(weights.matmul(v).mergeHeads())
    }
}
