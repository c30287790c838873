import Torch

/// The shape of a conformer layer as w2v-BERT 2.0 has it.
struct ConformerShape {
    var attention: ConformerSelfAttention.Shape
    var feedForward: Int
    var activation: Activation
    var convolutionKernel: Int
    var epsilon: Double
    var hiddenDropout: Double
    var activationDropout: Double
    var convolutionDropout: Double
}

/// The convolution module with a causal depthwise convolution and LayerNorm
/// (`Wav2Vec2BertConvolutionModule`).
struct CausalConvolutionModule {
    private let norm: LayerNorm
    private let expand, depthwise, contract: Tensor
    private let depthwiseNorm: LayerNorm
    private let shape: ConformerShape

    init(_ scope: ParameterScope, _ shape: ConformerShape) {
        let width = shape.attention.width
        let kernel = shape.convolutionKernel
        norm = LayerNorm(scope["layer_norm"], width, epsilon: shape.epsilon)
        expand = scope["pointwise_conv1"].parameter(
            "weight", [2 * width, width, 1], .kaimingNormal(fanIn: width))
        depthwise = scope["depthwise_conv"].parameter(
            "weight", [width, 1, kernel], .kaimingNormal(fanIn: kernel))
        depthwiseNorm = LayerNorm(scope["depthwise_layer_norm"], width, epsilon: shape.epsilon)
        contract = scope["pointwise_conv2"].parameter(
            "weight", [width, width, 1], .kaimingNormal(fanIn: width))
        self.shape = shape
    }

    /// [B, T, D] to [B, T, D].
    func callAsFunction(_ x: Tensor, _ mask: AttentionMask?, isTraining: Bool) -> Tensor {
        var y = norm(x)
        if let mask { y = mask.zeroed(y) }
        // A pointwise convolution is a matrix product over channels.
        y = y.linear(expand.to(y.dtype).squeeze(2)).glu(2)
        y = y.padded([0, 0, shape.convolutionKernel - 1, 0])  // only the past
        y = y.channelsLastConvolution(
            depthwise.to(y.dtype), nil, groups: shape.attention.width)
        y = shape.activation(depthwiseNorm(y))
        y = y.linear(contract.to(y.dtype).squeeze(2))
        return isTraining ? y.dropout(shape.convolutionDropout) : y
    }
}

/// Half a feed-forward network, attention, convolution, half a feed-forward network, LayerNorm
/// (`Wav2Vec2BertEncoderLayer`).
struct ConformerLayer: EncoderLayer {
    private let firstNorm, attentionNorm, secondNorm, finalNorm: LayerNorm
    private let first, second: FeedForward
    private let attention: ConformerSelfAttention
    private let convolution: CausalConvolutionModule
    private let shape: ConformerShape

    init(_ scope: ParameterScope, _ shape: ConformerShape) {
        let width = shape.attention.width
        func norm(_ name: String) -> LayerNorm {
            LayerNorm(scope[name], width, epsilon: shape.epsilon)
        }
        func feedForward(_ name: String) -> FeedForward {
            FeedForward(
                scope[name], width: width, units: shape.feedForward, activation: shape.activation,
                activationDropout: shape.activationDropout, dropout: shape.hiddenDropout)
        }
        firstNorm = norm("ffn1_layer_norm")
        first = feedForward("ffn1")
        attentionNorm = norm("self_attn_layer_norm")
        attention = ConformerSelfAttention(scope["self_attn"], shape.attention)
        convolution = CausalConvolutionModule(scope["conv_module"], shape)
        secondNorm = norm("ffn2_layer_norm")
        second = feedForward("ffn2")
        finalNorm = norm("final_layer_norm")
        self.shape = shape
    }

    /// [B, T, D] to the layer's output and the output of its second feed-forward network before
    /// the factor ½, both [B, T, D].
    func callAsFunction(
        _ x: Tensor, _ mask: AttentionMask?, bias: Tensor?, isTraining: Bool
    ) -> (output: Tensor, feedForward: Tensor) {
        var x = x.adding(first(firstNorm(x), isTraining: isTraining), scale: 0.5)
        let attended = attention(attentionNorm(x), mask, isTraining: isTraining)
        x = x + (isTraining ? attended.dropout(shape.hiddenDropout) : attended)
        x = x + convolution(x, mask, isTraining: isTraining)
        let feedForward = second(secondNorm(x), isTraining: isTraining)
        return (finalNorm(x.adding(feedForward, scale: 0.5)), feedForward)
    }
}
