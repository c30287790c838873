import Torch

/// The shape of a conformer layer.
struct ConformerShape {
    /// What the depthwise convolution sees, and the norm behind it.
    enum Convolution {
        /// Frames up to the present one, LayerNorm; padding is zeroed (w2v-BERT 2.0).
        case causal
        /// As many frames on both sides, BatchNorm; padding is seen unless it is isolated (wav2vec
        /// 2.0 conformer).
        case centred
    }

    var convolution = Convolution.causal
    var attention: ConformerSelfAttention.Shape
    var feedForward: Int
    var activation: Activation
    var convolutionKernel: Int
    var epsilon: Double
    var hiddenDropout: Double
    var activationDropout: Double
    var convolutionDropout: Double
}

/// The convolution module (`Wav2Vec2BertConvolutionModule`,
/// `Wav2Vec2ConformerConvolutionModule`).
struct ConvolutionModule {
    private enum DepthwiseNorm {
        case layer(LayerNorm)
        case batch(BatchNorm)
    }

    private let norm: LayerNorm
    private let expand, depthwise, contract: Tensor
    private let depthwiseNorm: DepthwiseNorm
    private let shape: ConformerShape

    init(_ scope: ParameterScope, _ shape: ConformerShape) {
        let width = shape.attention.width
        let kernel = shape.convolutionKernel
        norm = LayerNorm(scope["layer_norm"], width, epsilon: shape.epsilon)
        expand = scope["pointwise_conv1"].parameter(
            "weight", [2 * width, width, 1], .kaimingNormal(fanIn: width))
        depthwise = scope["depthwise_conv"].parameter(
            "weight", [width, 1, kernel], .kaimingNormal(fanIn: kernel))
        depthwiseNorm =
            switch shape.convolution {
            case .causal:
                .layer(LayerNorm(scope["depthwise_layer_norm"], width, epsilon: shape.epsilon))
            case .centred: .batch(BatchNorm(scope["batch_norm"], width))
            }
        contract = scope["pointwise_conv2"].parameter(
            "weight", [width, width, 1], .kaimingNormal(fanIn: width))
        self.shape = shape
    }

    /// [B, T, D] to [B, T, D].
    func callAsFunction(_ x: Tensor, _ mask: AttentionMask?, isTraining: Bool) -> Tensor {
        var y = norm(x)
        if let mask { y = shape.convolution == .causal ? mask.zeroed(y) : mask.isolated(y) }
        // A pointwise convolution is a matrix product over channels.
        y = y.linear(expand.to(y.dtype).squeeze(2)).glu(2)
        var padding = shape.convolutionKernel / 2
        if shape.convolution == .causal {
            y = y.padded([0, 0, shape.convolutionKernel - 1, 0])  // only the past
            padding = 0
        }
        y = y.channelsLastConvolution(
            depthwise.to(y.dtype), nil, padding: padding, groups: shape.attention.width)
        switch depthwiseNorm {
        case .layer(let norm): y = norm(y)
        case .batch(let norm): y = norm(y.transpose(1, 2)).transpose(1, 2)
        }
        y = shape.activation(y)
        y = y.linear(contract.to(y.dtype).squeeze(2))
        return isTraining ? y.dropout(shape.convolutionDropout) : y
    }
}

/// Half a feed-forward network, attention, convolution, half a feed-forward network, LayerNorm
/// (`Wav2Vec2BertEncoderLayer`, `Wav2Vec2ConformerEncoderLayer`).
struct ConformerLayer: EncoderLayer {
    private let firstNorm, attentionNorm, secondNorm, finalNorm: LayerNorm
    private let first, second: FeedForward
    private let attention: ConformerSelfAttention
    private let convolution: ConvolutionModule
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
        convolution = ConvolutionModule(scope["conv_module"], shape)
        secondNorm = norm("ffn2_layer_norm")
        second = feedForward("ffn2")
        finalNorm = norm("final_layer_norm")
        self.shape = shape
    }

    /// [B, T, D] to the layer's output and the output of its second feed-forward network before
    /// the factor ½, both [B, T, D].
    func callAsFunction(
        _ x: Tensor, _ mask: AttentionMask?, bias: BiasRows?, isTraining: Bool
    ) -> (output: Tensor, feedForward: Tensor) {
        var x = x.adding(first(firstNorm(x), isTraining: isTraining), scale: 0.5)
        let attended = attention(attentionNorm(x), mask, isTraining: isTraining)
        x = x + (isTraining ? attended.dropout(shape.hiddenDropout) : attended)
        x = x + convolution(x, mask, isTraining: isTraining)
        let feedForward = second(secondNorm(x), isTraining: isTraining)
        return (finalNorm(x.adding(feedForward, scale: 0.5)), feedForward)
    }
}

extension ConformerLayer {
    /// Multiply-accumulate operations of all layers of an encoder, by part.
    ///
    /// * `clippedDistances`: the number of distances that have a key of their own.
    static func multiplyAccumulates(
        of config: some EncoderConfig, frames: Int, positions: PositionEmbeddings?,
        clippedDistances: Int? = nil, kernel: Int
    ) -> [(part: String, count: Int)] {
        let d = config.width
        let distances = positions == .relative ? 2 * frames - 1 : clippedDistances ?? 0
        let all = frames * config.layerCount
        return [
            ("feed-forward", all * 2 * 2 * d * config.feedForwardWidth),
            ("attention", all * (4 * d * d + 2 * frames * d + distances * d)),
            ("convolution", all * (3 * d * d + kernel * d)),
        ]
    }
}
