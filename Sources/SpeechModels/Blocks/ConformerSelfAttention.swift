import Torch

/// Self-attention of a conformer layer with any of its position embeddings
/// (`Wav2Vec2BertSelfAttention`, `Wav2Vec2ConformerSelfAttention`).
struct ConformerSelfAttention {
    /// What the layers need to know.
    struct Shape {
        var width: Int
        var heads: Int
        /// Of each; width / heads where nothing is said.
        var headWidth: Int?
        var dropout: Double
        var positions: PositionEmbeddings?
        var left = 0
        var right = 0
        /// Radians from one frame to the next, for rotary positions, which turn the layer's input: as
        /// many as half a head of the unpruned encoder has values.
        var rotaryFrequencies: [Float] = []
    }

    private enum Position {
        case none
        case relativeKey(Embedding)
        case relative(projection: Linear, contentBias: Tensor, distanceBias: Tensor)
        case rotary
    }

    private let query, key, value, output: Linear
    private let position: Position
    private let shape: Shape

    init(_ scope: ParameterScope, _ shape: Shape) {
        let width = shape.width
        let headWidth = shape.headWidth ?? width / shape.heads
        let inner = shape.heads * headWidth
        query = Linear(scope["linear_q"], width, inner)
        key = Linear(scope["linear_k"], width, inner)
        value = Linear(scope["linear_v"], width, inner)
        output = Linear(scope["linear_out"], inner, width)
        switch shape.positions {
        case .relativeKey:
            let count = shape.left + shape.right + 1
            position = .relativeKey(
                Embedding(
                    scope["distance_embedding"], count: count, width: headWidth,
                    initializer: .xavierUniform(fanIn: count, fanOut: headWidth)))
        case .relative:
            let glorot = Initializer.xavierUniform(fanIn: headWidth, fanOut: shape.heads)
            position = .relative(
                projection: Linear(scope["linear_pos"], width, inner, bias: false),
                contentBias: scope.parameter("pos_bias_u", [shape.heads, headWidth], glorot),
                distanceBias: scope.parameter("pos_bias_v", [shape.heads, headWidth], glorot))
        case .rotary: position = .rotary
        case nil: position = .none
        }
        self.shape = shape
    }

    /// [B, T, D] to [B, T, D].
    ///
    /// * `gates`: what heads are multiplied by.
    func callAsFunction(
        _ x: Tensor, _ mask: AttentionMask?, gates: Tensor? = nil, isTraining: Bool
    ) -> Tensor {
        let heads = shape.heads
        let scale = 1 / Double(shape.headWidth ?? shape.width / heads).squareRoot()
        var rotatedInput = x
        if case .rotary = position {
            rotatedInput = DistanceScores.rotated(
                x.unflatten(2, [-1, 2 * shape.rotaryFrequencies.count]),
                frequencies: shape.rotaryFrequencies
            ).flatten(2, 3)
        }
        let q = (query(rotatedInput) * scale).splitHeads(heads)  // [B, n, T, d]
        let k = key(rotatedInput).splitHeads(heads).flatten(0, 1)  // [B·n, T, d]
        let v = value(x).splitHeads(heads).flatten(0, 1)
        let scoreBias = mask?.scoreBias(x.dtype)
        let frames = x.size(1)
        let rows = QueryBlocks.rows(
            batch: x.size(0), heads: heads, frames: frames, dtype: x.dtype, isTraining: isTraining)
        func attended(_ first: Int, _ block: Tensor) -> Tensor {
            var scores = scores(of: block, firstQuery: first, k, scale: scale)
            if let scoreBias {
                // Queries of a block have rows of their own where attention goes by chunks.
                let bias =
                    scoreBias.size(2) == 1 ? scoreBias : scoreBias.narrow(2, first, block.size(2))
                scores = (scores.unflatten(0, [-1, heads]) + bias).flatten(0, 1)
            }
            var weights = scores.softmax(-1)
            if isTraining { weights = weights.dropout(shape.dropout) }
            return weights.batchedMatmul(v)  // [B·n, Q, d]
        }
        let mixed: Tensor
        if rows == frames {
            mixed = attended(0, q)
        } else {
            // Results of blocks between the scores of blocks would leave gaps that nothing fills.
            mixed = Tensor.empty(v.shape, dtype: v.dtype, device: v.device)
            for first in stride(from: 0, to: frames, by: rows) {
                let count = min(rows, frames - first)
                mixed.narrow(1, first, count).assign(attended(first, q.narrow(2, first, count)))
            }
        }
        return output(mixed.unflatten(0, [-1, heads]).gatedHeads(gates).mergeHeads())
    }

    /// Scores of some queries [B, n, Q, d], already scaled, against all keys: [B·n, Q, T].
    private func scores(
        of q: Tensor, firstQuery: Int, _ k: Tensor, scale: Double
    ) -> Tensor {
        let keys = k.transpose(1, 2)  // [B·n, d, T]
        let frames = k.size(1)
        switch position {
        case .none, .rotary:
            return q.flatten(0, 1).batchedMatmul(keys)
        case .relativeKey(let embedding):
            let q = q.flatten(0, 1)
            let clipped = q.matmul(embedding.weight.to(q.dtype).transpose(0, 1))
            let byDistance = DistanceScores.spread(
                clipped, firstQuery: firstQuery, keys: frames, left: shape.left,
                right: shape.right)
            return DistanceScores.byKey(byDistance, keys: frames).addingBatchedMatmul(q, keys)
        case .relative(let projection, let contentBias, let distanceBias):
            let queries = q.size(2)
            let sinusoids = DistanceScores.sinusoids(frames: frames, width: shape.width)
                .to(q.device).to(q.dtype)
                .narrow(0, frames - firstQuery - queries, frames + queries - 1)
            let positions = projection(sinusoids)
                .unflatten(1, [shape.heads, -1]).permute([1, 2, 0])  // [n, d, T + Q − 1]
            let biased = q + (distanceBias.to(q.dtype) * scale).unsqueeze(1)
            let byDistance = biased.matmul(positions).flatten(0, 1)
            let content = q + (contentBias.to(q.dtype) * scale).unsqueeze(1)
            return DistanceScores.byKey(byDistance, keys: frames)
                .addingBatchedMatmul(content.flatten(0, 1), keys)
        }
    }
}
