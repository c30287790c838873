public import SpeechCore
import SpeechModels
public import Torch

/// What of a teacher layer the student predicts.
public struct TargetFeature: Codable, Equatable, Sendable {
    /// Where in the layer the feature is taken.
    public enum Feature: String, ConfigChoice {
        /// The output of the feed-forward network before scaling and residual sum; of a conformer
        /// layer the second one.
        case feedForward = "feed_forward"
        /// The output of the layer.
        case layerOutput = "layer_output"
    }

    /// How features are normalised, without learned parameters and over valid frames only.
    public enum Normalization: String, ConfigChoice {
        case none
        /// Every frame over channels.
        case layer
        /// Every channel of an utterance over time (data2vec).
        case instance
        /// Subtracts the utterance's mean.
        case center
    }

    /// Where in the layer the feature is taken.
    public var feature = Feature.feedForward
    /// How it is normalised.
    public var normalization = Normalization.none

    /// Feed-forward features as they are.
    public init(feature: Feature = .feedForward, normalization: Normalization = .none) {
        self.feature = feature
        self.normalization = normalization
    }

    /// Normalises the features of one teacher layer.
    ///
    /// - Parameters:
    ///   - features: [B, T, D].
    ///   - valid: [B, T] `bool`, nil where every frame is valid.
    /// - Returns: [B, T, D] in `float32`, or `float64` if the features are.
    public func normalized(_ features: Tensor, valid: Tensor?) -> Tensor {
        let x = features.dtype == .float64 ? features : features.to(.float32)
        let epsilon = 1e-5
        switch normalization {
        case .none:
            return x
        case .layer:
            return x.layerNorm(nil, nil, epsilon: epsilon)
        case .instance:
            let centred = x - Self.mean(x, valid)
            let variance = Self.mean(centred * centred, valid)
            return centred / (variance + epsilon).squareRoot()
        case .center:
            return x - Self.mean(x, valid)
        }
    }

    /// What a teacher is asked for.
    func request(_ layers: Set<Int>) -> LayerRequest {
        LayerRequest(
            hiddenStates: feature == .layerOutput ? layers : [],
            feedForward: feature == .feedForward ? layers : [], wantsLastHiddenState: false)
    }

    /// The normalised features of one layer at some frames.
    ///
    /// * `select`: [B, T, D] to the chosen rows [B · M, D].
    /// - Returns: [B · M, D] in `float32`.
    func rows(
        of output: EncoderOutput, layer: Int, choosing select: (Tensor) -> Tensor
    ) -> Tensor {
        let features =
            feature == .feedForward ? output.feedForward[layer]! : output.hiddenStates[layer]!
        switch normalization {
        case .none, .layer:
            // Every frame for itself: only the chosen ones are worth normalising.
            return normalized(select(features), valid: nil)
        case .instance, .center:
            let frames = features.size(1)
            let isFull = output.lengths.allSatisfy { $0 == frames }
            let valid =
                isFull
                ? nil : Tensor.validFrames(output.lengths, of: frames, device: features.device)
            return select(normalized(features, valid: valid))
        }
    }

    /// The mean of each utterance over its valid frames, [B, 1, D].
    private static func mean(_ x: Tensor, _ valid: Tensor?) -> Tensor {
        guard let valid else { return x.mean([1], keepDimensions: true) }
        let weights = valid.unsqueeze(2).to(x.dtype)  // [B, T, 1]
        return (x * weights).sum([1], keepDimensions: true)
            / weights.sum([1], keepDimensions: true).clamped(min: 1.0)
    }
}
