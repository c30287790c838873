import Torch

/// The shape of a Transformer layer as wav2vec 2.0 has it.
struct TransformerShape {
    var width: Int
    var heads: Int
    var headWidth: Int
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
    /// The heads of the position bias, and which of them the layer has; nil for all.
    var allHeads = 0
    var keptHeads: [Int]?
    /// Whether the layer attends as one before it did.
    var reusesAttention = false
    /// Whether a layer behind it attends as it does.
    var sharesAttention = false
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
    /// Nil where nothing is left of it; a norm before it is then gone, too, one behind it is not.
    private let attention: SelfAttention?
    private let feedForward: FeedForward?
    private let attentionNorm, feedForwardNorm: LayerNorm?
    private let adapter: LanguageAdapter?
    private let shape: TransformerShape

    /// The largest finite value of `float16`, 65504, less 1000 for what is added next.
    private static let halfLimit = 64504

    init(_ scope: ParameterScope, _ shape: TransformerShape) {
        func norm(_ name: String, of size: Int) -> LayerNorm? {
            size == 0 && shape.isPreNorm
                ? nil : LayerNorm(scope[name], shape.width, epsilon: shape.epsilon)
        }
        attention =
            shape.heads == 0 ? nil : SelfAttention(scope[shape.names.attention], shape)
        attentionNorm = norm(shape.names.attentionNorm, of: shape.heads)
        feedForward =
            shape.feedForward == 0
            ? nil
            : FeedForward(
                shape.names.feedForward.map { scope[$0] } ?? scope, width: shape.width,
                units: shape.feedForward, activation: shape.activation,
                activationDropout: shape.activationDropout, dropout: shape.hiddenDropout,
                names: (shape.names.up, shape.names.down), initializer: shape.initializer)
        feedForwardNorm = norm("final_layer_norm", of: shape.feedForward)
        adapter = shape.adapterWidth.map {
            LanguageAdapter(scope["adapter_layer"], width: shape.width, bottleneck: $0)
        }
        self.shape = shape
    }

    /// [B, T, D] to the layer's output and its feed-forward output before the residual sum (zeros
    /// where nothing is left of that network), both [B, T, D].
    func callAsFunction(
        _ x: Tensor, _ mask: AttentionMask?, bias: BiasRows?, map: inout AttentionMap?,
        gates: LayerGates?, isTraining: Bool
    ) -> (output: Tensor, feedForward: Tensor) {
        // Norms come before what they belong to, or behind the residual sum.
        func before(_ norm: LayerNorm?, _ x: Tensor) -> Tensor {
            shape.isPreNorm ? norm?(x) ?? x : x
        }
        func behind(_ norm: LayerNorm?, _ x: Tensor) -> Tensor {
            shape.isPreNorm ? x : norm?(x) ?? x
        }
        var x = x
        if let attention {
            let y = attention(
                before(attentionNorm, x), mask, bias: bias, map: &map, gates: gates?.heads,
                isTraining: isTraining)
            x = x + (isTraining ? y.dropout(shape.hiddenDropout) : y)
        }
        x = behind(attentionNorm, x)
        let inner = feedForward?(
            before(feedForwardNorm, x), gates: gates?.feedForward, isTraining: isTraining)
        var output = behind(feedForwardNorm, inner.map { x + $0 } ?? x)
        if shape.clampsHalf && output.dtype == .float16 {
            output = output.clamped(min: -Self.halfLimit, max: Self.halfLimit)
        }
        if let adapter { output = output + adapter(output) }
        return (output, inner ?? Tensor.zeros(x.shape, dtype: x.dtype, device: x.device))
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
