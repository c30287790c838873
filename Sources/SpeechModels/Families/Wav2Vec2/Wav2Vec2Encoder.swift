public import Torch

/// wav2vec 2.0 and its relatives: samples through strided convolutions and layers
/// (`Wav2Vec2Model`, `HubertModel`, `UniSpeechSatModel`, `WavLMModel`, `Data2VecAudioModel`,
/// `Wav2Vec2ConformerModel`).
public final class Wav2Vec2Encoder: PrunableEncoder, WaveformEncoder {
    /// What follows the feature projection, in which the relatives differ.
    struct Body {
        /// What is added to the projected features [B, T, D], if anything.
        var positions: (any PositionalEmbedding)?
        /// What all layers add to their attention scores.
        var bias: PositionBias?
        var layers: LayerStack
        /// Whether the encoder's norm stands behind the layers instead of before them.
        var normIsLast: Bool
    }

    /// The configuration as its own type, or the part of it that is wav2vec 2.0's.
    public let configuration: Wav2Vec2Config
    /// The configuration.
    public let config: any EncoderConfig
    /// All parameters.
    public let parameters: ParameterStore
    /// The type that layers compute in.
    public var precision: DType
    /// Whether dropout is active.
    public var isTraining = false
    /// What units are multiplied by.
    public var gates: EncoderGates?
    /// What gradients of the front end are multiplied by in training.
    public var frontEndGradient = 1.0

    private let frontEnd: ConvolutionalFrontEnd
    private let projectionNorm: LayerNorm?
    private let projection: Linear
    private let maskEmbedding: Tensor?
    private let body: Body
    private let reduction: TimeReduction?
    private let norm: LayerNorm
    private let adapter: Wav2Vec2Adapter?

    /// Builds the network in a store, which reads or initialises the parameters.
    public convenience init(_ config: Wav2Vec2Config, in store: ParameterStore) {
        self.init(config, base: config, in: store) { scope in
            Body(
                positions: config.positionalConvolution(scope),
                layers: config.transformerLayers(scope), normIsLast: config.isPreNorm)
        }
    }

    /// Builds a relative.
    ///
    /// * `body`: is given the scope `encoder`.
    init(
        _ config: any EncoderConfig, base: Wav2Vec2Config, in store: ParameterStore,
        body: (ParameterScope) -> Body
    ) {
        self.config = config
        configuration = base
        parameters = store
        precision = store.dtype
        let root = store.root
        let channels = base.frontEnd.channels.last!
        frontEnd = ConvolutionalFrontEnd(
            root["feature_extractor"], base.frontEnd,
            isScaled: base.structure?.scalesFrontEnd ?? false)
        projectionNorm =
            base.projectionHasNorm
            ? LayerNorm(
                root["feature_projection"]["layer_norm"], channels,
                epsilon: base.layerNormEpsilon) : nil
        projection = Linear(
            root["feature_projection"]["projection"], channels, base.hiddenSize,
            initializer: .uniform(fanIn: channels))
        maskEmbedding = base.maskEmbedding(root)
        self.body = body(root["encoder"])
        reduction = TimeReduction(
            root["encoder"], width: base.hiddenSize, by: base.structure?.timeReduction ?? 1)
        norm = LayerNorm(
            root["encoder"]["layer_norm"], base.hiddenSize, epsilon: base.layerNormEpsilon)
        adapter = base.hasAdapter ? Wav2Vec2Adapter(root["adapter"], base.adapterShape) : nil
    }

    /// Runs the encoder on samples [B, N].
    public func encode(
        _ input: EncoderInput, masked: Tensor?, request: LayerRequest
    ) -> EncoderOutput {
        let base = configuration
        let features = frontEnd(
            input.values.to(precision), lengths: input.isolatedLengths, gates: gates,
            gradientScale: isTraining ? frontEndGradient : 1)  // [B, T, C]
        let frames = features.size(1)
        let lengths = input.frameLengths(frames / (reduction?.factor ?? 1), frameCount)
        func mask(_ lengths: [Int], of frames: Int) -> AttentionMask? {
            AttentionMask(
                lengths: input.lengths == nil ? nil : lengths, frames: frames,
                device: features.device, padding: input.padding)
        }
        let frameMask = mask(
            reduction == nil
                ? lengths : input.frameLengths(frames) { base.frontEnd.frameCount(samples: $0) },
            of: frames)
        var output = EncoderOutput(
            lengths: lengths, outputLengths: lengths.map { outputLength(frames: $0) })

        let normed = projectionNorm?(features) ?? features
        if request.wantsFeatures {
            output.features = normed.joinedFrames(by: reduction?.factor ?? 1)
            output.frontEndFeatures = features.joinedFrames(by: reduction?.factor ?? 1)
        }
        var x = projection(normed)  // [B, T, D]
        if isTraining { x = x.dropout(configuration.featureProjectionDropout) }
        if let masked, let maskEmbedding, configuration.appliesMask {
            let masked = reduction?.spread(masked, frames: frames) ?? masked
            x = x.replacingFrames(masked, with: maskEmbedding)
        }
        x = x.zeroed(channels: request.maskedChannels)
        if let frameMask { x = frameMask.zeroed(x) }
        if request.wantsProjectedFeatures { output.projectedFeatures = x }
        if let positions = body.positions { x = x + positions(x, frameMask) }
        if !body.normIsLast { x = norm(x) }
        if isTraining { x = x.dropout(configuration.hiddenDropout) }
        if let reduction { x = reduction(x) }

        x = body.layers(
            x, reduction == nil ? frameMask : mask(lengths, of: x.size(1)),
            bias: body.bias?(frames: x.size(1), x.dtype), gates: gates, request: request,
            isTraining: isTraining, keepingIn: &output)
        guard request.wantsLastHiddenState else { return output }

        if body.normIsLast { x = norm(x) }
        output.encoderOutput = x
        if let adapter { x = adapter(x, lengths: input.isolatedLengths.map { _ in lengths }) }
        output.lastHiddenState = x
        return output
    }
}

extension Wav2Vec2Config {
    /// The parameter that stands in for masked frames, where the checkpoint or training has one.
    func maskEmbedding(_ root: ParameterScope) -> Tensor? {
        guard
            maskTimeProbability > 0 || maskFeatureProbability > 0
                || root.sourceHolds("masked_spec_embed")
        else { return nil }
        return root.parameter("masked_spec_embed", [hiddenSize], .uniform(0, 1))
    }

    /// The positional convolution in the scope `encoder`.
    func positionalConvolution(
        _ scope: ParameterScope, stride: Int = 1
    ) -> PositionalConvolution {
        PositionalConvolution(
            scope["pos_conv_embed"], width: hiddenSize, kernel: positionalKernel,
            groups: positionalGroups, stride: stride, activation: frontEnd.activation,
            usesBatchNorm: positionalBatchNorm)
    }

    /// The Transformer layers in the scope `encoder`.
    func transformerLayers(_ scope: ParameterScope, gatesBias: Bool = false) -> LayerStack {
        let structure = EncoderStructure(of: self)
        let shape = TransformerShape(
            width: hiddenSize, heads: numAttentionHeads, headWidth: structure.headWidth,
            feedForward: intermediateSize, activation: activation, epsilon: layerNormEpsilon,
            isPreNorm: isPreNorm,
            adapterWidth: languageAdapterWidth, hiddenDropout: hiddenDropout,
            attentionDropout: attentionDropout, activationDropout: activationDropout,
            initializer: .normal(standardDeviation: initializerRange), gatesBias: gatesBias,
            allHeads: numAttentionHeads)
        return LayerStack(
            structure.layers.enumerated().map { index, layer in
                var shape = shape
                shape.heads = layer.heads
                shape.keptHeads = layer.keptHeads
                shape.feedForward = layer.feedForward
                shape.reusesAttention = layer.reusesAttention
                shape.sharesAttention = structure.sharesAttention(index)
                return TransformerLayer(scope["layers"][index], shape)
            })
    }
}
