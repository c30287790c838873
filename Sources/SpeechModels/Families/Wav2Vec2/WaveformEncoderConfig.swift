public import SpeechCore

/// The configuration of a relative of wav2vec 2.0: what it shares with it, and keys of its own.
public protocol WaveformEncoderConfig: EncoderConfig {
    /// Everything that is read and written as wav2vec 2.0's.
    var base: Wav2Vec2Config { get set }
}

extension WaveformEncoderConfig {
    /// Hugging Face's name of the family.
    public var modelType: String { base.modelType }
    /// Hugging Face's name of the family.
    public var baseModelType: String { base.baseModelType }
    /// The sizes of layers, where they have their own.
    public var structure: EncoderStructure? {
        get { base.structure }
        set { base.structure = newValue }
    }
    /// The class of the bare encoder.
    public var architecture: String { base.architecture }
    /// Samples.
    public var featureExtractor: FeatureExtractorConfig.Kind { base.featureExtractor }
    /// One sample.
    public var inputWidth: Int { base.inputWidth }
    /// The channels of the front end.
    public var featureWidth: Int { base.featureWidth }
    /// As in wav2vec 2.0.
    public var modulesBehindLayers: [String] { base.modulesBehindLayers }
    /// `num_hidden_layers`.
    public var layerCount: Int { base.layerCount }
    /// `hidden_size`.
    public var width: Int { base.width }
    /// `num_attention_heads`.
    public var headCount: Int { base.headCount }
    /// `intermediate_size`.
    public var feedForwardWidth: Int { base.feedForwardWidth }
    /// `output_hidden_size` behind an adapter, else `hidden_size`.
    public var outputWidth: Int { base.outputWidth }

    /// Through all strides of the front end.
    public func frameCount(inputLength length: Int) -> Int { base.frameCount(inputLength: length) }

    /// Fewer frames behind an adapter.
    public func outputLength(frames: Int) -> Int { base.outputLength(frames: frames) }

    /// The same with other dimensions; the front end is kept.
    public func resized(layers: Int, width: Int, heads: Int, feedForward: Int) -> Self {
        var config = self
        config.base = base.resized(
            layers: layers, width: width, heads: heads, feedForward: feedForward)
        return config
    }

    /// Without adapters and dropout.
    public func asStudent() -> Self {
        var config = self
        config.base = base.asStudent()
        return config
    }
}
