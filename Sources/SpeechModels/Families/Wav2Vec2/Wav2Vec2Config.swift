import Foundation
public import SpeechCore
public import Torch

/// The configuration of wav2vec 2.0 (base, large, XLS-R, MMS), HuBERT and UniSpeech-SAT, and what
/// those of their relatives have in common with it; defaults are those of `Wav2Vec2Config`.
public struct Wav2Vec2Config: StructuredConfig {
    /// What the family is called, and which keys it has.
    public var dialect = Wav2Vec2Dialect.wav2Vec2
    /// `hidden_size`.
    public var hiddenSize = 768
    /// `num_hidden_layers`.
    public var numHiddenLayers = 12
    /// `num_attention_heads`.
    public var numAttentionHeads = 12
    /// `intermediate_size`.
    public var intermediateSize = 3072
    /// `hidden_act`.
    public var activation = Activation.gelu
    /// `layer_norm_eps`; the waveform front end always uses 1e-5.
    public var layerNormEpsilon = 1e-5
    /// `conv_dim`, `conv_kernel`, `conv_stride`, `conv_bias`, `feat_extract_norm`,
    /// `feat_extract_activation`.
    public var frontEnd = WaveformConvolutions(
        channels: Array(repeating: 512, count: 7), kernels: [10, 3, 3, 3, 3, 2, 2],
        strides: [5, 2, 2, 2, 2, 2, 2], hasBias: false, norm: .group, activation: .gelu)
    /// `feat_proj_layer_norm` (HuBERT).
    public var projectionHasNorm = true
    /// `num_conv_pos_embeddings`: taps of the positional convolution.
    public var positionalKernel = 128
    /// `num_conv_pos_embedding_groups`.
    public var positionalGroups = 16
    /// `conv_pos_batch_norm` (HuBERT).
    public var positionalBatchNorm = false
    /// `do_stable_layer_norm`: norms before attention and feed-forward network.
    public var isPreNorm = false
    /// `hidden_dropout`.
    public var hiddenDropout = 0.1
    /// `activation_dropout`.
    public var activationDropout = 0.1
    /// `attention_dropout`.
    public var attentionDropout = 0.1
    /// `feat_proj_dropout`.
    public var featureProjectionDropout = 0.0
    /// `apply_spec_augment`: whether masked prediction replaces frames.
    public var appliesMask = true
    /// `mask_time_prob`; `masked_spec_embed` exists if this or the next is positive.
    public var maskTimeProbability = 0.05
    /// `mask_feature_prob`.
    public var maskFeatureProbability = 0.0
    /// `add_adapter`.
    public var hasAdapter = false
    /// `adapter_kernel_size`.
    public var adapterKernel = 3
    /// `adapter_stride`.
    public var adapterStride = 2
    /// `num_adapter_layers`.
    public var adapterLayers = 3
    /// `output_hidden_size`.
    public var outputHiddenSize = 768
    /// `adapter_attn_dim`: the width of MMS's language adapters.
    public var languageAdapterWidth: Int?
    /// `initializer_range`.
    public var initializerRange = 0.02
    /// `structure`, where layers have sizes of their own.
    public var structure: EncoderStructure?

    /// The configuration with all defaults: wav2vec 2.0 base.
    public init() {}

    /// Reads `config.json`; missing keys take the class defaults.
    ///
    /// It is read as wav2vec 2.0's, or as the family's that `EncoderFamily` reads.
    public init(from decoder: any Decoder) throws {
        var defaults = Wav2Vec2Config()
        if let dialect = decoder.userInfo[.wav2Vec2Dialect] as? Wav2Vec2Dialect {
            defaults.dialect = dialect
        }
        try self.init(from: decoder, defaults: defaults)
    }

    /// Reads `config.json`; missing keys take the values of `defaults`, whose dialect says which keys
    /// there are.
    init(from decoder: any Decoder, defaults: Wav2Vec2Config) throws {
        self = defaults
        let c = try decoder.container(keyedBy: ConfigKey.self)
        hiddenSize = try c.value("hidden_size", default: hiddenSize)
        numHiddenLayers = try c.value("num_hidden_layers", default: numHiddenLayers)
        numAttentionHeads = try c.value("num_attention_heads", default: numAttentionHeads)
        intermediateSize = try c.value("intermediate_size", default: intermediateSize)
        activation = try c.value("hidden_act", default: activation)
        layerNormEpsilon = try c.value("layer_norm_eps", default: layerNormEpsilon)
        frontEnd.channels = try c.value("conv_dim", default: frontEnd.channels)
        frontEnd.kernels = try c.value("conv_kernel", default: frontEnd.kernels)
        frontEnd.strides = try c.value("conv_stride", default: frontEnd.strides)
        frontEnd.hasBias = try c.value("conv_bias", default: frontEnd.hasBias)
        if dialect.keys.contains(.frontEndNorm) {
            frontEnd.norm = try c.value("feat_extract_norm", default: frontEnd.norm)
        }
        frontEnd.activation = try c.value(
            "feat_extract_activation", default: frontEnd.activation)
        positionalKernel = try c.value(dialect.positionalKernelKey, default: positionalKernel)
        positionalGroups = try c.value(
            "num_conv_pos_embedding_groups", default: positionalGroups)
        if dialect.keys.contains(.optionalNorms) {
            projectionHasNorm = try c.value("feat_proj_layer_norm", default: projectionHasNorm)
            positionalBatchNorm = try c.value("conv_pos_batch_norm", default: positionalBatchNorm)
        }
        if dialect.keys.contains(.normOrder) {
            isPreNorm = try c.value("do_stable_layer_norm", default: isPreNorm)
        }
        hiddenDropout = try c.value("hidden_dropout", default: hiddenDropout)
        activationDropout = try c.value("activation_dropout", default: activationDropout)
        attentionDropout = try c.value("attention_dropout", default: attentionDropout)
        featureProjectionDropout = try c.value(
            "feat_proj_dropout", default: featureProjectionDropout)
        appliesMask = try c.value("apply_spec_augment", default: appliesMask)
        maskTimeProbability = try c.value("mask_time_prob", default: maskTimeProbability)
        maskFeatureProbability = try c.value("mask_feature_prob", default: maskFeatureProbability)
        outputHiddenSize = hiddenSize
        if dialect.keys.contains(.adapter) {
            hasAdapter = try c.value("add_adapter", default: hasAdapter)
            adapterKernel = try c.value("adapter_kernel_size", default: adapterKernel)
            adapterStride = try c.value("adapter_stride", default: adapterStride)
            adapterLayers = try c.value("num_adapter_layers", default: adapterLayers)
            outputHiddenSize = try c.value("output_hidden_size", default: hiddenSize)
        }
        if dialect.keys.contains(.languageAdapters) {
            languageAdapterWidth = try c.decodeIfPresent(Int.self, forKey: "adapter_attn_dim")
        }
        initializerRange = try c.value("initializer_range", default: initializerRange)
        structure = try c.structure()
    }

    /// Writes every key that this type reads, and what `transformers` needs to choose a class.
    public func encode(to encoder: any Encoder) throws {
        var c = encoder.container(keyedBy: ConfigKey.self)
        try c.encodeType(of: self)
        try c.encode(hiddenSize, forKey: "hidden_size")
        try c.encode(numHiddenLayers, forKey: "num_hidden_layers")
        try c.encode(numAttentionHeads, forKey: "num_attention_heads")
        try c.encode(intermediateSize, forKey: "intermediate_size")
        try c.encode(activation, forKey: "hidden_act")
        try c.encode(layerNormEpsilon, forKey: "layer_norm_eps")
        try c.encode(frontEnd.channels, forKey: "conv_dim")
        try c.encode(frontEnd.kernels, forKey: "conv_kernel")
        try c.encode(frontEnd.strides, forKey: "conv_stride")
        try c.encode(frontEnd.channels.count, forKey: "num_feat_extract_layers")
        try c.encode(frontEnd.hasBias, forKey: "conv_bias")
        if dialect.keys.contains(.frontEndNorm) {
            try c.encode(frontEnd.norm, forKey: "feat_extract_norm")
        }
        try c.encode(frontEnd.activation, forKey: "feat_extract_activation")
        try c.encode(positionalKernel, forKey: dialect.positionalKernelKey)
        try c.encode(positionalGroups, forKey: "num_conv_pos_embedding_groups")
        if dialect.keys.contains(.normOrder) {
            try c.encode(isPreNorm, forKey: "do_stable_layer_norm")
        }
        try c.encode(hiddenDropout, forKey: "hidden_dropout")
        try c.encode(activationDropout, forKey: "activation_dropout")
        try c.encode(attentionDropout, forKey: "attention_dropout")
        try c.encode(featureProjectionDropout, forKey: "feat_proj_dropout")
        try c.encode(0.0, forKey: "layerdrop")
        try c.encode(appliesMask, forKey: "apply_spec_augment")
        try c.encode(maskTimeProbability, forKey: "mask_time_prob")
        try c.encode(maskFeatureProbability, forKey: "mask_feature_prob")
        try c.encode(initializerRange, forKey: "initializer_range")
        if dialect.keys.contains(.optionalNorms) {
            try c.encode(projectionHasNorm, forKey: "feat_proj_layer_norm")
            try c.encode(positionalBatchNorm, forKey: "conv_pos_batch_norm")
        }
        if dialect.keys.contains(.adapter) {
            try c.encode(hasAdapter, forKey: "add_adapter")
            try c.encode(adapterKernel, forKey: "adapter_kernel_size")
            try c.encode(adapterStride, forKey: "adapter_stride")
            try c.encode(adapterLayers, forKey: "num_adapter_layers")
            try c.encode(outputHiddenSize, forKey: "output_hidden_size")
        }
        if dialect.keys.contains(.languageAdapters) {
            try c.encode(languageAdapterWidth, forKey: "adapter_attn_dim")
        }
    }
}

extension Wav2Vec2Config {
    /// `model_type`.
    public var modelType: String {
        structure == nil ? dialect.modelType : EncoderFamily.structuredType
    }
    /// Hugging Face's name of the family.
    public var baseModelType: String { dialect.modelType }
    /// The class of the bare encoder, such as `Wav2Vec2Model`.
    public var architecture: String { dialect.architecture }
    /// Samples.
    public var featureExtractor: FeatureExtractorConfig.Kind { .wav2vec2 }
    /// One sample.
    public var inputWidth: Int { 1 }
    /// The channels of the front end.
    public var featureWidth: Int { frontEnd.channels.last! }
    /// The adapter, and the encoder's norm, which other models have before the layers.
    public var modulesBehindLayers: [String] {
        ["adapter."] + (isPreNorm ? ["encoder.layer_norm."] : [])
    }
    /// `num_hidden_layers`.
    public var layerCount: Int { numHiddenLayers }
    /// `hidden_size`.
    public var width: Int { hiddenSize }
    /// `num_attention_heads`.
    public var headCount: Int { numAttentionHeads }
    /// `intermediate_size`.
    public var feedForwardWidth: Int { intermediateSize }
    /// `output_hidden_size` behind an adapter, else `hidden_size`.
    public var outputWidth: Int { hasAdapter ? outputHiddenSize : hiddenSize }

    /// Checks dimensions and the keys that only this family has.
    public func validate(path: String) throws {
        try validateKeys(path: path)
        try structure?.validate(for: self, path: path)
    }

    /// Checks all but the structure, which a relative checks as its own.
    func validateKeys(path: String) throws {
        let check = ConfigCheck(path: path)
        try check.dimensions(of: self)
        let depth = frontEnd.channels.count
        try check.require(depth > 0, "conv_dim", "at least one layer", frontEnd.channels)
        try check.require(
            frontEnd.kernels.count == depth, "conv_kernel", "\(depth) values as in conv_dim",
            frontEnd.kernels)
        try check.require(
            frontEnd.strides.count == depth, "conv_stride", "\(depth) values as in conv_dim",
            frontEnd.strides)
        for (key, values, limit) in [
            ("conv_dim", frontEnd.channels, 1 << 16), ("conv_kernel", frontEnd.kernels, 1 << 10),
            ("conv_stride", frontEnd.strides, 1 << 10),
        ] {
            try check.require(
                values.allSatisfy { (1...limit).contains($0) }, key,
                "positive numbers up to \(limit)", values)
        }
        let hop = frontEnd.strides.reduce(1) { min($0 * $1, 1 << 20) }
        try check.require(
            hop < 1 << 20, "conv_stride", "a product below \(1 << 20)", frontEnd.strides)
        for (key, probability) in [
            ("hidden_dropout", hiddenDropout), ("activation_dropout", activationDropout),
            ("attention_dropout", attentionDropout),
            ("feat_proj_dropout", featureProjectionDropout),
            ("mask_time_prob", maskTimeProbability),
            ("mask_feature_prob", maskFeatureProbability),
        ] { try check.fraction(key, probability) }
        try check.notNegative("layer_norm_eps", layerNormEpsilon)
        try check.notNegative("initializer_range", initializerRange)
        try check.positive(dialect.positionalKernelKey.stringValue, positionalKernel)
        try check.positive("num_conv_pos_embedding_groups", positionalGroups)
        try check.require(
            hiddenSize.isMultiple(of: positionalGroups), "num_conv_pos_embedding_groups",
            "a divisor of hidden_size \(hiddenSize)", positionalGroups)
        if hasAdapter {
            try check.positive("output_hidden_size", outputHiddenSize)
            try check.positive("num_adapter_layers", adapterLayers)
            try check.positive("adapter_kernel_size", adapterKernel)
            try check.positive("adapter_stride", adapterStride)
        }
        if let languageAdapterWidth {
            try check.positive("adapter_attn_dim", languageAdapterWidth)
            try check.require(
                isPreNorm, "do_stable_layer_norm", "true where adapter_attn_dim is given", false)
        }
    }

    /// Builds the network.
    public func makeEncoder(in store: ParameterStore) -> any SpeechEncoder {
        Wav2Vec2Encoder(self, in: store)
    }

    /// The same with other dimensions; the front end is kept.
    public func resized(layers: Int, width: Int, heads: Int, feedForward: Int) -> Wav2Vec2Config {
        var config = self
        config.numHiddenLayers = layers
        config.hiddenSize = width
        config.numAttentionHeads = heads
        config.intermediateSize = feedForward
        config.outputHiddenSize = width
        config.structure = nil
        return config
    }

    /// Without adapters and dropout.
    public func asStudent() -> Wav2Vec2Config {
        var config = self
        config.hasAdapter = false
        config.languageAdapterWidth = nil
        config.outputHiddenSize = hiddenSize
        config.hiddenDropout = 0
        config.activationDropout = 0
        config.attentionDropout = 0
        config.featureProjectionDropout = 0
        config.appliesMask = true
        config.maskTimeProbability = max(maskTimeProbability, 0.05)
        return config
    }

    /// Through all strides of the front end and what joins frames behind it.
    public func frameCount(inputLength samples: Int) -> Int {
        frontEnd.frameCount(samples: samples) / (structure?.timeReduction ?? 1)
    }

    /// Behind an adapter what transformers counts as valid, as far as there are so many frames: it
    /// counts as for a kernel of 3.
    public func outputLength(frames: Int) -> Int {
        guard hasAdapter else { return frames }
        let (counted, made) = (0..<adapterLayers).reduce((frames, frames)) { lengths, _ in
            ((lengths.0 - 1) / adapterStride + 1, adapterShape.shortened(lengths.1))
        }
        return min(counted, made)
    }

    /// The sizes of the adapter.
    var adapterShape: Wav2Vec2Adapter.Shape {
        .init(
            inputs: hiddenSize, width: outputHiddenSize, layers: adapterLayers,
            kernel: adapterKernel, stride: adapterStride)
    }

    /// Products of matrices and convolutions; activations and norms are left out.
    public func multiplyAccumulates(inputLength samples: Int) -> [(part: String, count: Int)] {
        let frames = frontEnd.frameCount(samples: samples)
        let d = hiddenSize
        return [
            ("front end", frontEnd.multiplyAccumulates(samples: samples)),
            ("feature projection", frames * frontEnd.channels.last! * d),
            (
                "positional convolution",
                frames * d * (d / positionalGroups) * positionalKernel
            ),
        ]
            + EncoderStructure(of: self).transformerProducts(
                width: d, frames: frameCount(inputLength: samples))
    }
}

extension EncoderFamily {
    static let weightNormNames = [
        (".conv.weight_g", ".conv.parametrizations.weight.original0"),
        (".conv.weight_v", ".conv.parametrizations.weight.original1"),
    ]

    /// wav2vec 2.0, XLS-R and MMS.
    public static let wav2Vec2 = wav2Vec2(
        .wav2Vec2, prefixes: ["wav2vec2."],
        ignored: ["quantizer.", "project_hid.", "project_q.", "masked_spec_embed"])

    /// HuBERT.
    public static let hubert = wav2Vec2(
        .hubert, prefixes: ["hubert."], ignored: ["masked_spec_embed"])
}
