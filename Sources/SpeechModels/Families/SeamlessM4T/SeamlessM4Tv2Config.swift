import Foundation
public import SpeechCore
public import Torch

/// The configuration of SeamlessM4T v2's speech encoder (`model_type: seamless_m4t_v2`).
///
/// Defaults are those of `SeamlessM4Tv2Config`; keys of text, units and vocoder are left alone.
public struct SeamlessM4Tv2Config: EncoderConfig {
    /// What the network shares with w2v-BERT 2.0, read and written under this family's keys.
    ///
    /// The feed-forward network behind the layers is always there.
    public var base: W2VBertConfig
    /// `speech_encoder_chunk_size`: frames that see each other; null for no bound.
    public var chunkSize: Int? = 20_000
    /// `speech_encoder_left_chunk_num`: earlier chunks that a chunk sees; below 0 for all.
    public var leftChunks = 128

    /// Reads `config.json`; missing keys take the class defaults.
    public init(from decoder: any Decoder) throws {
        let c = try decoder.container(keyedBy: ConfigKey.self)
        var base = W2VBertConfig()
        base.hiddenSize = try c.value("hidden_size", default: base.hiddenSize)
        base.outputHiddenSize = base.hiddenSize
        base.numHiddenLayers = try c.value("speech_encoder_layers", default: base.numHiddenLayers)
        base.numAttentionHeads = try c.value(
            "speech_encoder_attention_heads", default: base.numAttentionHeads)
        base.intermediateSize = try c.value(
            "speech_encoder_intermediate_size", default: base.intermediateSize)
        base.activation = try c.value("speech_encoder_hidden_act", default: base.activation)
        base.inputDimension = try c.value(
            "feature_projection_input_dim", default: base.inputDimension)
        base.layerNormEpsilon = try c.value("layer_norm_eps", default: base.layerNormEpsilon)
        if c.contains("position_embeddings_type") {
            base.positionEmbeddings = try c.decodeIfPresent(
                PositionEmbeddings.self, forKey: "position_embeddings_type")
        }
        base.leftPositions = try c.value(
            "left_max_position_embeddings", default: base.leftPositions)
        base.rightPositions = try c.value(
            "right_max_position_embeddings", default: base.rightPositions)
        base.convolutionKernel = try c.value(
            "conv_depthwise_kernel_size", default: base.convolutionKernel)
        base.hasAdapter = try c.value("add_adapter", default: true)
        base.adapterKernel = try c.value("adaptor_kernel_size", default: 8)
        base.adapterStride = try c.value("adaptor_stride", default: 8)
        base.adapterLayers = try c.value("num_adapter_layers", default: 1)
        base.hasIntermediateFeedForward = true
        base.maskTimeProbability = 0
        self.base = base
        dropout = try c.value("speech_encoder_dropout", default: 0)
        if c.contains("speech_encoder_chunk_size") {
            chunkSize = try c.decodeIfPresent(Int.self, forKey: "speech_encoder_chunk_size")
        }
        leftChunks = try c.value("speech_encoder_left_chunk_num", default: leftChunks)
    }

    /// Writes every key that this type reads, and what `transformers` needs to choose a class.
    public func encode(to encoder: any Encoder) throws {
        var c = encoder.container(keyedBy: ConfigKey.self)
        try c.encode(modelType, forKey: "model_type")
        try c.encode([architecture], forKey: "architectures")
        try c.encode(base.hiddenSize, forKey: "hidden_size")
        try c.encode(base.numHiddenLayers, forKey: "speech_encoder_layers")
        try c.encode(base.numAttentionHeads, forKey: "speech_encoder_attention_heads")
        try c.encode(base.intermediateSize, forKey: "speech_encoder_intermediate_size")
        try c.encode(base.activation, forKey: "speech_encoder_hidden_act")
        try c.encode(dropout, forKey: "speech_encoder_dropout")
        try c.encode(0.0, forKey: "speech_encoder_layerdrop")
        try c.encode(base.inputDimension, forKey: "feature_projection_input_dim")
        try c.encode(base.layerNormEpsilon, forKey: "layer_norm_eps")
        try c.encode(base.positionEmbeddings, forKey: "position_embeddings_type")
        try c.encode(base.leftPositions, forKey: "left_max_position_embeddings")
        try c.encode(base.rightPositions, forKey: "right_max_position_embeddings")
        try c.encode(base.convolutionKernel, forKey: "conv_depthwise_kernel_size")
        try c.encode(base.hasAdapter, forKey: "add_adapter")
        try c.encode(base.adapterKernel, forKey: "adaptor_kernel_size")
        try c.encode(base.adapterStride, forKey: "adaptor_stride")
        try c.encode(base.adapterLayers, forKey: "num_adapter_layers")
        try c.encode(chunkSize, forKey: "speech_encoder_chunk_size")
        try c.encode(leftChunks, forKey: "speech_encoder_left_chunk_num")
    }
}

extension SeamlessM4Tv2Config {
    /// `speech_encoder_dropout`, wherever the speech encoder has dropout.
    public var dropout: Double {
        get { base.hiddenDropout }
        set {
            base.hiddenDropout = newValue
            base.activationDropout = newValue
            base.attentionDropout = newValue
            base.featureProjectionDropout = newValue
            base.convolutionDropout = newValue
        }
    }

    /// `seamless_m4t_v2`.
    public var modelType: String { "seamless_m4t_v2" }
    /// `SeamlessM4Tv2SpeechEncoder`: `transformers` loads an encoder alone by this class, not by
    /// `AutoModel`.
    public var architecture: String { "SeamlessM4Tv2SpeechEncoder" }
    /// Stacked filterbank frames.
    public var featureExtractor: FeatureExtractorConfig.Kind { base.featureExtractor }
    /// `feature_projection_input_dim`.
    public var inputWidth: Int { base.inputWidth }
    /// Two norms, and what shortens the output between them.
    public var modulesBehindLayers: [String] {
        base.modulesBehindLayers + ["encoder.layer_norm.", "inner_layer_norm."]
    }
    /// `speech_encoder_layers`.
    public var layerCount: Int { base.layerCount }
    /// `hidden_size`.
    public var width: Int { base.width }
    /// `speech_encoder_attention_heads`.
    public var headCount: Int { base.headCount }
    /// `speech_encoder_intermediate_size`.
    public var feedForwardWidth: Int { base.feedForwardWidth }
    /// `hidden_size`, also behind the adapter.
    public var outputWidth: Int { base.width }

    /// Checks dimensions and the keys that only this family has.
    public func validate(path: String) throws {
        let check = ConfigCheck(path: path)
        try check.dimensions(
            of: self,
            keys: .init(
                layers: "speech_encoder_layers", heads: "speech_encoder_attention_heads",
                feedForward: "speech_encoder_intermediate_size"))
        try check.positive("feature_projection_input_dim", base.inputDimension)
        try check.require(
            base.convolutionKernel % 2 == 1 && (1...1 << 10).contains(base.convolutionKernel),
            "conv_depthwise_kernel_size", "an odd number up to \(1 << 10)",
            base.convolutionKernel)
        try check.require(
            base.positionEmbeddings == .relativeKey || base.positionEmbeddings == nil,
            "position_embeddings_type", "relative_key or null",
            base.positionEmbeddings?.rawValue ?? "null")
        for (key, count) in [
            ("left_max_position_embeddings", base.leftPositions),
            ("right_max_position_embeddings", base.rightPositions),
        ] {
            try check.require((0...1 << 16).contains(count), key, "0 to \(1 << 16)", count)
        }
        try check.fraction("speech_encoder_dropout", dropout)
        try check.notNegative("layer_norm_eps", base.layerNormEpsilon)
        if let chunkSize {
            try check.positive("speech_encoder_chunk_size", chunkSize, limit: 1 << 30)
        }
        try check.require(
            leftChunks <= 1 << 30, "speech_encoder_left_chunk_num", "at most \(1 << 30)",
            leftChunks)
        if base.hasAdapter {
            try check.positive("num_adapter_layers", base.adapterLayers)
            try check.positive("adaptor_kernel_size", base.adapterKernel)
            try check.positive("adaptor_stride", base.adapterStride)
        }
    }

    /// Feature frames are encoder frames.
    public func frameCount(inputLength length: Int) -> Int { base.frameCount(inputLength: length) }

    /// Fewer frames behind the adapter.
    public func outputLength(frames: Int) -> Int { base.outputLength(frames: frames) }

    /// Builds the network.
    public func makeEncoder(in store: ParameterStore) -> any SpeechEncoder {
        W2VBertEncoder(
            self, base: base, in: store,
            seamless: .init(
                blockEpsilon: 1e-5,  // whatever `layer_norm_eps` says
                chunks: chunkSize.map {
                    AttentionChunks(size: $0, left: leftChunks < 0 ? nil : leftChunks)
                }))
    }

    /// The same with other dimensions.
    public func resized(
        layers: Int, width: Int, heads: Int, feedForward: Int
    ) -> SeamlessM4Tv2Config {
        var config = self
        config.base = base.resized(
            layers: layers, width: width, heads: heads, feedForward: feedForward)
        return config
    }

    /// Without adapter and dropout.
    public func asStudent() -> SeamlessM4Tv2Config {
        var config = self
        config.base.hasAdapter = false
        config.dropout = 0
        return config
    }

    /// Products of matrices and convolutions; activations and norms are left out.
    public func multiplyAccumulates(inputLength frames: Int) -> [(part: String, count: Int)] {
        base.multiplyAccumulates(inputLength: frames)
    }
}

extension EncoderFamily {
    /// SeamlessM4T v2's speech encoder, alone or in a model with everything else.
    public static let seamlessM4Tv2 = EncoderFamily(
        modelType: "seamless_m4t_v2", prefixes: ["speech_encoder."],
        ignored: heads + [
            "shared.", "text_encoder.", "text_decoder.", "t2u_model.", "vocoder.",
        ],
        renamedSuffixes: [], hasRecognizers: false
    ) { try $0.decode(SeamlessM4Tv2Config.self, from: $1) }
}
