import Torch

/// Which frames a layer attends to and how much, for layers behind it that attend alike.
///
/// Queries and keys are kept rather than their products: where no gradient is recorded the fused
/// kernel takes them and long inputs need no memory for all pairs of frames. In training the products
/// are computed once for all layers.
final class AttentionMap {
    /// [B, n, T, d].
    let query: Tensor
    /// [B, n, T, d].
    let key: Tensor
    /// [B, n, T, 1]: what the position bias is multiplied by, where there is one.
    let gates: Tensor?
    /// [n, Q, T] for some queries.
    let bias: BiasRows?
    /// Which of the bias's heads these are, `int64` [n]; nil for all.
    let keptHeads: Tensor?
    private let mask: AttentionMask?

    init(
        query: Tensor, key: Tensor, gates: Tensor?, bias: BiasRows?, keptHeads: Tensor?,
        mask: AttentionMask?
    ) {
        self.query = query
        self.key = key
        self.gates = gates
        self.bias = bias
        self.keptHeads = keptHeads
        self.mask = mask
    }

    /// [B, n, T, T]: how much every query takes of every key, with history.
    private(set) lazy var probabilities: Tensor = {
        let scale = 1 / Double(query.size(-1)).squareRoot()
        var scores = (query * scale).matmul(key.transpose(2, 3))
        if let added = gatedBias(0..<query.size(2)) { scores = scores + added }
        if let mask { scores = scores + mask.scoreBias(scores.dtype) }
        return scores.softmax(-1)
    }()

    /// [B, n, T, d] of values [B, n, T, d], by the fused kernel.
    func attend(to values: Tensor) -> Tensor {
        guard gates != nil, bias != nil else {
            return query.attention(key: key, value: values, mask: mask?.keys)
        }
        // The kernel takes the gated bias as a mask, for some queries at a time.
        let frames = query.size(2)
        let rows = QueryBlocks.rows(
            batch: query.size(0), heads: query.size(1), frames: frames, dtype: query.dtype,
            isTraining: false)
        let keyBias = mask?.scoreBias(query.dtype)
        let parts = stride(from: 0, to: frames, by: rows).map { first in
            let count = min(rows, frames - first)
            var added = gatedBias(first..<first + count)!
            if let keyBias { added = added + keyBias }
            return query.narrow(2, first, count).attention(key: key, value: values, mask: added)
        }
        return parts.count == 1 ? parts[0] : .concatenate(parts, 2)
    }

    /// [B, n, Q, T] of some queries; nil without a bias.
    private func gatedBias(_ queries: Range<Int>) -> Tensor? {
        guard let gates, let bias else { return nil }
        let rows = bias(queries)
        return gates.narrow(2, queries.lowerBound, queries.count)
            * (keptHeads.map { rows.indexSelect(0, $0) } ?? rows)
    }
}
