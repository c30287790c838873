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
    var firstFeedForward: Int
    var feedForward: Int
    /// Channels of the convolution module.
    var channels: Int
    var activation: Activation
    var convolutionKernel: Int
    var epsilon: Double
    var hiddenDropout: Double
    var activationDropout: Double
    var convolutionDropout: Double

    /// The layers of an encoder, each with its own sizes.
    ///
    /// * `scope`: of all layers.
    func layers(_ structure: EncoderStructure, _ scope: ParameterScope) -> LayerStack {
        LayerStack(
            structure.layers.enumerated().map { index, layer in
                var shape = self
                shape.attention.heads = layer.heads
                shape.attention.headWidth = structure.headWidth
                shape.firstFeedForward = layer.firstFeedForward ?? 0
                shape.feedForward = layer.feedForward
                shape.channels = layer.convolutionChannels ?? 0
                return ConformerLayer(scope[index], shape)
            })
    }
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
        let channels = shape.channels
        let kernel = shape.convolutionKernel
        norm = LayerNorm(scope["layer_norm"], width, epsilon: shape.epsilon)
        expand = scope["pointwise_conv1"].parameter(
            "weight", [2 * channels, width, 1], .kaimingNormal(fanIn: width), rowGroups: 2)
        depthwise = scope["depthwise_conv"].parameter(
            "weight", [channels, 1, kernel], .kaimingNormal(fanIn: kernel))
        depthwiseNorm =
            switch shape.convolution {
            case .causal:
                .layer(LayerNorm(scope["depthwise_layer_norm"], channels, epsilon: shape.epsilon))
            case .centred: .batch(BatchNorm(scope["batch_norm"], channels))
            }
        contract = scope["pointwise_conv2"].parameter(
            "weight", [width, channels, 1], .kaimingNormal(fanIn: channels))
        self.shape = shape
    }

    /// [B, T, D] to [B, T, D].
    ///
    /// * `gates`: what channels are multiplied by.
    func callAsFunction(
        _ x: Tensor, _ mask: AttentionMask?, gates: Tensor?, isTraining: Bool
    ) -> Tensor {
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
            depthwise.to(y.dtype), nil, padding: padding, groups: shape.channels)
        switch depthwiseNorm {
        case .layer(let norm): y = gates.map { norm(y, open: $0) } ?? norm(y)
        case .batch(let norm): y = norm(y.transpose(1, 2)).transpose(1, 2)
        }
        y = shape.activation(y).gated(gates)
        y = y.linear(contract.to(y.dtype).squeeze(2))
        return isTraining ? y.dropout(shape.convolutionDropout) : y
    }
}

/// Half a feed-forward network, attention, convolution, half a feed-forward network, LayerNorm
/// (`Wav2Vec2BertEncoderLayer`, `Wav2Vec2ConformerEncoderLayer`).
struct ConformerLayer: EncoderLayer {
    /// Nil where nothing is left of what they stand before.
    private let firstNorm, attentionNorm, secondNorm: LayerNorm?
    private let finalNorm: LayerNorm
    private let first, second: FeedForward?
    private let attention: ConformerSelfAttention?
    private let convolution: ConvolutionModule?
    private let shape: ConformerShape

    init(_ scope: ParameterScope, _ shape: ConformerShape) {
        let width = shape.attention.width
        func norm(_ name: String) -> LayerNorm {
            LayerNorm(scope[name], width, epsilon: shape.epsilon)
        }
        func feedForward(_ name: String, _ units: Int) -> FeedForward? {
            units == 0
                ? nil
                : FeedForward(
                    scope[name], width: width, units: units, activation: shape.activation,
                    activationDropout: shape.activationDropout, dropout: shape.hiddenDropout)
        }
        let attends = shape.attention.heads > 0
        firstNorm = shape.firstFeedForward == 0 ? nil : norm("ffn1_layer_norm")
        first = feedForward("ffn1", shape.firstFeedForward)
        attentionNorm = attends ? norm("self_attn_layer_norm") : nil
        attention =
            attends ? ConformerSelfAttention(scope["self_attn"], shape.attention) : nil
        convolution =
            shape.channels == 0 ? nil : ConvolutionModule(scope["conv_module"], shape)
        secondNorm = shape.feedForward == 0 ? nil : norm("ffn2_layer_norm")
        second = feedForward("ffn2", shape.feedForward)
        finalNorm = norm("final_layer_norm")
        self.shape = shape
    }

    /// [B, T, D] to the layer's output and the output of its second feed-forward network before
    /// the factor ½ (zeros where nothing is left of it), both [B, T, D].
    func callAsFunction(
        _ x: Tensor, _ mask: AttentionMask?, bias: BiasRows?, map: inout AttentionMap?,
        gates: LayerGates?, isTraining: Bool
    ) -> (output: Tensor, feedForward: Tensor) {
        var x = x
        if let first, let firstNorm {
            x = x.adding(
                first(firstNorm(x), gates: gates?.feedForward, isTraining: isTraining), scale: 0.5)
        }
        if let attention, let attentionNorm {
            let attended = attention(
                attentionNorm(x), mask, gates: gates?.heads, isTraining: isTraining)
            x = x + (isTraining ? attended.dropout(shape.hiddenDropout) : attended)
        }
        if let convolution {
            x = x + convolution(x, mask, gates: gates?.convolution, isTraining: isTraining)
        }
        guard let second, let secondNorm else {
            return (finalNorm(x), Tensor.zeros(x.shape, dtype: x.dtype, device: x.device))
        }
        let feedForward = second(
            secondNorm(x), gates: gates?.secondFeedForward, isTraining: isTraining)
        return (finalNorm(x.adding(feedForward, scale: 0.5)), feedForward)
    }
}

extension ConformerLayer {
    /// Multiply-accumulate operations of all layers of an encoder, by part.
    ///
    /// * `frames`: at the rate of the layers.
    /// * `clippedDistances`: the number of distances that have a key of their own.
    static func multiplyAccumulates(
        of config: some EncoderConfig, frames: Int, positions: PositionEmbeddings?,
        clippedDistances: Int? = nil, kernel: Int
    ) -> [(part: String, count: Int)] {
        let d = config.width
        let distances = positions == .relative ? 2 * frames - 1 : clippedDistances ?? 0
        let structure = config.structure ?? .uniform(config, isConformer: true)
        var (units, inner, channels) = (0, 0, 0)
        for layer in structure.layers {
            units += layer.feedForward + (layer.firstFeedForward ?? 0)
            inner += layer.heads * structure.headWidth
            channels += layer.convolutionChannels ?? 0
        }
        return structure.timeReductionProducts(width: d, frames: frames) + [
            ("feed-forward", frames * 2 * d * units),
            ("attention", frames * inner * (4 * d + 2 * frames + distances)),
            ("convolution", frames * channels * (3 * d + kernel)),
        ]
    }
}
