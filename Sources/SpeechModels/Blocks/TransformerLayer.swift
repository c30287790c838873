import Torch

/// The shape of a Transformer layer as wav2vec 2.0 has it.
struct TransformerShape {
    var width: Int
    var heads: Int
    var feedForward: Int
    var activation: Activation
    var epsilon: Double
    /// Norm before attention and feed-forward network instead of behind them.
    var isPreNorm: Bool
    /// The width of the language adapter of MMS behind every layer.
    var adapterWidth: Int?
    var hiddenDropout: Double
    var attentionDropout: Double
    var activationDropout: Double
    var initializer: Initializer
}

/// Attention and a feed-forward network (`Wav2Vec2EncoderLayer` and
/// `Wav2Vec2EncoderLayerStableLayerNorm`).
struct TransformerLayer {
    private let attention: SelfAttention
    private let attentionNorm, feedForwardNorm: LayerNorm
    private let feedForward: FeedForward
    private let adapter: LanguageAdapter?
    private let shape: TransformerShape

    init(_ scope: ParameterScope, _ shape: TransformerShape) {
        attention = SelfAttention(
            scope["attention"], width: shape.width, heads: shape.heads,
            dropout: shape.attentionDropout, initializer: shape.initializer)
        attentionNorm = LayerNorm(scope["layer_norm"], shape.width, epsilon: shape.epsilon)
        feedForward = FeedForward(
            scope["feed_forward"], width: shape.width, units: shape.feedForward,
            activation: shape.activation, activationDropout: shape.activationDropout,
            dropout: shape.hiddenDropout, initializer: shape.initializer)
        feedForwardNorm = LayerNorm(
            scope["final_layer_norm"], shape.width, epsilon: shape.epsilon)
        adapter = shape.adapterWidth.map {
            LanguageAdapter(scope["adapter_layer"], width: shape.width, bottleneck: $0)
        }
        self.shape = shape
    }

    /// [B, T, D] to the layer's output and its feed-forward output before the residual sum, both
    /// [B, T, D].
    func callAsFunction(
        _ x: Tensor, _ mask: AttentionMask?, isTraining: Bool
    ) -> (output: Tensor, feedForward: Tensor) {
        func attend(_ x: Tensor) -> Tensor {
            let y = attention(x, mask, isTraining: isTraining)
            return isTraining ? y.dropout(shape.hiddenDropout) : y
        }
        if shape.isPreNorm {
            let x = x + attend(attentionNorm(x))
            let inner = feedForward(feedForwardNorm(x), isTraining: isTraining)
            let output = x + inner
            return (adapter.map { output + $0(output) } ?? output, inner)
        }
        let x = attentionNorm(x + attend(x))
        let inner = feedForward(x, isTraining: isTraining)
        return (feedForwardNorm(x + inner), inner)
    }
}

/// The bottleneck that MMS trains for every language (`Wav2Vec2AttnAdapterLayer`).
struct LanguageAdapter {
    private let norm: LayerNorm
    private let down, up: Linear

    init(_ scope: ParameterScope, width: Int, bottleneck: Int) {
        norm = LayerNorm(scope["norm"], width, epsilon: 1e-5)
        down = Linear(scope["linear_1"], width, bottleneck)
        up = Linear(scope["linear_2"], bottleneck, width)
    }

    /// [B, T, D] to what is added to it.
    func callAsFunction(_ x: Tensor) -> Tensor { up(down(norm(x)).relu()) }
}
