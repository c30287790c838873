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
    /// * `bias`: needed where it is gated.
    func callAsFunction(
        _ x: Tensor, _ mask: AttentionMask?, bias: BiasRows?, isTraining: Bool
    ) -> Tensor {
        let q = query(x).splitHeads(heads)
        let k = key(x).splitHeads(heads)
        let v = value(x).splitHeads(heads)
        let gates = gate.map { $0(x) }  // [B, n, T, 1]
        let mixed: Tensor
        if isTraining && (gate != nil || dropout > 0) {
            mixed = recorded(q, k, v, mask, gates, bias)
        } else if let gates, let bias {
            mixed = biased(q, k, v, mask, gates, bias)
        } else {
            mixed = q.attention(key: k, value: v, mask: mask?.keys)
        }
        return output(mixed.mergeHeads())
    }

    /// Attention step by step: with a bias that has a gradient, or with dropout, the fused kernel is
    /// no faster.
    private func recorded(
        _ q: Tensor, _ k: Tensor, _ v: Tensor, _ mask: AttentionMask?, _ gates: Tensor?,
        _ bias: BiasRows?
    ) -> Tensor {
        let scale = 1 / Double(q.size(-1)).squareRoot()
        var scores = (q * scale).matmul(k.transpose(2, 3))  // [B, n, T, T]
        if let gates, let bias { scores = scores + gates * bias(0..<q.size(2)) }
        if let mask { scores = scores + mask.scoreBias(scores.dtype) }
        return scores.softmax(-1).dropout(dropout).matmul(v)
    }

    /// Attention with the gated bias by the fused kernel, which takes it as a mask, for some queries at
    /// a time.
    private func biased(
        _ q: Tensor, _ k: Tensor, _ v: Tensor, _ mask: AttentionMask?, _ gates: Tensor,
        _ bias: BiasRows
    ) -> Tensor {
        let frames = q.size(2)
        let rows = QueryBlocks.rows(
            batch: q.size(0), heads: heads, frames: frames, dtype: q.dtype, isTraining: false)
        let keyBias = mask?.scoreBias(q.dtype)
        let parts = stride(from: 0, to: frames, by: rows).map { first in
            let count = min(rows, frames - first)
            var added = gates.narrow(2, first, count) * bias(first..<first + count)
            if let keyBias { added = added + keyBias }
            return q.narrow(2, first, count).attention(key: k, value: v, mask: added)
        }
        return parts.count == 1 ? parts[0] : .concatenate(parts, 2)
    }
}
