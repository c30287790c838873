import Foundation

/// The configuration of wav2vec 2.0 with conformer layers; defaults are those of
/// `Wav2Vec2ConformerConfig`.
public struct Wav2Vec2ConformerConfig: WaveformEncoderConfig, StructuredConfig {
    /// Everything that is read and written as wav2vec 2.0's.
    public var base: Wav2Vec2Config
    /// `position_embeddings_type`: `relative`, `rotary`, or null for none.
    public var positionEmbeddings: PositionEmbeddings? = .relative
    /// `rotary_embedding_base`.
    public var rotaryBase = 10000.0
    /// `conv_depthwise_kernel_size`.
    public var convolutionKernel = 31
    /// `conformer_conv_dropout`.
    public var convolutionDropout = 0.1

    /// Reads `config.json`; missing keys take the class defaults.
    public init(from decoder: any Decoder) throws {
        var defaults = Wav2Vec2Config()
        defaults.dialect = .wav2Vec2Conformer
        base = try Wav2Vec2Config(from: decoder, defaults: defaults)
        let c = try decoder.container(keyedBy: ConfigKey.self)
        if c.contains("position_embeddings_type") {
            positionEmbeddings = try c.decodeIfPresent(
                PositionEmbeddings.self, forKey: "position_embeddings_type")
        }
        rotaryBase = try c.value("rotary_embedding_base", default: rotaryBase)
        convolutionKernel = try c.value("conv_depthwise_kernel_size", default: convolutionKernel)
        convolutionDropout = try c.value("conformer_conv_dropout", default: convolutionDropout)
    }

    /// Writes every key that this type reads, and what `transformers` needs to choose a class.
    public func encode(to encoder: any Encoder) throws {
        try base.encode(to: encoder)
        var c = encoder.container(keyedBy: ConfigKey.self)
        try c.encode(positionEmbeddings, forKey: "position_embeddings_type")
        try c.encode(rotaryBase, forKey: "rotary_embedding_base")
        try c.encode(convolutionKernel, forKey: "conv_depthwise_kernel_size")
        try c.encode(convolutionDropout, forKey: "conformer_conv_dropout")
    }

    /// Checks dimensions and the keys that only this family has.
    public func validate(path: String) throws {
        try base.validateKeys(path: path)
        try structure?.validate(for: self, path: path)
        let check = ConfigCheck(path: path)
        try check.require(
            positionEmbeddings != .relativeKey, "position_embeddings_type",
            "relative, rotary or null", "relative_key")
        try check.require(
            convolutionKernel % 2 == 1 && (1...1 << 10).contains(convolutionKernel),
            "conv_depthwise_kernel_size", "an odd number up to \(1 << 10)", convolutionKernel)
        try check.fraction("conformer_conv_dropout", convolutionDropout)
        try check.require(rotaryBase > 0, "rotary_embedding_base", "above 0", rotaryBase)
        if positionEmbeddings == .relative {
            try check.require(
                width.isMultiple(of: 2), "hidden_size", "an even number for relative positions",
                width)
        }
        if positionEmbeddings == .rotary {
            try check.require(
                (width / headCount).isMultiple(of: 2), "num_attention_heads",
                "an even head width for rotary positions", headCount)
        }
    }

    /// Layers are conformers'.
    public var hasConformerLayers: Bool { true }

    /// The adapter and the encoder's norm.
    public var modulesBehindLayers: [String] { ["adapter.", "encoder.layer_norm."] }

    /// Without adapter and dropout.
    public func asStudent() -> Wav2Vec2ConformerConfig {
        var config = self
        config.base = base.asStudent()
        config.convolutionDropout = 0
        return config
    }

    /// Products of matrices and convolutions; activations and norms are left out.
    public func multiplyAccumulates(inputLength samples: Int) -> [(part: String, count: Int)] {
        let frames = frameCount(inputLength: samples)
        return base.multiplyAccumulates(inputLength: samples).filter {
            ["front end", "feature projection"].contains($0.part)
        }
            + ConformerLayer.multiplyAccumulates(
                of: self, frames: frames, positions: positionEmbeddings, kernel: convolutionKernel)
    }
}

extension Wav2Vec2Dialect {
    /// wav2vec 2.0 with conformer layers.
    static let wav2Vec2Conformer = Wav2Vec2Dialect(
        modelType: "wav2vec2-conformer", architecture: "Wav2Vec2ConformerModel",
        keys: [.frontEndNorm, .adapter])
}

extension EncoderFamily {
    /// wav2vec 2.0 with conformer layers.
    public static let wav2Vec2Conformer = EncoderFamily(
        modelType: "wav2vec2-conformer", prefixes: ["wav2vec2_conformer."],
        // The positional convolution is stored and never used.
        ignored: heads + [
            "quantizer.", "project_hid.", "project_q.", "masked_spec_embed",
            "encoder.pos_conv_embed.",
        ],
        renamedSuffixes: weightNormNames
    ) { try $0.decode(Wav2Vec2ConformerConfig.self, from: $1) }
}
