import Torch

/// Attention with queries of a text and keys of the same text or of speech
/// (`M2M100Attention`, `MBartAttention`).
struct TextAttention {
    private let query, key, value, output: Linear
    private let heads: Int
    private let dropout: Double

    init(_ scope: ParameterScope, _ config: TextDecoderConfig) {
        func linear(_ name: String) -> Linear {
            Linear(
                scope[name], config.width, config.width,
                initializer: .normal(standardDeviation: config.initializerRange))
        }
        query = linear("q_proj")
        key = linear("k_proj")
        value = linear("v_proj")
        output = linear("out_proj")
        heads = config.headCount
        dropout = config.attentionDropout
    }

    /// [B, S, D] to keys and values, each [B, n, S, d].
    func keysAndValues(_ x: Tensor) -> (keys: Tensor, values: Tensor) {
        (key(x).splitHeads(heads), value(x).splitHeads(heads))
    }

    /// [R, L, D] to [R, L, D].
    ///
    /// * `keys`: [B, n, S, d]; B is R, or a B-th of the rows has the same keys, which are then not
    ///   repeated: their queries stand one behind the other.
    /// * `mask`: `bool`, broadcastable to [B, n, L, S]; true where a query sees a key.
    func callAsFunction(
        _ x: Tensor, keys: Tensor, values: Tensor, mask: Tensor?, isTraining: Bool
    ) -> Tensor {
        var queries = query(x).splitHeads(heads)  // [R, n, L, d]
        let (batch, rows, length) = (keys.size(0), x.size(0), x.size(1))
        let isShared = batch != rows
        if isShared {
            queries = queries.unflatten(0, [batch, rows / batch]).transpose(1, 2).flatten(2, 3)
        }
        var mixed: Tensor
        if isTraining && dropout > 0 {
            let scale = 1 / Double(queries.size(-1)).squareRoot()
            var scores = (queries * scale).matmul(keys.transpose(2, 3))
            if let mask { scores = scores.filled(where: mask.not(), -.infinity) }
            mixed = scores.softmax(-1).dropout(dropout).matmul(values)
        } else {
            mixed = queries.attention(key: keys, value: values, mask: mask)
        }
        if isShared {
            mixed = mixed.unflatten(2, [rows / batch, length]).transpose(1, 2).flatten(0, 1)
        }
        return output(mixed.mergeHeads())
    }
}

/// Attention to the text so far, attention to the speech and a feed-forward network, each behind a norm
/// (`M2M100DecoderLayer`, `MBartDecoderLayer`).
struct TextDecoderLayer {
    private let selfAttention, crossAttention: TextAttention
    private let selfNorm, crossNorm, feedForwardNorm: LayerNorm
    private let feedForward: FeedForward
    private let dropout: Double

    init(_ scope: ParameterScope, _ config: TextDecoderConfig) {
        func norm(_ name: String) -> LayerNorm {
            LayerNorm(scope[name], config.width, epsilon: 1e-5)
        }
        selfAttention = TextAttention(scope["self_attn"], config)
        selfNorm = norm("self_attn_layer_norm")
        crossAttention = TextAttention(scope["encoder_attn"], config)
        crossNorm = norm("encoder_attn_layer_norm")
        feedForward = FeedForward(
            scope, width: config.width, units: config.feedForwardWidth,
            activation: config.activation, activationDropout: config.activationDropout,
            dropout: config.dropout, names: ("fc1", "fc2"),
            initializer: .normal(standardDeviation: config.initializerRange))
        feedForwardNorm = norm("final_layer_norm")
        dropout = config.dropout
    }

    /// [R, L, D] to [R, L, D].
    ///
    /// * `causal`: which of the tokens so far each token sees; nil for all.
    /// * `cache`: of this layer; takes the keys and values of these tokens.
    func callAsFunction(
        _ x: Tensor, _ speech: EncodedSpeech, causal: Tensor?, cache: inout DecoderCache.Layer,
        isTraining: Bool
    ) -> Tensor {
        func dropped(_ x: Tensor) -> Tensor { isTraining ? x.dropout(dropout) : x }
        let own = selfNorm(x)
        let (keys, values) = cache.appending(selfAttention.keysAndValues(own))
        var x =
            x
            + dropped(
                selfAttention(
                    own, keys: keys, values: values, mask: causal, isTraining: isTraining))
        let (heardKeys, heardValues) = cache.heard {
            crossAttention.keysAndValues(speech.states.to(x.dtype))
        }
        x =
            x
            + dropped(
                crossAttention(
                    crossNorm(x), keys: heardKeys, values: heardValues, mask: speech.mask,
                    isTraining: isTraining))
        return x + feedForward(feedForwardNorm(x), isTraining: isTraining)
    }
}
