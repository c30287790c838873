public import Torch

/// SEW: wav2vec 2.0 whose layers run on squeezed frames (`SEWModel`).
///
/// Hidden states and feed-forward features are at the squeezed rate, the last hidden state is at the
/// rate of the front end again.
public final class SEWEncoder: WaveformEncoder {
    /// The configuration as its own type.
    public let configuration: SEWConfig
    /// All parameters.
    public let parameters: ParameterStore
    /// The type that layers compute in.
    public var precision: DType
    /// Whether dropout is active.
    public var isTraining = false
    /// What gradients of the front end are multiplied by in training.
    public var frontEndGradient = 1.0

    private let frontEnd: ConvolutionalFrontEnd
    private let inputNorm, norm: LayerNorm
    private let projection: Linear?
    private let maskEmbedding: Tensor?
    private let positions: PositionalConvolution
    private let layers: LayerStack
    private let upsampling: Linear

    /// Builds the network in a store, which reads or initialises the parameters.
    public init(_ config: SEWConfig, in store: ParameterStore) {
        configuration = config
        parameters = store
        precision = store.dtype
        let base = config.base
        let root = store.root
        let channels = base.frontEnd.channels.last!
        frontEnd = ConvolutionalFrontEnd(root["feature_extractor"], base.frontEnd)
        inputNorm = LayerNorm(root["layer_norm"], channels, epsilon: base.layerNormEpsilon)
        let initializer = Initializer.normal(standardDeviation: base.initializerRange)
        projection =
            channels == base.hiddenSize
            ? nil
            : Linear(
                root["feature_projection"], channels, base.hiddenSize, initializer: initializer)
        maskEmbedding = base.maskEmbedding(root)
        positions = base.positionalConvolution(root["encoder"], stride: config.squeezeFactor)
        norm = LayerNorm(
            root["encoder"]["layer_norm"], base.hiddenSize, epsilon: base.layerNormEpsilon)
        layers = base.transformerLayers(root["encoder"])
        upsampling = Linear(
            root["encoder"]["upsample"]["projection"], base.hiddenSize,
            base.hiddenSize * config.squeezeFactor, initializer: initializer)
    }

    /// The configuration.
    public var config: any EncoderConfig { configuration }

    /// Runs the encoder on samples [B, N].
    ///
    /// * `masked`: [B, T] `bool` at the rate of the front end or of the hidden states.
    public func encode(
        _ input: EncoderInput, masked: Tensor?, request: LayerRequest
    ) -> EncoderOutput {
        let base = configuration.base
        let squeeze = configuration.squeezeFactor
        let features = frontEnd(
            input.values.to(precision), lengths: input.isolatedLengths,
            gradientScale: isTraining ? frontEndGradient : 1)  // [B, T, C]
        let frames = features.size(1)
        let lengths = input.frameLengths(frames) { base.frontEnd.frameCount(samples: $0) }
        precondition(
            lengths.allSatisfy { $0 >= squeeze },
            "clips of \(lengths) frames cannot be squeezed by \(squeeze)")
        let squeezedLengths = lengths.map { $0 / squeeze }
        var output = EncoderOutput(lengths: squeezedLengths, outputLengths: lengths)

        var x = inputNorm(features)
        if request.wantsFeatures {
            output.features = x.joinedFrames(by: squeeze)
            output.frontEndFeatures = features.joinedFrames(by: squeeze)
        }
        if let projection { x = projection(x) }  // [B, T, D]
        if isTraining { x = x.dropout(base.featureProjectionDropout) }
        if let masked, let maskEmbedding, base.appliesMask {
            x = x.replacingFrames(
                masked.spreadOver(frames: frames, by: squeeze), with: maskEmbedding)
        }
        x = x.zeroed(channels: request.maskedChannels)
        let frameMask = AttentionMask(
            lengths: input.lengths == nil ? nil : lengths, frames: frames, device: x.device,
            padding: input.padding)
        if let frameMask { x = frameMask.zeroed(x) }

        let squeezed = frames / squeeze
        let joined = x.joinedFrames(by: squeeze)
        if request.wantsProjectedFeatures { output.projectedFeatures = joined }
        x = joined + positions(x, frameMask).narrow(1, 0, squeezed)
        x = norm(x)
        if isTraining { x = x.dropout(base.hiddenDropout) }
        // In a padded batch of the reference a squeezed frame is attended to if any of its frames is
        // real; alone, a clip has none that are only in part.
        let attended =
            input.padding == .isolated
            ? squeezedLengths : lengths.map { min(squeezed, ($0 + squeeze - 1) / squeeze) }
        let mask = AttentionMask(
            lengths: input.lengths == nil ? nil : attended, frames: squeezed, device: x.device,
            padding: input.padding)
        x = layers(x, mask, request: request, isTraining: isTraining, keepingIn: &output)
        guard request.wantsLastHiddenState else { return output }

        x = base.frontEnd.activation(upsampling(x)).unflatten(2, [squeeze, -1]).flatten(1, 2)
        if x.size(1) < frames { x = x.padded([0, 0, 0, frames - x.size(1)]) }
        // Frames that fill no squeezed one are zero, at the end of a clip as at the end of the batch.
        x = x.zeroed(
            behind: input.isolatedLengths.map { _ in squeezedLengths.map { $0 * squeeze } })
        output.encoderOutput = x
        output.lastHiddenState = x
        return output
    }
}
