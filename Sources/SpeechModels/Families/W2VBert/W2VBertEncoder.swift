public import Torch

/// w2v-BERT 2.0: stacked filterbank frames through conformer layers (`Wav2Vec2BertModel`).
public final class W2VBertEncoder: SpeechEncoder {
    /// The configuration as its own type.
    public let configuration: W2VBertConfig
    /// All parameters.
    public let parameters: ParameterStore
    /// The type that layers compute in.
    public var precision: DType
    /// Whether dropout is active.
    public var isTraining = false

    private let inputNorm: LayerNorm
    private let projection: Linear
    private let maskEmbedding: Tensor?
    private let layers: LayerStack
    private let intermediate: FeedForward?
    private let adapter: W2VBertAdapter?

    /// Builds the network in a store, which reads or initialises the parameters.
    public init(_ config: W2VBertConfig, in store: ParameterStore) {
        configuration = config
        parameters = store
        precision = store.dtype
        let root = store.root
        let width = config.hiddenSize
        inputNorm = LayerNorm(
            root["feature_projection"]["layer_norm"], config.inputDimension,
            epsilon: config.layerNormEpsilon)
        projection = Linear(
            root["feature_projection"]["projection"], config.inputDimension, width,
            initializer: .uniform(fanIn: config.inputDimension))
        let isMaskable = config.maskTimeProbability > 0 || config.maskFeatureProbability > 0
        maskEmbedding =
            isMaskable || root.sourceHolds("masked_spec_embed")
            ? root.parameter("masked_spec_embed", [width], .uniform(0, 1)) : nil
        let shape = ConformerShape(
            attention: .init(
                width: width, heads: config.numAttentionHeads, dropout: config.attentionDropout,
                positions: config.positionEmbeddings, left: config.leftPositions,
                right: config.rightPositions,
                rotaryFrequencies: DistanceScores.rotaryFrequencies(
                    width: width / config.numAttentionHeads, base: config.rotaryBase)),
            feedForward: config.intermediateSize, activation: config.activation,
            convolutionKernel: config.convolutionKernel, epsilon: config.layerNormEpsilon,
            hiddenDropout: config.hiddenDropout, activationDropout: config.activationDropout,
            convolutionDropout: config.convolutionDropout)
        layers = LayerStack(
            (0..<config.numHiddenLayers).map {
                ConformerLayer(root["encoder"]["layers"][$0], shape)
            })
        intermediate =
            config.hasIntermediateFeedForward
            ? FeedForward(
                root["intermediate_ffn"], width: width, units: config.intermediateSize,
                activation: .relu) : nil
        adapter = config.hasAdapter ? W2VBertAdapter(root["adapter"], config) : nil
    }

    /// The configuration.
    public var config: any EncoderConfig { configuration }

    /// Feature frames are encoder frames.
    public func frameCount(inputLength length: Int) -> Int { length }

    /// Fewer frames behind an adapter.
    public func outputLength(frames: Int) -> Int {
        adapter?.outputLength(frames: frames) ?? frames
    }

    /// Runs the encoder on stacked filterbank frames [B, T, F].
    public func encode(
        _ input: EncoderInput, masked: Tensor?, request: LayerRequest
    ) -> EncoderOutput {
        let frames = input.values.size(1)
        let lengths = input.frameLengths(frames) { $0 }
        let mask = AttentionMask(
            lengths: input.lengths, frames: frames, device: input.values.device,
            padding: input.padding)
        var output = EncoderOutput(
            lengths: lengths, outputLengths: lengths.map { outputLength(frames: $0) })

        var x = projection(inputNorm(input.values).to(precision))  // [B, T, D]
        if isTraining { x = x.dropout(configuration.featureProjectionDropout) }
        if let masked, let maskEmbedding, configuration.appliesMask {
            x = x.replacingFrames(masked, with: maskEmbedding)
        }
        if let mask { x = mask.zeroed(x) }

        x = layers(
            x, mask, request: request, isTraining: isTraining, keepingIn: &output)
        guard request.wantsLastHiddenState else { return output }

        output.encoderOutput = x
        if let intermediate {
            x = x.adding(intermediate(x, isTraining: isTraining), scale: 0.5)
        }
        if let adapter { x = adapter(x, lengths: lengths, of: input) }
        output.lastHiddenState = x
        return output
    }
}
