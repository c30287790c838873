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
    /// Whether attention gates a position bias, as WavLM's does.
    var gatesBias = false
    /// Whether outputs that would overflow `float16` are cut off, as Whisper does.
    var clampsHalf = false
    var names = Names.wav2Vec2

    /// What the parts are called, and whether keys have a bias.
    struct Names {
        var attention: String
        var attentionNorm: String
        /// The scope of the feed-forward network below the layer's, nil for the layer's own.
        var feedForward: String?
        var up: String
        var down: String
        var keyHasBias: Bool

        static let wav2Vec2 = Names(
            attention: "attention", attentionNorm: "layer_norm", feedForward: "feed_forward",
            up: "intermediate_dense", down: "output_dense", keyHasBias: true)
        static let whisper = Names(
            attention: "self_attn", attentionNorm: "self_attn_layer_norm", feedForward: nil,
            up: "fc1", down: "fc2", keyHasBias: false)
    }
}

/// Attention and a feed-forward network (`Wav2Vec2EncoderLayer`,
/// `Wav2Vec2EncoderLayerStableLayerNorm`, `WavLMEncoderLayer`, `WhisperEncoderLayer`).
struct TransformerLayer: EncoderLayer {
    private let attention: SelfAttention
    private let attentionNorm, feedForwardNorm: LayerNorm
    private let feedForward: FeedForward
    private let adapter: LanguageAdapter?
    private let shape: TransformerShape

    /// The largest finite value of `float16`, 65504, less 1000 for what is added next.
    private static let halfLimit = 64504

    init(_ scope: ParameterScope, _ shape: TransformerShape) {
        attention = SelfAttention(
            scope[shape.names.attention], width: shape.width, heads: shape.heads,
            dropout: shape.attentionDropout, keyHasBias: shape.names.keyHasBias,
            gatesBias: shape.gatesBias, initializer: shape.initializer)
        attentionNorm = LayerNorm(
            scope[shape.names.attentionNorm], shape.width, epsilon: shape.epsilon)
        feedForward = FeedForward(
            shape.names.feedForward.map { scope[$0] } ?? scope, width: shape.width,
            units: shape.feedForward, activation: shape.activation,
            activationDropout: shape.activationDropout, dropout: shape.hiddenDropout,
            names: (shape.names.up, shape.names.down), initializer: shape.initializer)
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
        _ x: Tensor, _ mask: AttentionMask?, bias: BiasRows?, isTraining: Bool
    ) -> (output: Tensor, feedForward: Tensor) {
        func attend(_ x: Tensor) -> Tensor {
            let y = attention(x, mask, bias: bias, isTraining: isTraining)
            return isTraining ? y.dropout(shape.hiddenDropout) : y
        }
        if shape.isPreNorm {
            let x = x + attend(attentionNorm(x))
            let inner = feedForward(feedForwardNorm(x), isTraining: isTraining)
            var output = x + inner
            if shape.clampsHalf && output.dtype == .float16 {
                output = output.clamped(min: -Self.halfLimit, max: Self.halfLimit)
            }
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
