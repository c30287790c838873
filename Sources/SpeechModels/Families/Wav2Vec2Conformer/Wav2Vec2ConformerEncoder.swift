public import Torch

extension Wav2Vec2ConformerConfig {
    /// Builds the network (`Wav2Vec2ConformerModel`): wav2vec 2.0 without its positional
    /// convolution, with conformer layers.
    public func makeEncoder(in store: ParameterStore) -> any SpeechEncoder {
        Wav2Vec2Encoder(self, base: base, in: store) { scope in
            let shape = ConformerShape(
                convolution: .centred,
                attention: .init(
                    width: width, heads: headCount, dropout: base.attentionDropout,
                    positions: positionEmbeddings, rotaryFrequencies: rotaryFrequencies(scope)),
                firstFeedForward: feedForwardWidth, feedForward: feedForwardWidth, channels: width,
                activation: base.activation,
                convolutionKernel: convolutionKernel,
                epsilon: 1e-5,  // whatever `layer_norm_eps` says
                hiddenDropout: base.hiddenDropout, activationDropout: base.activationDropout,
                convolutionDropout: convolutionDropout)
            return .init(
                layers: shape.layers(EncoderStructure(of: self), scope["layers"]),
                normIsLast: true)
        }
    }

    /// The frequencies as the checkpoint has them: rounded, where it was saved in half precision.
    private func rotaryFrequencies(_ scope: ParameterScope) -> [Float] {
        guard positionEmbeddings == .rotary else { return [] }
        let headWidth = width / headCount
        let stored = scope["embed_positions"].buffer("inv_freq", [headWidth / 2], .zeros)
        if scope.isInitializing {
            let values = DistanceScores.rotaryFrequencies(width: headWidth, base: rotaryBase)
            stored.assign(Tensor(values, [values.count]))
        }
        return stored.floats()
    }
}
