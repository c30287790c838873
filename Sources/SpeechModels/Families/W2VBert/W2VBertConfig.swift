import Foundation
public import SpeechCore
public import Torch

/// The configuration of w2v-BERT 2.0 (`model_type: wav2vec2-bert`); defaults are those of
/// `Wav2Vec2BertConfig`.
public struct W2VBertConfig: StructuredConfig {
    /// `hidden_size`.
    public var hiddenSize = 1024
    /// `num_hidden_layers`.
    public var numHiddenLayers = 24
    /// `num_attention_heads`.
    public var numAttentionHeads = 16
    /// `intermediate_size`.
    public var intermediateSize = 4096
    /// `feature_projection_input_dim`: filterbank bins times stacked frames.
    public var inputDimension = 160
    /// `hidden_act`.
    public var activation = Activation.swish
    /// `layer_norm_eps`.
    public var layerNormEpsilon = 1e-5
    /// `position_embeddings_type`; null for none.
    public var positionEmbeddings: PositionEmbeddings? = .relativeKey
    /// `left_max_position_embeddings`.
    public var leftPositions = 64
    /// `right_max_position_embeddings`.
    public var rightPositions = 8
    /// `rotary_embedding_base`.
    public var rotaryBase = 10000.0
    /// `conv_depthwise_kernel_size`.
    public var convolutionKernel = 31
    /// `hidden_dropout`.
    public var hiddenDropout = 0.0
    /// `activation_dropout`.
    public var activationDropout = 0.0
    /// `attention_dropout`.
    public var attentionDropout = 0.0
    /// `feat_proj_dropout`.
    public var featureProjectionDropout = 0.0
    /// `conformer_conv_dropout`.
    public var convolutionDropout = 0.1
    /// `apply_spec_augment`: whether masked prediction replaces frames.
    public var appliesMask = true
    /// `mask_time_prob` and `mask_feature_prob`; `masked_spec_embed` exists if either is positive.
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
    public var adapterLayers = 1
    /// `adapter_act`.
    public var adapterActivation = Activation.relu
    /// `use_intermediate_ffn_before_adapter`.
    public var hasIntermediateFeedForward = false
    /// `output_hidden_size`.
    public var outputHiddenSize = 1024
    /// `structure`, where layers have sizes of their own.
    public var structure: EncoderStructure?

    /// The configuration with all defaults: w2v-BERT 2.0 itself.
    public init() {}

    /// Reads `config.json`; missing keys take the class defaults.
    public init(from decoder: any Decoder) throws {
        let c = try decoder.container(keyedBy: ConfigKey.self)
        hiddenSize = try c.value("hidden_size", default: hiddenSize)
        numHiddenLayers = try c.value("num_hidden_layers", default: numHiddenLayers)
        numAttentionHeads = try c.value("num_attention_heads", default: numAttentionHeads)
        intermediateSize = try c.value("intermediate_size", default: intermediateSize)
        inputDimension = try c.value("feature_projection_input_dim", default: inputDimension)
        activation = try c.value("hidden_act", default: activation)
        layerNormEpsilon = try c.value("layer_norm_eps", default: layerNormEpsilon)
        if c.contains("position_embeddings_type") {
            positionEmbeddings = try c.decodeIfPresent(
                PositionEmbeddings.self, forKey: "position_embeddings_type")
        }
        leftPositions = try c.value("left_max_position_embeddings", default: leftPositions)
        rightPositions = try c.value("right_max_position_embeddings", default: rightPositions)
        rotaryBase = try c.value("rotary_embedding_base", default: rotaryBase)
        convolutionKernel = try c.value(
            "conv_depthwise_kernel_size", default: convolutionKernel)
        hiddenDropout = try c.value("hidden_dropout", default: hiddenDropout)
        activationDropout = try c.value("activation_dropout", default: activationDropout)
        attentionDropout = try c.value("attention_dropout", default: attentionDropout)
        featureProjectionDropout = try c.value(
            "feat_proj_dropout", default: featureProjectionDropout)
        convolutionDropout = try c.value("conformer_conv_dropout", default: convolutionDropout)
        appliesMask = try c.value("apply_spec_augment", default: appliesMask)
        maskTimeProbability = try c.value("mask_time_prob", default: maskTimeProbability)
        maskFeatureProbability = try c.value("mask_feature_prob", default: maskFeatureProbability)
        hasAdapter = try c.value("add_adapter", default: hasAdapter)
        adapterKernel = try c.value("adapter_kernel_size", default: adapterKernel)
        adapterStride = try c.value("adapter_stride", default: adapterStride)
        adapterLayers = try c.value("num_adapter_layers", default: adapterLayers)
        adapterActivation = try c.value("adapter_act", default: adapterActivation)
        hasIntermediateFeedForward = try c.value(
            "use_intermediate_ffn_before_adapter", default: hasIntermediateFeedForward)
        outputHiddenSize = try c.value("output_hidden_size", default: hiddenSize)
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
        try c.encode(inputDimension, forKey: "feature_projection_input_dim")
        try c.encode(activation, forKey: "hidden_act")
        try c.encode(layerNormEpsilon, forKey: "layer_norm_eps")
        try c.encode(positionEmbeddings, forKey: "position_embeddings_type")
        try c.encode(leftPositions, forKey: "left_max_position_embeddings")
        try c.encode(rightPositions, forKey: "right_max_position_embeddings")
        try c.encode(rotaryBase, forKey: "rotary_embedding_base")
        try c.encode(convolutionKernel, forKey: "conv_depthwise_kernel_size")
        try c.encode(hiddenDropout, forKey: "hidden_dropout")
        try c.encode(activationDropout, forKey: "activation_dropout")
        try c.encode(attentionDropout, forKey: "attention_dropout")
        try c.encode(featureProjectionDropout, forKey: "feat_proj_dropout")
        try c.encode(convolutionDropout, forKey: "conformer_conv_dropout")
        try c.encode(0.0, forKey: "layerdrop")
        try c.encode(appliesMask, forKey: "apply_spec_augment")
        try c.encode(maskTimeProbability, forKey: "mask_time_prob")
        try c.encode(maskFeatureProbability, forKey: "mask_feature_prob")
        try c.encode(hasAdapter, forKey: "add_adapter")
        try c.encode(adapterKernel, forKey: "adapter_kernel_size")
        try c.encode(adapterStride, forKey: "adapter_stride")
        try c.encode(adapterLayers, forKey: "num_adapter_layers")
        try c.encode(adapterActivation, forKey: "adapter_act")
        try c.encode(
            hasIntermediateFeedForward, forKey: "use_intermediate_ffn_before_adapter")
        try c.encode(outputHiddenSize, forKey: "output_hidden_size")
    }
}

extension W2VBertConfig {
    /// `wav2vec2-bert`, or `colld`.
    public var modelType: String {
        structure == nil ? baseModelType : EncoderFamily.structuredType
    }
    /// `wav2vec2-bert`.
    public var baseModelType: String { "wav2vec2-bert" }
    /// Layers are conformers'.
    public var hasConformerLayers: Bool { true }
    /// `Wav2Vec2BertModel`.
    public var architecture: String { "Wav2Vec2BertModel" }
    /// Stacked filterbank frames.
    public var featureExtractor: FeatureExtractorConfig.Kind { .seamlessM4T }
    /// `feature_projection_input_dim`.
    public var inputWidth: Int { inputDimension }
    /// The adapter and the feed-forward network before it.
    public var modulesBehindLayers: [String] { ["adapter.", "intermediate_ffn."] }
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
        let check = ConfigCheck(path: path)
        try check.dimensions(of: self)
        try check.positive("feature_projection_input_dim", inputDimension)
        try check.positive("conv_depthwise_kernel_size", convolutionKernel, limit: 1 << 10)
        // transformers refuses even ones, though the convolution is causal.
        try check.require(
            !convolutionKernel.isMultiple(of: 2), "conv_depthwise_kernel_size", "an odd number",
            convolutionKernel)
        for (key, count) in [
            ("left_max_position_embeddings", leftPositions),
            ("right_max_position_embeddings", rightPositions),
        ] {
            try check.require((0...1 << 16).contains(count), key, "0 to \(1 << 16)", count)
        }
        for (key, probability) in [
            ("hidden_dropout", hiddenDropout), ("activation_dropout", activationDropout),
            ("attention_dropout", attentionDropout),
            ("feat_proj_dropout", featureProjectionDropout),
            ("conformer_conv_dropout", convolutionDropout),
            ("mask_time_prob", maskTimeProbability),
            ("mask_feature_prob", maskFeatureProbability),
        ] { try check.fraction(key, probability) }
        try check.notNegative("layer_norm_eps", layerNormEpsilon)
        try check.require(rotaryBase > 0, "rotary_embedding_base", "above 0", rotaryBase)
        if positionEmbeddings == .relative {
            try check.require(
                hiddenSize.isMultiple(of: 2), "hidden_size",
                "an even number for relative positions", hiddenSize)
        }
        if positionEmbeddings == .rotary {
            try check.require(
                (hiddenSize / numAttentionHeads).isMultiple(of: 2), "num_attention_heads",
                "an even head width for rotary positions", numAttentionHeads)
        }
        try structure?.validate(for: self, path: path)
        if hasAdapter {
            try check.positive("output_hidden_size", outputHiddenSize)
            try check.positive("num_adapter_layers", adapterLayers)
            try check.positive("adapter_kernel_size", adapterKernel)
            try check.positive("adapter_stride", adapterStride)
            try check.require(
                outputHiddenSize.isMultiple(of: numAttentionHeads), "output_hidden_size",
                "a multiple of num_attention_heads \(numAttentionHeads)", outputHiddenSize)
        }
    }

    /// Feature frames are encoder frames, but for what joins some of them.
    public func frameCount(inputLength length: Int) -> Int {
        length / (structure?.timeReduction ?? 1)
    }

    /// Behind an adapter what transformers counts as valid, as far as there are so many frames.
    public func outputLength(frames: Int) -> Int {
        guard hasAdapter else { return frames }
        let (counted, made) = (0..<adapterLayers).reduce((frames, frames)) { lengths, _ in
            (countedLength(lengths.0), adaptedLength(lengths.1))
        }
        return min(counted, made)
    }

    /// The frames that one layer of the adapter makes of `length`.
    func adaptedLength(_ length: Int) -> Int {
        adapterShape(epsilon: layerNormEpsilon).shortened(length)
    }

    /// The frames that transformers counts, as if it padded by ⌊kernel / 2⌋.
    func countedLength(_ length: Int) -> Int {
        let room = length + 2 * (adapterKernel / 2) - adapterKernel
        return room < 0 ? 0 : room / adapterStride + 1
    }

    /// The sizes of a layer of the adapter.
    func adapterShape(epsilon: Double) -> W2VBertAdapterLayer.Shape {
        .init(
            width: outputHiddenSize, heads: numAttentionHeads, kernel: adapterKernel,
            stride: adapterStride, feedForward: intermediateSize, activation: adapterActivation,
            attentionDropout: attentionDropout, epsilon: epsilon)
    }

    /// Builds the network.
    public func makeEncoder(in store: ParameterStore) -> any SpeechEncoder {
        W2VBertEncoder(self, in: store)
    }

    /// The same with other dimensions.
    public func resized(layers: Int, width: Int, heads: Int, feedForward: Int) -> W2VBertConfig {
        var config = self
        config.numHiddenLayers = layers
        config.hiddenSize = width
        config.numAttentionHeads = heads
        config.intermediateSize = feedForward
        config.outputHiddenSize = width
        config.structure = nil
        return config
    }

    /// Without adapter, intermediate feed-forward network and dropout.
    public func asStudent() -> W2VBertConfig {
        var config = self
        config.hasAdapter = false
        config.hasIntermediateFeedForward = false
        config.outputHiddenSize = hiddenSize
        config.hiddenDropout = 0
        config.activationDropout = 0
        config.attentionDropout = 0
        config.featureProjectionDropout = 0
        config.convolutionDropout = 0
        config.appliesMask = true
        config.maskTimeProbability = max(maskTimeProbability, 0.05)
        return config
    }

    /// Products of matrices and convolutions; activations and norms are left out.
    public func multiplyAccumulates(inputLength frames: Int) -> [(part: String, count: Int)] {
        let distances =
            positionEmbeddings == .relativeKey ? leftPositions + rightPositions + 1 : nil
        return [("feature projection", frames * inputDimension * hiddenSize)]
            + ConformerLayer.multiplyAccumulates(
                of: self, frames: frameCount(inputLength: frames), positions: positionEmbeddings,
                clippedDistances: distances, kernel: convolutionKernel)
    }
}

extension EncoderFamily {
    /// w2v-BERT 2.0.
    public static let w2vBert = EncoderFamily(
        modelType: "wav2vec2-bert", prefixes: ["wav2vec2_bert."],
        ignored: heads + ["masked_spec_embed"],
        renamedSuffixes: []
    ) { try $0.decode(W2VBertConfig.self, from: $1) }
}
