public import Torch

/// wav2vec 2.0 and HuBERT: samples through strided convolutions and Transformer layers
/// (`Wav2Vec2Model`, `HubertModel`).
public final class Wav2Vec2Encoder: SpeechEncoder {
    /// The configuration as its own type.
    public let configuration: Wav2Vec2Config
    /// All parameters.
    public let parameters: ParameterStore
    /// The type that layers compute in.
    public var precision: DType
    /// Whether dropout is active.
    public var isTraining = false

    private let frontEnd: ConvolutionalFrontEnd
    private let projectionNorm: LayerNorm?
    private let projection: Linear
    private let maskEmbedding: Tensor?
    private let positions: PositionalConvolution
    private let layers: [TransformerLayer]
    private let norm: LayerNorm
    private let adapter: Wav2Vec2Adapter?

    /// Builds the network in a store, which reads or initialises the parameters.
    public init(_ config: Wav2Vec2Config, in store: ParameterStore) {
        configuration = config
        parameters = store
        precision = store.dtype
        let root = store.root
        let width = config.hiddenSize
        let channels = config.frontEnd.channels.last!
        frontEnd = ConvolutionalFrontEnd(root["feature_extractor"], config.frontEnd)
        projectionNorm =
            config.projectionHasNorm
            ? LayerNorm(
                root["feature_projection"]["layer_norm"], channels,
                epsilon: config.layerNormEpsilon) : nil
        projection = Linear(
            root["feature_projection"]["projection"], channels, width,
            initializer: .uniform(fanIn: channels))
        let isMaskable = config.maskTimeProbability > 0 || config.maskFeatureProbability > 0
        maskEmbedding =
            isMaskable || root.sourceHolds("masked_spec_embed")
            ? root.parameter("masked_spec_embed", [width], .uniform(0, 1)) : nil
        positions = PositionalConvolution(
            root["encoder"]["pos_conv_embed"], width: width, kernel: config.positionalKernel,
            groups: config.positionalGroups, activation: config.frontEnd.activation,
            usesBatchNorm: config.positionalBatchNorm)
        let shape = TransformerShape(
            width: width, heads: config.numAttentionHeads, feedForward: config.intermediateSize,
            activation: config.activation, epsilon: config.layerNormEpsilon,
            isPreNorm: config.isPreNorm, adapterWidth: config.languageAdapterWidth,
            hiddenDropout: config.hiddenDropout, attentionDropout: config.attentionDropout,
            activationDropout: config.activationDropout,
            initializer: .normal(standardDeviation: config.initializerRange))
        layers = (0..<config.numHiddenLayers).map {
            TransformerLayer(root["encoder"]["layers"][$0], shape)
        }
        norm = LayerNorm(root["encoder"]["layer_norm"], width, epsilon: config.layerNormEpsilon)
        adapter = config.hasAdapter ? Wav2Vec2Adapter(root["adapter"], config) : nil
        if store.isInitializing { positions.finishInitialization() }
    }

    /// The configuration.
    public var config: any EncoderConfig { configuration }

    /// Through all strides of the front end.
    public func frameCount(inputLength length: Int) -> Int {
        configuration.frontEnd.frameCount(samples: length)
    }

    /// Fewer frames behind an adapter.
    public func outputLength(frames: Int) -> Int {
        adapter?.outputLength(frames: frames) ?? frames
    }

    /// Runs the encoder on samples [B, N].
    public func encode(
        _ input: EncoderInput, masked: Tensor?, request: LayerRequest
    ) -> EncoderOutput {
        let features = frontEnd(input.values.to(precision))  // [B, T, C]
        let frames = features.size(1)
        let lengths =
            input.lengths?.map { frameCount(inputLength: $0) }
            ?? Array(repeating: frames, count: input.batchSize)
        let mask =
            input.lengths == nil
            ? nil : AttentionMask(lengths: lengths, frames: frames, device: features.device)
        var output = EncoderOutput(
            lengths: lengths, outputLengths: lengths.map { outputLength(frames: $0) })

        var x = projection(projectionNorm?(features) ?? features)  // [B, T, D]
        if isTraining { x = x.dropout(configuration.featureProjectionDropout) }
        if let masked, let maskEmbedding, configuration.appliesMask {
            x = x.replacingFrames(masked, with: maskEmbedding)
        }
        if let mask { x = mask.zeroed(x) }
        x = x + positions(x)
        if !configuration.isPreNorm { x = norm(x) }
        if isTraining { x = x.dropout(configuration.hiddenDropout) }

        if request.hiddenStates.contains(0) { output.hiddenStates[0] = x }
        for number in 1...layers.count where number <= request.lastNeededLayer(of: layers.count) {
            let (state, feedForward) = layers[number - 1](x, mask, isTraining: isTraining)
            x = state
            if request.hiddenStates.contains(number) { output.hiddenStates[number] = x }
            if request.feedForward.contains(number) { output.feedForward[number] = feedForward }
        }
        guard request.wantsLastHiddenState else { return output }

        if configuration.isPreNorm { x = norm(x) }
        output.encoderOutput = x
        if let adapter { x = adapter(x) }
        output.lastHiddenState = x
        return output
    }
}

/// Strided convolutions that shorten the output (`Wav2Vec2Adapter`).
struct Wav2Vec2Adapter {
    private let projection: (linear: Linear, norm: LayerNorm)?
    private let convolutions: [Conv1d]
    private let stride: Int

    init(_ scope: ParameterScope, _ config: Wav2Vec2Config) {
        let width = config.outputHiddenSize
        projection =
            width == config.hiddenSize
            ? nil
            : (
                Linear(scope["proj"], config.hiddenSize, width),
                LayerNorm(scope["proj_layer_norm"], width, epsilon: 1e-5)
            )
        convolutions = (0..<config.adapterLayers).map {
            Conv1d(
                scope["layers"][$0]["conv"], width, 2 * width, kernel: config.adapterKernel,
                stride: config.adapterStride, padding: 1)
        }
        stride = config.adapterStride
    }

    func outputLength(frames: Int) -> Int {
        convolutions.reduce(frames) { length, _ in (length - 1) / stride + 1 }
    }

    /// [B, T, D] to [B, T', O].
    func callAsFunction(_ x: Tensor) -> Tensor {
        var x = x
        if let projection { x = projection.norm(projection.linear(x)) }
        for convolution in convolutions { x = convolution(x).glu(2) }
        return x
    }
}
