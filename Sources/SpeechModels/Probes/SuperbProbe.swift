public import SpeechCore
public import Torch

/// SUPERB's recogniser: a projection to 1024 channels and two bidirectional LSTM layers of width 1024
/// with dropout 0.2 between them, trained with SpecAugment on the mixture (s3prl, `downstream/asr`).
public struct SuperbProbe: RecognitionProbe {
    /// All parameters.
    public let parameters: ParameterStore
    private let mixture: LayerMixture
    private let projector, scores: Linear
    private let recurrent: BidirectionalLSTM

    private static let width = 1024
    private static let dropout = 0.2

    /// * `layers`, `width`: of the encoder.
    /// * `vocabularySize`: V, with the blank.
    public init(layers: Int, width: Int, vocabularySize: Int, in store: ParameterStore) {
        parameters = store
        let root = store.root
        mixture = LayerMixture(root["featurizer"], layers: layers)
        projector = Linear(
            root["projector"], width, Self.width, initializer: .uniform(fanIn: width))
        recurrent = BidirectionalLSTM(
            root["model.rnns"], Self.width, width: Self.width, layers: 2, dropout: Self.dropout)
        scores = Linear(
            root["model.linear"], 2 * Self.width, vocabularySize,
            initializer: .uniform(fanIn: 2 * Self.width))
    }

    /// The mixture's.
    public var layerShares: Tensor { mixture.shares }
    /// One.
    public var minimumFrames: Int { 1 }
    /// As many.
    public func outputLength(frames: Int) -> Int { frames }

    /// Hidden states to logits [B, T, V].
    public func callAsFunction(
        _ output: EncoderOutput, using generator: inout SeededGenerator?
    ) -> Tensor {
        let isTraining = generator != nil
        var features = mixture(output)
        if generator != nil {
            features = FeatureWarp.superb(features, lengths: output.lengths, using: &generator!)
        }
        var states = recurrent(
            projector(features), lengths: output.lengths, isTraining: isTraining)
        if isTraining { states = states.dropout(Self.dropout) }
        return scores(states)
    }
}
