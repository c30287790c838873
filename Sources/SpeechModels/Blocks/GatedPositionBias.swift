import Foundation
import Torch

/// What attention scores of WavLM depend on besides content: one learned value for every head and
/// range of distances, shared by all layers (WavLM, section 3.1; `WavLMAttention.compute_bias`).
package struct PositionBias {
    private let table: Embedding
    private let buckets: Int
    private let maxDistance: Int

    /// * `scope`: the attention of the first layer, which owns the table.
    init(_ scope: ParameterScope, heads: Int, buckets: Int, maxDistance: Int, _ first: Initializer)
    {
        table = Embedding(
            scope["rel_attn_embed"], count: buckets, width: heads, initializer: first)
        self.buckets = buckets
        self.maxDistance = maxDistance
    }

    /// The biases of `frames` queries and as many keys.
    func callAsFunction(frames: Int, _ dtype: DType) -> BiasRows {
        let ids = (1 - frames..<frames).map {
            Int64(Self.bucket(of: $0, count: buckets, maxDistance: maxDistance))
        }
        let byDistance = table(Tensor(ids, [ids.count], device: table.weight.device))
            .to(dtype).transpose(0, 1)
        return BiasRows(byDistance: byDistance, frames: frames)
    }

    /// The range that a distance key − query falls in: half of them for each sign; of those, half
    /// stand for one distance each, the rest widen like logarithms up to `maxDistance`.
    ///
    /// In float32, as the reference computes it, for the borders of the ranges depend on it.
    package static func bucket(of distance: Int, count: Int, maxDistance: Int) -> Int {
        let half = count / 2
        let exact = half / 2
        let offset = distance > 0 ? half : 0
        let size = abs(distance)
        if size < exact { return offset + size }
        let logarithm = logf(Float(size) / Float(exact))
        let scale = Float(log(Double(maxDistance) / Double(exact)))
        let wide = Float(exact) + logarithm / scale * Float(half - exact)
        // Compared before it is converted: far distances may not fit into an integer.
        return offset + (wide < Float(half - 1) ? Int(wide) : half - 1)
    }
}

/// The position bias of one input, laid out by query and key for as many queries as are wanted.
final class BiasRows {
    /// [n, 2 T − 1] for the distances key − query from −(T − 1) to T − 1.
    private let byDistance: Tensor
    private let frames: Int
    /// Of all queries, which all layers share.
    private lazy var all = layOut(0..<frames)

    init(byDistance: Tensor, frames: Int) {
        self.byDistance = byDistance
        self.frames = frames
    }

    /// [n, Q, T].
    func callAsFunction(_ queries: Range<Int>) -> Tensor {
        queries.count == frames ? all : layOut(queries)
    }

    private func layOut(_ queries: Range<Int>) -> Tensor {
        let distances = byDistance.narrow(
            1, frames - queries.upperBound, frames + queries.count - 1)
        return DistanceScores.byKey(
            distances.unsqueeze(1).expand([-1, queries.count, -1]), keys: frames)
    }
}

/// How strongly a query of WavLM takes the position bias, from its own content.
struct PositionGate {
    private let projection: Linear
    private let scale: Tensor
    private let heads: Int
    private let kept: [Int]?

    /// * `heads`: of the unpruned encoder, which divide the width.
    /// * `kept`: those that the layer has; nil for all.
    init(
        _ scope: ParameterScope, width: Int, heads: Int, kept: [Int]?, _ first: Initializer
    ) {
        projection = Linear(
            scope["gru_rel_pos_linear"], width / heads, 8, initializer: first)
        scale = scope.parameter(
            "gru_rel_pos_const", [1, kept?.count ?? heads, 1, 1], .ones)
        self.heads = heads
        self.kept = kept?.count == heads ? nil : kept
    }

    /// The numbers of the heads, `int64` [n]; nil for all.
    func keptHeads(_ device: Device) -> Tensor? {
        kept.map { Tensor($0.map(Int64.init), [$0.count], device: device) }
    }

    /// The gates of queries made from `x` [B, T, D], [B, n, T, 1].
    func callAsFunction(_ x: Tensor) -> Tensor {
        var slices = x.splitHeads(heads)  // [B, n, T, D / n]
        if let kept = keptHeads(x.device) { slices = slices.indexSelect(1, kept) }
        let gates = projection(slices).unflatten(3, [2, 4]).sum([4]).sigmoid()
            .chunk(2, 3)
        return gates[0] * (gates[1] * scale.to(x.dtype) - 1.0) + 2.0
    }
}
