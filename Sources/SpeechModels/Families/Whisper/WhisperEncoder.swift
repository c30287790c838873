import Foundation
public import Torch

/// Whisper's encoder: log-mel frames of a window of fixed length through two convolutions and
/// Transformer layers (`WhisperEncoder`).
///
/// Every input fills the window, 2 · `max_source_positions` feature frames. Padding is heard like any
/// other silence: lengths change no value, they only tell how many frames the clip itself covers.
public final class WhisperEncoder: SpeechEncoder {
    /// The configuration as its own type.
    public let configuration: WhisperConfig
    /// All parameters.
    public let parameters: ParameterStore
    /// The type that layers compute in.
    public var precision: DType
    /// Whether dropout is active.
    public var isTraining = false

    private let first, second: Conv1d
    private let positions: Tensor
    private let layers: LayerStack
    private let norm: LayerNorm

    /// Builds the network in a store, which reads or initialises the parameters.
    public init(_ config: WhisperConfig, in store: ParameterStore) {
        configuration = config
        parameters = store
        precision = store.dtype
        let root = store.root
        let (width, frames) = (config.width, config.maxSourcePositions)
        let initializer = Initializer.normal(standardDeviation: config.initializerRange)
        first = Conv1d(
            root["conv1"], config.melBins, width, kernel: 3, padding: 1, initializer: initializer)
        second = Conv1d(
            root["conv2"], width, width, kernel: 3, stride: 2, padding: 1,
            initializer: initializer)
        // Sinusoids that no training changes, but as the checkpoint has them.
        positions = root["embed_positions"].buffer("weight", [frames, width], .zeros)
        if root.isInitializing {
            let values = Self.sinusoids(frames: frames, width: width)
            positions.assign(Tensor(values, [frames, width]))
        }
        let shape = TransformerShape(
            width: width, heads: config.headCount, headWidth: width / config.headCount,
            feedForward: config.feedForwardWidth,
            activation: config.activation,
            epsilon: 1e-5, isPreNorm: true, hiddenDropout: config.hiddenDropout,
            attentionDropout: config.attentionDropout,
            activationDropout: config.activationDropout, initializer: initializer,
            clampsHalf: true, names: .whisper)
        layers = LayerStack(
            (0..<config.layerCount).map { TransformerLayer(root["layers"][$0], shape) })
        norm = LayerNorm(root["layer_norm"], width, epsilon: 1e-5)
    }

    /// Sines in the first half of the columns, cosines in the second, of frequencies from 1 down to
    /// 1/10000.
    private static func sinusoids(frames: Int, width: Int) -> [Float] {
        let half = width / 2
        let step = logf(10000) / Float(half - 1)
        let frequencies = (0..<half).map { expf(-step * Float($0)) }
        return (0..<frames).flatMap { frame -> [Float] in
            let angles = frequencies.map { Float(frame) * $0 }
            return angles.map { sinf($0) } + angles.map { cosf($0) }
        }
    }

    /// The configuration.
    public var config: any EncoderConfig { configuration }

    /// Feature frames can be hidden, if the configuration says so.
    public var isMaskable: Bool { configuration.appliesMask }

    /// Runs the encoder on log-mel frames [B, 2 · `max_source_positions`, F].
    ///
    /// * `masked`: [B, T] `bool`; of frame t, the feature frames 2t and 2t + 1 are set to 0.
    public func encode(
        _ input: EncoderInput, masked: Tensor?, request: LayerRequest
    ) -> EncoderOutput {
        let frames = configuration.maxSourcePositions
        precondition(
            input.values.size(1) == 2 * frames,
            "\(input.values.size(1)) feature frames for a window of \(2 * frames)")
        let lengths =
            input.lengths?.map { min(frameCount(inputLength: $0), frames) }
            ?? Array(repeating: frames, count: input.batchSize)
        var output = EncoderOutput(lengths: lengths, outputLengths: lengths)

        var features = input.values
        if let masked, configuration.appliesMask {
            let pairs = masked.unsqueeze(2).expand([-1, -1, 2]).flatten(1, 2)
            features = features.filled(where: pairs.unsqueeze(2), 0)
        }
        var x = first(features.to(precision)).gelu()
        x = second(x).gelu()  // [B, T, D]
        if request.wantsProjectedFeatures { output.projectedFeatures = x }
        x = x + positions.to(x.dtype)
        if isTraining { x = x.dropout(configuration.hiddenDropout) }
        x = layers(x, nil, request: request, isTraining: isTraining, keepingIn: &output)

        let isLastAsked = request.hiddenStates.contains(layerCount)
        guard request.wantsLastHiddenState || isLastAsked else { return output }
        x = norm(x)
        if isLastAsked { output.hiddenStates[layerCount] = x }
        guard request.wantsLastHiddenState else { return output }
        output.encoderOutput = x
        output.lastHiddenState = x
        return output
    }
}
