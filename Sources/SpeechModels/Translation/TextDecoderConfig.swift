public import Foundation
public import SpeechCore

/// The architectures of text decoders, by Hugging Face's `model_type`.
public enum TextDecoderKind: String, ConfigChoice {
    /// NLLB-200 and M2M-100: sinusoidal positions, ReLU (`M2M100Decoder`).
    case m2m100 = "m2m_100"
    /// mBART and mBART-50: learned positions and a norm behind the embeddings, GELU (`MBartDecoder`).
    case mbart
}

/// The configuration of a text decoder: what `M2M100Config` and `MBartConfig` say about theirs.
public struct TextDecoderConfig: Codable, Equatable, Sendable {
    /// `model_type`.
    public var kind: TextDecoderKind
    /// `vocab_size`.
    public var vocabularySize: Int
    /// `d_model`.
    public var width = 1024
    /// `decoder_layers`.
    public var layerCount = 12
    /// `decoder_attention_heads`.
    public var headCount = 16
    /// `decoder_ffn_dim`.
    public var feedForwardWidth = 4096
    /// `max_position_embeddings`: the most tokens of mBART; M2M-100 has positions for any number.
    public var maximumPositions = 1024
    /// `activation_function`.
    public var activation: Activation
    /// `dropout`: of embeddings and of what is added to the residual sums.
    public var dropout = 0.1
    /// `attention_dropout`.
    public var attentionDropout: Double
    /// `activation_dropout`.
    public var activationDropout = 0.0
    /// `scale_embedding`: whether embeddings are multiplied by √D.
    public var scalesEmbeddings: Bool
    /// `init_std`: the standard deviation of new weights.
    public var initializerRange = 0.02
    /// `tie_word_embeddings`: whether the embeddings also score the tokens.
    public var tiesEmbeddings = true
    /// `pad_token_id`.
    public var padding = 1
    /// `bos_token_id`.
    public var begin = 0
    /// `eos_token_id`.
    public var end = 2
    /// `decoder_start_token_id`; nil where a target language starts a text (mBART).
    public var start: Int?
    /// `forced_eos_token_id`: what `generate` ends the longest texts with.
    public var forcedEnd: Int?

    /// The defaults of the architecture's class.
    public init(_ kind: TextDecoderKind) {
        self.kind = kind
        let isMBart = kind == .mbart
        vocabularySize = isMBart ? 50265 : 128112
        activation = isMBart ? .gelu : .relu
        attentionDropout = isMBart ? 0 : 0.1
        scalesEmbeddings = !isMBart
        start = isMBart ? nil : 2
        forcedEnd = isMBart ? 2 : nil
    }

    /// The most tokens that a text can have; nil where there is no limit.
    public var maximumLength: Int? { kind == .mbart ? maximumPositions : nil }

    /// The class that `transformers` loads the decoder alone as; nil where it has none.
    public var architecture: String? { kind == .mbart ? "MBartForCausalLM" : nil }

    /// Reads `config.json`; missing keys take the class defaults.
    public init(from decoder: any Decoder) throws {
        let c = try decoder.container(keyedBy: ConfigKey.self)
        self.init(try c.decode(TextDecoderKind.self, forKey: "model_type"))
        vocabularySize = try c.value("vocab_size", default: vocabularySize)
        width = try c.value("d_model", default: width)
        layerCount = try c.value("decoder_layers", default: layerCount)
        headCount = try c.value("decoder_attention_heads", default: headCount)
        feedForwardWidth = try c.value("decoder_ffn_dim", default: feedForwardWidth)
        maximumPositions = try c.value("max_position_embeddings", default: maximumPositions)
        activation = try c.value("activation_function", default: activation)
        dropout = try c.value("dropout", default: dropout)
        attentionDropout = try c.value("attention_dropout", default: attentionDropout)
        activationDropout = try c.value("activation_dropout", default: activationDropout)
        scalesEmbeddings = try c.value("scale_embedding", default: scalesEmbeddings)
        initializerRange = try c.value("init_std", default: initializerRange)
        tiesEmbeddings = try c.value("tie_word_embeddings", default: tiesEmbeddings)
        padding = try c.value("pad_token_id", default: padding)
        begin = try c.value("bos_token_id", default: begin)
        end = try c.value("eos_token_id", default: end)
        // Null means that there is none, which is not what a missing key means.
        if c.contains("decoder_start_token_id") {
            start = try c.decodeIfPresent(Int.self, forKey: "decoder_start_token_id")
        }
        if c.contains("forced_eos_token_id") {
            forcedEnd = try c.decodeIfPresent(Int.self, forKey: "forced_eos_token_id")
        }
    }

    /// Writes the configuration of the decoder alone, as `transformers` puts it into that of a
    /// `SpeechEncoderDecoderModel`.
    public func encode(to encoder: any Encoder) throws {
        var c = encoder.container(keyedBy: ConfigKey.self)
        try c.encode(kind, forKey: "model_type")
        try c.encodeIfPresent(architecture.map { [$0] }, forKey: "architectures")
        try c.encode(true, forKey: "is_decoder")
        try c.encode(true, forKey: "add_cross_attention")
        try c.encode(false, forKey: "is_encoder_decoder")
        try c.encode(vocabularySize, forKey: "vocab_size")
        try c.encode(width, forKey: "d_model")
        // `transformers` finds the sizes of a lone decoder's cache under the encoder's keys.
        for part in ["decoder", "encoder"] {
            try c.encode(layerCount, forKey: ConfigKey(stringValue: "\(part)_layers"))
            try c.encode(headCount, forKey: ConfigKey(stringValue: "\(part)_attention_heads"))
            try c.encode(feedForwardWidth, forKey: ConfigKey(stringValue: "\(part)_ffn_dim"))
            try c.encode(0.0, forKey: ConfigKey(stringValue: "\(part)_layerdrop"))
        }
        try c.encode(maximumPositions, forKey: "max_position_embeddings")
        try c.encode(activation, forKey: "activation_function")
        try c.encode(dropout, forKey: "dropout")
        try c.encode(attentionDropout, forKey: "attention_dropout")
        try c.encode(activationDropout, forKey: "activation_dropout")
        try c.encode(scalesEmbeddings, forKey: "scale_embedding")
        try c.encode(initializerRange, forKey: "init_std")
        try c.encode(tiesEmbeddings, forKey: "tie_word_embeddings")
        try c.encode(padding, forKey: "pad_token_id")
        try c.encode(begin, forKey: "bos_token_id")
        try c.encode(end, forKey: "eos_token_id")
        try c.encode(start, forKey: "decoder_start_token_id")
        try c.encode(forcedEnd, forKey: "forced_eos_token_id")
    }
}

extension TextDecoderConfig {
    /// Reads and checks the configuration of an encoder-decoder checkpoint.
    ///
    /// - Throws: `ModelError.invalidConfig` naming the key.
    public init(data: Data, path: String) throws {
        do {
            self = try JSONDecoder().decode(TextDecoderConfig.self, from: data)
        } catch let error as DecodingError {
            throw EncoderFamily.invalidConfig(error, path: path)
        }
        try validate(path: path)
    }

    /// Whether its width can hold sinusoidal positions.
    var hasSinusoids: Bool { width.isMultiple(of: 2) && width > 2 }

    /// Checks that a decoder can be built.
    ///
    /// - Throws: `ModelError.invalidConfig` naming the key.
    public func validate(path: String) throws {
        let check = ConfigCheck(path: path)
        try check.positive("vocab_size", vocabularySize, limit: 1 << 24)
        try check.positive("d_model", width)
        try check.positive("decoder_layers", layerCount, limit: 1 << 10)
        try check.positive("decoder_attention_heads", headCount)
        try check.positive("decoder_ffn_dim", feedForwardWidth)
        try check.positive("max_position_embeddings", maximumPositions, limit: 1 << 20)
        try check.require(
            width.isMultiple(of: headCount), "decoder_attention_heads",
            "a divisor of d_model \(width)", headCount)
        if kind == .m2m100 {
            try check.require(
                hasSinusoids, "d_model",
                "an even number above 2 for sinusoidal positions", width)
        }
        for (key, probability) in [
            ("dropout", dropout), ("attention_dropout", attentionDropout),
            ("activation_dropout", activationDropout),
        ] { try check.fraction(key, probability) }
        try check.notNegative("init_std", initializerRange)
        let tokens: [(key: String, id: Int?)] = [
            ("pad_token_id", padding), ("bos_token_id", begin), ("eos_token_id", end),
            ("decoder_start_token_id", start), ("forced_eos_token_id", forcedEnd),
        ]
        for case (let key, let id?) in tokens {
            try check.require(
                (0..<vocabularySize).contains(id), key,
                "a token of the \(vocabularySize) of vocab_size", id)
        }
    }
}
