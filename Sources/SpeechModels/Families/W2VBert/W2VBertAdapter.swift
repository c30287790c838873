import Torch

/// A layer that shortens what it attends to and what it adds that to, each by a gated convolution
/// (`Wav2Vec2BertAdapterLayer`; the layer of UnitY's length adaptor).
struct W2VBertAdapterLayer {
    /// The sizes.
    struct Shape: Equatable {
        var width: Int
        var heads: Int
        var kernel: Int
        var stride: Int
        var feedForward: Int
        var activation: Activation
        var attentionDropout: Double
        var dropout = 0.0
        var epsilon: Double

        /// The frames that the layer makes of `length`, with ⌊stride / 2⌋ frames of padding on either
        /// side.
        func shortened(_ length: Int) -> Int {
            let room = length + 2 * (stride / 2) - kernel
            return room < 0 ? 0 : room / stride + 1
        }
    }

    private let residualNorm, attentionNorm, feedForwardNorm: LayerNorm
    private let residualConvolution, attentionConvolution: Conv1d
    private let attention: ConformerSelfAttention
    private let feedForward: FeedForward
    private let dropout: Double

    init(_ scope: ParameterScope, _ shape: Shape) {
        let width = shape.width
        func norm(_ name: String) -> LayerNorm {
            LayerNorm(scope[name], width, epsilon: shape.epsilon)
        }
        func convolution(_ name: String) -> Conv1d {
            Conv1d(
                scope[name], width, 2 * width, kernel: shape.kernel, stride: shape.stride,
                padding: shape.stride / 2)
        }
        residualNorm = norm("residual_layer_norm")
        residualConvolution = convolution("residual_conv")
        attentionNorm = norm("self_attn_layer_norm")
        attentionConvolution = convolution("self_attn_conv")
        attention = ConformerSelfAttention(
            scope["self_attn"],
            .init(
                width: width, heads: shape.heads, dropout: shape.attentionDropout, positions: nil))
        feedForwardNorm = norm("ffn_layer_norm")
        feedForward = FeedForward(
            scope["ffn"], width: width, units: shape.feedForward, activation: shape.activation,
            dropout: shape.dropout)
        dropout = shape.dropout
    }

    /// [B, T, D] to [B, T', D].
    ///
    /// * `inputLengths`: frames of each clip behind which convolutions see zeros.
    /// * `lengths`: frames of each clip that are attended to.
    func callAsFunction(
        _ x: Tensor, inputLengths: [Int]?, lengths: [Int]?, isTraining: Bool
    ) -> Tensor {
        let residual = residualConvolution(residualNorm(x).zeroed(behind: inputLengths)).glu(2)
        let attended = attentionConvolution(attentionNorm(x).zeroed(behind: inputLengths)).glu(2)
        let mask = AttentionMask(
            lengths: lengths, frames: attended.size(1), device: x.device, padding: .isolated)
        let mixed = attention(attended, mask, isTraining: isTraining)
        let x = residual + (isTraining ? mixed.dropout(dropout) : mixed)
        return x + feedForward(feedForwardNorm(x), isTraining: isTraining)
    }
}

/// The layers that shorten w2v-BERT's output for speech translation and many recognisers
/// (`Wav2Vec2BertAdapter`, `SeamlessM4Tv2ConformerAdapter`).
struct W2VBertAdapter {
    private let projection: (linear: Linear, norm: LayerNorm)?
    private let layers: [W2VBertAdapterLayer]
    private let config: W2VBertConfig
    private let countsFromInput: Bool

    /// * `countsFromInput`: whether every layer masks what remains of the adapter's input behind one
    ///   layer, as SeamlessM4T does, instead of what remains of its own.
    init(
        _ scope: ParameterScope, _ config: W2VBertConfig, epsilon: Double, countsFromInput: Bool
    ) {
        if config.outputHiddenSize != config.hiddenSize {
            projection = (
                Linear(scope["proj"], config.hiddenSize, config.outputHiddenSize),
                LayerNorm(
                    scope["proj_layer_norm"], config.outputHiddenSize,
                    epsilon: epsilon)
            )
        } else {
            projection = nil
        }
        layers = (0..<config.adapterLayers).map {
            W2VBertAdapterLayer(scope["layers"][$0], config.adapterShape(epsilon: epsilon))
        }
        self.config = config
        self.countsFromInput = countsFromInput
    }

    /// [B, T, D] to [B, T', O].
    ///
    /// * `lengths`: valid frames of each clip.
    func callAsFunction(_ x: Tensor, lengths: [Int], of input: EncoderInput) -> Tensor {
        var x = x
        if let projection { x = projection.norm(projection.linear(x)) }
        let isIsolated = input.padding == .isolated
        var made = input.inputLengths
        var counted = lengths
        for (index, layer) in layers.enumerated() {
            let inputLengths = isIsolated ? made : nil
            made = made.map(config.adaptedLength)
            if index == 0 || !countsFromInput { counted = counted.map(config.countedLength) }
            let attended = isIsolated ? zip(counted, made).map { min($0, $1) } : counted
            // The reference counts only where it is given a mask; alone it has none to be given.
            let hasMask = isIsolated || input.lengths != nil
            x = layer(
                x, inputLengths: inputLengths, lengths: hasMask ? attended : nil, isTraining: false)
        }
        return x
    }
}
