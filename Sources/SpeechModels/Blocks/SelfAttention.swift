import Torch

/// Multi-head self-attention without position information (`Wav2Vec2Attention`), or with a gated
/// bias that depends on positions (`WavLMAttention`).
struct SelfAttention {
    /// Nil where another layer's are used.
    private let query, key: Linear?
    private let value, output: Linear
    private let gate: PositionGate?
    private let heads: Int
    private let dropout: Double
    /// Whether this layer's probabilities are used by another one, or another's by this.
    private let isShared: Bool

    init(_ scope: ParameterScope, _ shape: TransformerShape) {
        let (width, initializer) = (shape.width, shape.initializer)
        let inner = shape.heads * shape.headWidth
        if shape.reusesAttention {
            query = nil
            key = nil
        } else {
            query = Linear(scope["q_proj"], width, inner, initializer: initializer)
            key = Linear(
                scope["k_proj"], width, inner, bias: shape.names.keyHasBias,
                initializer: initializer)
        }
        value = Linear(scope["v_proj"], width, inner, initializer: initializer)
        output = Linear(scope["out_proj"], inner, width, initializer: initializer)
        gate =
            shape.gatesBias && !shape.reusesAttention
            ? PositionGate(
                scope, width: width, heads: shape.allHeads, kept: shape.keptHeads, initializer)
            : nil
        heads = shape.heads
        dropout = shape.attentionDropout
        isShared = shape.reusesAttention || shape.sharesAttention
    }

    /// [B, T, D] to [B, T, D].
    ///
    /// * `bias`: needed where it is gated.
    /// * `map`: of the last layer that had one; this layer's afterwards, where another needs it.
    /// * `gates`: what heads are multiplied by.
    func callAsFunction(
        _ x: Tensor, _ mask: AttentionMask?, bias: BiasRows?, map: inout AttentionMap?,
        gates: Tensor?, isTraining: Bool
    ) -> Tensor {
        let own: AttentionMap
        if let query, let key {
            own = AttentionMap(
                query: query(x).splitHeads(heads), key: key(x).splitHeads(heads),
                gates: gate.map { $0(x) }, bias: gate == nil ? nil : bias,
                keptHeads: gate?.keptHeads(x.device), mask: mask)
            if isShared { map = own }
        } else {
            own = map!
        }
        let v = value(x).splitHeads(heads)
        // With a bias that has a gradient, or with dropout, the fused kernel is no faster, and what
        // several layers use is to be computed once.
        let isRecorded = isTraining && (own.gates != nil || dropout > 0 || isShared)
        let mixed =
            isRecorded ? own.probabilities.dropout(dropout).matmul(v) : own.attend(to: v)
        return output(mixed.gatedHeads(gates).mergeHeads())
    }
}
