public import SpeechCore

/// What the padding of a batch may do to the clips in it.
public enum PaddingPolicy: Sendable {
    /// Nothing: a clip has the output that it has alone, whatever it is batched with.
    case isolated
    /// What it does in `transformers`: wherever a layer there sees padded samples or frames, it sees
    /// them here.
    ///
    /// Statistics of the waveform front end's GroupNorm, convolutions behind the feature projection
    /// and adapters then let the padding into the frames of a clip, so that its output depends on its
    /// batch.
    case reference
}

extension FeatureExtractor {
    /// The extractor of batches under a policy: itself for `reference`.
    public func following(_ padding: PaddingPolicy) -> any FeatureExtractor {
        padding == .isolated ? independentOfBatch() : self
    }

    /// The same extractor with the features of a clip independent of what it is batched with.
    ///
    /// Only samples can depend on it: checkpoints trained without an attention mask normalise a clip
    /// together with its padding.
    public func independentOfBatch() -> any FeatureExtractor {
        guard config.kind == .wav2vec2 else { return self }
        var config = config
        config.returnsAttentionMask = true
        return config.makeExtractor()
    }
}
