public import SpeechCore
public import Torch

/// A small network that is trained on the hidden states of a frozen encoder, to tell how much of
/// speech they hold: what a benchmark keeps the same for every encoder.
public protocol RecognitionProbe {
    /// Its parameters.
    var parameters: ParameterStore { get }
    /// The shares of the encoder's hidden states, [L + 1].
    var layerShares: Tensor { get }
    /// The encoder's frames that a clip needs at least.
    var minimumFrames: Int { get }

    /// The frames that it makes of an encoder's `frames`.
    func outputLength(frames: Int) -> Int

    /// Hidden states 0 … L [B, T, D] to logits [B, T', V] in `float32`.
    ///
    /// * `generator`: of what is hidden in training; nil where nothing is trained, and nothing is
    ///   hidden or dropped then.
    func callAsFunction(
        _ output: EncoderOutput, using generator: inout SeededGenerator?
    ) -> Tensor
}

/// The probes that there are.
public enum ProbeDesign: String, ConfigChoice {
    /// ML-SUPERB 1.0 (arXiv 2305.10615; ESPnet's recipe `ml_superb`).
    case mlSuperb = "ml_superb"
    /// The recognition of SUPERB (arXiv 2105.01051; s3prl's task `asr`).
    case superb

    /// The frames that the probe makes of an encoder's `frames`.
    public func outputLength(frames: Int) -> Int {
        switch self {
        case .mlSuperb: MLSuperbProbe.outputLength(frames: frames)
        case .superb: frames
        }
    }

    /// Builds the probe of an encoder.
    ///
    /// * `vocabularySize`: V, with the blank.
    public func makeProbe(
        of encoder: any SpeechEncoder, vocabularySize: Int, in store: ParameterStore
    ) -> any RecognitionProbe {
        switch self {
        case .mlSuperb:
            MLSuperbProbe(
                layers: encoder.layerCount, width: encoder.width, vocabularySize: vocabularySize,
                in: store)
        case .superb:
            SuperbProbe(
                layers: encoder.layerCount, width: encoder.width, vocabularySize: vocabularySize,
                in: store)
        }
    }
}
