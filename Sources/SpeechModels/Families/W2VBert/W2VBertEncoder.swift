public import Torch

/// w2v-BERT 2.0 and the speech encoder of SeamlessM4T v2: stacked filterbank frames through conformer
/// layers (`Wav2Vec2BertModel`, `SeamlessM4Tv2SpeechEncoder`).
public final class W2VBertEncoder: PrunableEncoder {
    /// What SeamlessM4T v2 has besides: a norm behind the layers and one at the end.
    struct Seamless {
        /// Of the norms in layers and adapter.
        var blockEpsilon: Double
        /// Which frames see each other.
        var chunks: AttentionChunks?
    }

    /// The configuration as its own type, or the part of SeamlessM4T's that is w2v-BERT's.
    public let configuration: W2VBertConfig
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

    private let inputNorm: LayerNorm
    private let projection: Linear
    private let maskEmbedding: Tensor?
    private let reduction: TimeReduction?
    private let layers: LayerStack
    private let chunks: AttentionChunks?
    private let hearsZeros: Bool
    private let norm, outputNorm: LayerNorm?
    private let intermediate: FeedForward?
    private let adapter: W2VBertAdapter?

    /// Builds the network in a store, which reads or initialises the parameters.
    public convenience init(_ config: W2VBertConfig, in store: ParameterStore) {
        self.init(config, base: config, in: store, seamless: nil)
    }

    /// Builds w2v-BERT, or SeamlessM4T's encoder where there is something about it.
    init(
        _ ownConfig: any EncoderConfig, base config: W2VBertConfig, in store: ParameterStore,
        seamless: Seamless?
    ) {
        self.config = ownConfig
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
        let structure = EncoderStructure(of: config)
        reduction = TimeReduction(root["encoder"], width: width, by: structure.timeReduction)
        let blockEpsilon = seamless?.blockEpsilon ?? config.layerNormEpsilon
        let shape = ConformerShape(
            attention: .init(
                width: width, heads: config.numAttentionHeads, dropout: config.attentionDropout,
                positions: config.positionEmbeddings, left: config.leftPositions,
                right: config.rightPositions,
                rotaryFrequencies: DistanceScores.rotaryFrequencies(
                    width: width / config.numAttentionHeads, base: config.rotaryBase)),
            firstFeedForward: config.intermediateSize, feedForward: config.intermediateSize,
            channels: width, activation: config.activation,
            convolutionKernel: config.convolutionKernel, epsilon: blockEpsilon,
            hiddenDropout: config.hiddenDropout, activationDropout: config.activationDropout,
            convolutionDropout: config.convolutionDropout)
        layers = shape.layers(structure, root["encoder"]["layers"])
        chunks = seamless?.chunks
        hearsZeros = seamless != nil
        norm =
            seamless == nil
            ? nil
            : LayerNorm(root["encoder"]["layer_norm"], width, epsilon: config.layerNormEpsilon)
        intermediate =
            config.hasIntermediateFeedForward
            ? FeedForward(
                root["intermediate_ffn"], width: width, units: config.intermediateSize,
                activation: .relu) : nil
        adapter =
            config.hasAdapter
            ? W2VBertAdapter(
                root["adapter"], config, epsilon: blockEpsilon,
                countsFromInput: seamless != nil) : nil
        outputNorm = seamless.map {
            LayerNorm(root["inner_layer_norm"], width, epsilon: $0.blockEpsilon)
        }
    }

    /// Whether there is a vector for masked frames, or zeros stand for one.
    ///
    /// The zeros that SeamlessM4T hears become one vector, too, behind norm and projection.
    public var isMaskable: Bool { maskEmbedding != nil || hearsZeros }

    /// Runs the encoder on stacked filterbank frames [B, T, F].
    public func encode(
        _ input: EncoderInput, masked: Tensor?, request: LayerRequest
    ) -> EncoderOutput {
        let frames = input.values.size(1)
        let lengths = input.frameLengths(frames / (reduction?.factor ?? 1), frameCount)
        var mask = AttentionMask(
            lengths: reduction == nil ? lengths : input.lengths, frames: frames,
            device: input.values.device, padding: input.padding, chunks: chunks)
        var output = EncoderOutput(
            lengths: lengths, outputLengths: lengths.map { outputLength(frames: $0) })

        var features = input.values
        if request.wantsFeatures {
            output.features = inputNorm(features).joinedFrames(by: reduction?.factor ?? 1)
        }
        if let masked, hearsZeros { features = features.filled(where: masked.unsqueeze(2), 0) }
        var x = projection(inputNorm(features).to(precision))  // [B, T, D]
        if isTraining { x = x.dropout(configuration.featureProjectionDropout) }
        if let masked, let maskEmbedding, configuration.appliesMask {
            let masked = reduction?.spread(masked, frames: frames) ?? masked
            x = x.replacingFrames(masked, with: maskEmbedding)
        }
        x = x.zeroed(channels: request.maskedChannels)
        if let mask { x = mask.zeroed(x) }
        if request.wantsProjectedFeatures { output.projectedFeatures = x }
        if let reduction {
            x = reduction(x)
            mask = AttentionMask(
                lengths: input.lengths == nil ? nil : lengths, frames: x.size(1),
                device: x.device, padding: input.padding)
        }

        x = layers(
            x, mask, gates: gates, request: request, isTraining: isTraining, keepingIn: &output)
        guard request.wantsLastHiddenState else { return output }

        if let norm { x = norm(x) }
        output.encoderOutput = x
        if let intermediate {
            x = x.adding(intermediate(x, isTraining: isTraining), scale: 0.5)
        }
        if let adapter { x = adapter(x, lengths: lengths, of: input) }
        if let outputNorm { x = outputNorm(x) }
        output.lastHiddenState = x
        return output
    }
}
