import Foundation
public import SpeechCore
public import Torch

/// The configuration of Whisper's encoder (`model_type: whisper`).
///
/// Defaults are those of `WhisperConfig`; keys of the decoder are left alone.
public struct WhisperConfig: EncoderConfig {
    /// `d_model`.
    public var width = 384
    /// `encoder_layers`.
    public var layerCount = 4
    /// `encoder_attention_heads`.
    public var headCount = 6
    /// `encoder_ffn_dim`.
    public var feedForwardWidth = 1536
    /// `num_mel_bins`.
    public var melBins = 80
    /// `max_source_positions`: frames of the output, whatever is heard.
    public var maxSourcePositions = 1500
    /// `activation_function` of the layers; the convolutions always have GELU.
    public var activation = Activation.gelu
    /// `dropout`.
    public var hiddenDropout = 0.0
    /// `attention_dropout`.
    public var attentionDropout = 0.0
    /// `activation_dropout`.
    public var activationDropout = 0.0
    /// `init_std`.
    public var initializerRange = 0.02
    /// `apply_spec_augment`: whether masked prediction hides frames.
    public var appliesMask = false

    /// The configuration with all defaults: Whisper tiny.
    public init() {}

    /// Reads `config.json`; missing keys take the class defaults.
    public init(from decoder: any Decoder) throws {
        let c = try decoder.container(keyedBy: ConfigKey.self)
        width = try c.value("d_model", default: width)
        layerCount = try c.value("encoder_layers", default: layerCount)
        headCount = try c.value("encoder_attention_heads", default: headCount)
        feedForwardWidth = try c.value("encoder_ffn_dim", default: feedForwardWidth)
        melBins = try c.value("num_mel_bins", default: melBins)
        maxSourcePositions = try c.value("max_source_positions", default: maxSourcePositions)
        activation = try c.value("activation_function", default: activation)
        hiddenDropout = try c.value("dropout", default: hiddenDropout)
        attentionDropout = try c.value("attention_dropout", default: attentionDropout)
        activationDropout = try c.value("activation_dropout", default: activationDropout)
        initializerRange = try c.value("init_std", default: initializerRange)
        appliesMask = try c.value("apply_spec_augment", default: appliesMask)
    }

    /// Writes every key that this type reads, and what `transformers` needs to choose a class.
    public func encode(to encoder: any Encoder) throws {
        var c = encoder.container(keyedBy: ConfigKey.self)
        try c.encode(modelType, forKey: "model_type")
        try c.encode([architecture], forKey: "architectures")
        try c.encode(width, forKey: "d_model")
        try c.encode(layerCount, forKey: "encoder_layers")
        try c.encode(headCount, forKey: "encoder_attention_heads")
        try c.encode(feedForwardWidth, forKey: "encoder_ffn_dim")
        try c.encode(melBins, forKey: "num_mel_bins")
        try c.encode(maxSourcePositions, forKey: "max_source_positions")
        try c.encode(activation, forKey: "activation_function")
        try c.encode(hiddenDropout, forKey: "dropout")
        try c.encode(attentionDropout, forKey: "attention_dropout")
        try c.encode(activationDropout, forKey: "activation_dropout")
        try c.encode(0.0, forKey: "encoder_layerdrop")
        try c.encode(initializerRange, forKey: "init_std")
        try c.encode(appliesMask, forKey: "apply_spec_augment")
    }
}

extension WhisperConfig {
    /// `whisper`.
    public var modelType: String { "whisper" }
    /// `WhisperEncoder`: `transformers` loads an encoder alone by this class, not by `AutoModel`.
    public var architecture: String { "WhisperEncoder" }
    /// Log-mel spectrograms.
    public var featureExtractor: FeatureExtractorConfig.Kind { .whisper }
    /// `num_mel_bins`.
    public var inputWidth: Int { melBins }
    /// `layers.`.
    public var layerPrefix: String { "layers." }
    /// The final norm.
    public var modulesBehindLayers: [String] { ["layer_norm."] }
    /// `d_model`.
    public var outputWidth: Int { width }

    /// As many mel filters and seconds as the encoder hears.
    public var standardExtractor: FeatureExtractorConfig {
        var config = FeatureExtractorConfig(kind: .whisper)
        config.featureSize = melBins
        let samples = 2 * maxSourcePositions * config.hopLength
        config.chunkLength = max(1, (samples + config.samplingRate - 1) / config.samplingRate)
        return config
    }

    /// Checks that an extractor fills the encoder's window, no more and no less.
    ///
    /// - Throws: `ModelError.invalidConfig` for `chunk_length`.
    func requireWindow(_ extractor: FeatureExtractorConfig, path: String) throws {
        let frames = extractor.chunkLength * extractor.samplingRate / extractor.hopLength
        try ConfigCheck(path: path).require(
            frames == 2 * maxSourcePositions, "chunk_length",
            "seconds of \(2 * maxSourcePositions) feature frames, two for each of "
                + "max_source_positions",
            "\(extractor.chunkLength), which are \(frames)")
    }

    /// Checks dimensions and the keys that only this family has.
    public func validate(path: String) throws {
        let check = ConfigCheck(path: path)
        try check.dimensions(
            of: self,
            keys: .init(
                layers: "encoder_layers", width: "d_model", heads: "encoder_attention_heads",
                feedForward: "encoder_ffn_dim"))
        try check.require(
            width.isMultiple(of: 2) && width >= 4, "d_model", "an even number from 4", width)
        try check.positive("num_mel_bins", melBins, limit: 1 << 10)
        try check.positive("max_source_positions", maxSourcePositions)
        for (key, probability) in [
            ("dropout", hiddenDropout), ("attention_dropout", attentionDropout),
            ("activation_dropout", activationDropout),
        ] { try check.fraction(key, probability) }
        try check.notNegative("init_std", initializerRange)
    }

    /// One for every two feature frames.
    public func frameCount(inputLength length: Int) -> Int { (length + 1) / 2 }

    /// The same.
    public func outputLength(frames: Int) -> Int { frames }

    /// Builds the network.
    public func makeEncoder(in store: ParameterStore) -> any SpeechEncoder {
        WhisperEncoder(self, in: store)
    }

    /// The same with other dimensions; what is heard is kept.
    public func resized(layers: Int, width: Int, heads: Int, feedForward: Int) -> WhisperConfig {
        var config = self
        config.layerCount = layers
        config.width = width
        config.headCount = heads
        config.feedForwardWidth = feedForward
        return config
    }

    /// Without dropout, and with masked prediction.
    public func asStudent() -> WhisperConfig {
        var config = self
        config.hiddenDropout = 0
        config.attentionDropout = 0
        config.activationDropout = 0
        config.appliesMask = true
        return config
    }

    /// Products of matrices and convolutions; activations and norms are left out.
    public func multiplyAccumulates(inputLength features: Int) -> [(part: String, count: Int)] {
        let frames = (features + 1) / 2
        let d = width
        return [
            ("front end", 3 * d * (features * melBins + frames * d)),
            ("feed-forward", frames * layerCount * 2 * d * feedForwardWidth),
            ("attention", frames * layerCount * (4 * d * d + 2 * frames * d)),
        ]
    }
}

extension EncoderFamily {
    /// Whisper's encoder, alone or in a model with its decoder.
    public static let whisper = EncoderFamily(
        modelType: "whisper", prefixes: ["model.encoder.", "encoder."],
        ignored: heads + ["model.decoder.", "decoder.", "proj_out."], renamedSuffixes: [],
        hasRecognizers: false
    ) { try $0.decode(WhisperConfig.self, from: $1) }
}
