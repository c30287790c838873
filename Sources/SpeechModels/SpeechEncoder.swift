public import SpeechCore
public import Torch

/// A network that turns features into hidden states, one family behind one face.
public protocol SpeechEncoder: AnyObject {
    /// The configuration that it was built from.
    var config: any EncoderConfig { get }
    /// All its parameters and buffers, by Hugging Face's names without a prefix.
    var parameters: ParameterStore { get }
    /// The type that layers compute in. Parameters keep their own type; statistics of
    /// normalisation and softmax are taken in `float32` in any case.
    var precision: DType { get set }
    /// Whether dropout is active.
    var isTraining: Bool { get set }
    /// Whether frames can be hidden from it.
    var isMaskable: Bool { get }

    /// Runs the encoder.
    ///
    /// * `masked`: [B, T] `bool`; the projected features of these frames are replaced by
    ///   `masked_spec_embed` (masked prediction). Families without that vector hear zeros there.
    /// * `request`: what the result is to hold.
    func encode(_ input: EncoderInput, masked: Tensor?, request: LayerRequest) -> EncoderOutput
}

extension SpeechEncoder {
    /// Whether there is a vector for masked frames.
    public var isMaskable: Bool { parameters["masked_spec_embed"] != nil }
    /// The number of layers.
    public var layerCount: Int { config.layerCount }
    /// The width D of the hidden states.
    public var width: Int { config.width }
    /// The number of frames that an input of `length` samples or feature frames gives.
    public func frameCount(inputLength length: Int) -> Int {
        config.frameCount(inputLength: length)
    }
    /// The number of frames of `lastHiddenState` for `frames` encoder frames (fewer behind an
    /// adapter).
    public func outputLength(frames: Int) -> Int { config.outputLength(frames: frames) }

    /// Runs the encoder on unmasked input.
    public func encode(_ input: EncoderInput, request: LayerRequest = .last) -> EncoderOutput {
        encode(input, masked: nil, request: request)
    }
}

/// An encoder whose frames come out of convolutions over samples.
public protocol WaveformEncoder: SpeechEncoder {
    /// What gradients of these convolutions are multiplied by in training, 0 to leave them as they
    /// are (`feature_grad_mult` of wav2vec 2.0).
    var frontEndGradient: Double { get set }
}

/// A batch as an encoder takes it.
public struct EncoderInput {
    /// Samples [B, N], or feature frames [B, T, F]; `float32`.
    public let values: Tensor
    /// Valid samples or feature frames of each clip, the rest is padding on the right; nil treats
    /// everything as valid.
    public let lengths: [Int]?
    /// Samples or feature frames that each clip has when it is alone, masked ones included.
    ///
    /// A clip of an odd number of filterbank frames ends in a stacked frame that is half padding, which
    /// its mask leaves out and w2v-BERT's adapter sees.
    public let inputLengths: [Int]
    /// What the rest of the batch may do to a clip.
    public let padding: PaddingPolicy

    /// * `lengths`: nil, or all equal to the padded length, runs without any mask.
    /// * `inputLengths`: nil where they are the lengths.
    public init(
        values: Tensor, lengths: [Int]?, inputLengths: [Int]? = nil,
        padding: PaddingPolicy = .isolated
    ) {
        self.values = values
        let padded = values.size(1)
        self.lengths = lengths?.allSatisfy { $0 == padded } == true ? nil : lengths
        self.inputLengths =
            inputLengths ?? lengths ?? Array(repeating: padded, count: values.size(0))
        self.padding = padding
    }

    /// Brings extracted features to a device.
    ///
    /// Models that were trained without an attention mask are told what is valid all the same, so that
    /// padding can be kept apart; only `reference` runs them without a mask.
    ///
    /// * `padding`: of the policy that the extractor followed (`FeatureExtractor.following`).
    public init(
        _ features: SpeechFeatures, device: Device = .cpu, padding: PaddingPolicy = .isolated
    ) {
        let lengths: [Int]? =
            if features.usesAttentionMask { features.lengths } else {
                padding == .isolated ? features.inputLengths : nil
            }
        self.init(
            values: Tensor(features.values, features.shape, device: device),
            lengths: lengths, inputLengths: features.inputLengths, padding: padding)
    }

    /// The number of clips.
    public var batchSize: Int { values.size(0) }

    /// `lengths` where padding must not be seen, nil where it may.
    var isolatedLengths: [Int]? { padding == .isolated ? lengths : nil }

    /// Valid frames of each clip behind a front end that makes `count` of a number of samples or
    /// feature frames.
    ///
    /// Every clip must give one: attention over no frame at all has no value.
    func frameLengths(_ frames: Int, _ count: (Int) -> Int) -> [Int] {
        guard let lengths else { return Array(repeating: frames, count: batchSize) }
        let result = lengths.map(count)
        precondition(
            result.allSatisfy { $0 > 0 },
            "clips of \(lengths) samples or feature frames give "
                + "\(result) frames; expected at least one each")
        return result
    }
}

/// What an encoder is asked to return.
public struct LayerRequest: Sendable {
    /// Hidden states to keep: 0 is the input of the first layer, i the output of layer i.
    public var hiddenStates: Set<Int>
    /// Layers, counted from 1, whose feed-forward features to keep.
    public var feedForward: Set<Int>
    /// What the gradient of a layer's output is multiplied by, by layer counted from 1; 1 for others.
    public var gradientScales: [Int: Double] = [:]
    /// Whether the final output is needed; without it the encoder stops after the last layer that
    /// anybody asked for.
    public var wantsLastHiddenState: Bool
    /// Whether the features in front of the projection are needed, which pre-training quantises.
    public var wantsFeatures: Bool
    /// Whether to keep the features as they are projected to the width of the layers, before
    /// positions and norms.
    public var wantsProjectedFeatures: Bool
    /// Layers, counted from 1, that are left out: what they are given is their output (LayerDrop).
    public var droppedLayers: Set<Int> = []
    /// Channels of the projected features, by clip, that are zero in all frames (SpecAugment); empty
    /// for none.
    public var maskedChannels: [[Int]] = []

    /// Asks for the given layers.
    public init(
        hiddenStates: Set<Int> = [], feedForward: Set<Int> = [], wantsLastHiddenState: Bool = true,
        wantsFeatures: Bool = false, wantsProjectedFeatures: Bool = false
    ) {
        self.hiddenStates = hiddenStates
        self.feedForward = feedForward
        self.wantsLastHiddenState = wantsLastHiddenState
        self.wantsFeatures = wantsFeatures
        self.wantsProjectedFeatures = wantsProjectedFeatures
    }

    /// Only the final output.
    public static let last = LayerRequest()

    /// Everything that an encoder of `layers` layers computes.
    public static func all(layers: Int) -> LayerRequest {
        LayerRequest(hiddenStates: Set(0...layers), feedForward: Set(1...layers))
    }

    /// The last layer that has to run in an encoder of `layers` layers.
    func lastNeededLayer(of layers: Int) -> Int {
        wantsLastHiddenState
            ? layers : min(layers, max(hiddenStates.max() ?? 0, feedForward.max() ?? 0))
    }
}

/// All that an encoder was asked for.
public struct EncoderOutput {
    /// [B, T, D] by position: 0 is the input of the first layer, i the output of layer i.
    ///
    /// The last one of families with a final LayerNorm is taken before it, as in `transformers` 5;
    /// Whisper's alone is the last hidden state.
    public internal(set) var hiddenStates: [Int: Tensor] = [:]
    /// [B, T, D] by layer, counted from 1: the output of the feed-forward network (the second one
    /// of a conformer layer) before scaling and residual sum.
    public internal(set) var feedForward: [Int: Tensor] = [:]
    /// [B, T, D], what the front end's features are projected to, masked frames replaced and, in
    /// SEW, frames squeezed, before positions are added; nil if the request did not ask for it.
    public internal(set) var projectedFeatures: Tensor?
    /// [B, T', D'], behind the final LayerNorm and the adapter where there are any; nil if the
    /// request did not ask for it.
    public internal(set) var lastHiddenState: Tensor?
    /// [B, T, D], behind the final LayerNorm and before the adapter; nil if the request did not ask
    /// for the last hidden state.
    public internal(set) var encoderOutput: Tensor?
    /// [B, T, F], what the projection makes hidden states of: normalised, never masked, with the mean of
    /// those that become one hidden state; nil if the request did not ask for it, and of Whisper.
    public internal(set) var features: Tensor?
    /// [B, T, F], the output of a waveform front end before its norm; nil where there is none, and if
    /// the request did not ask for features.
    public internal(set) var frontEndFeatures: Tensor?
    /// Valid frames of each clip in hidden states and feed-forward features.
    public internal(set) var lengths: [Int]
    /// Valid frames of each clip in `lastHiddenState`.
    public internal(set) var outputLengths: [Int]

    /// The same with other hidden states and feed-forward features.
    public func replacingLayers(
        hiddenStates: [Int: Tensor], feedForward: [Int: Tensor]
    ) -> EncoderOutput {
        var output = self
        output.hiddenStates = hiddenStates
        output.feedForward = feedForward
        return output
    }
}

extension Tensor {
    /// [B, T] `bool`, true for the first `lengths[b]` frames of clip b.
    public static func validFrames(_ lengths: [Int], of frames: Int, device: Device) -> Tensor {
        let values = lengths.flatMap { length in (0..<frames).map { $0 < length } }
        return Tensor(values, [lengths.count, frames], device: device)
    }
}
