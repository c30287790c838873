import Foundation
import SpeechCore
import SpeechModels
import Testing
import Torch

/// Small models of every family, made from the configurations that their directories would hold.
enum TinyModels {
    private static let w2vBert = """
        "model_type": "wav2vec2-bert", "hidden_size": 32, "num_hidden_layers": 3,
        "num_attention_heads": 4, "intermediate_size": 48, "feature_projection_input_dim": 160,
        "left_max_position_embeddings": 5, "right_max_position_embeddings": 2,
        "conv_depthwise_kernel_size": 7, "conformer_conv_dropout": 0.0
        """
    private static let w2vBertColld = w2vBert.replacing("wav2vec2-bert", with: "colld")
    private static let samples = """
        "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4,
        "intermediate_size": 48, "conv_dim": [24, 24, 24, 24, 24, 24, 24],
        "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4,
        "hidden_dropout": 0.0, "activation_dropout": 0.0, "attention_dropout": 0.0
        """
    private static let layerNorm = """
        "feat_extract_norm": "layer", "conv_bias": true, "do_stable_layer_norm": true
        """

    private static let stack = """
        "conv_pos_kernel_size": 6
        """
    private static let conformer = """
        "hidden_act": "swish", "conv_depthwise_kernel_size": 7, "conformer_conv_dropout": 0.0
        """
    private static let rotary = """
        "position_embeddings_type": "rotary"
        """
    private static let squeeze = """
        "conv_kernel": [10, 3, 3, 3, 3, 2, 2], "conv_stride": [5, 2, 2, 2, 2, 2, 2]
        """
    private static let buckets = """
        "num_buckets": 16, "max_bucket_distance": 14
        """

    private static let whisper = """
        "model_type": "whisper", "d_model": 32, "encoder_layers": 3,
        "encoder_attention_heads": 4, "encoder_ffn_dim": 48, "max_source_positions": 50
        """
    private static let seamless = """
        "model_type": "seamless_m4t_v2", "hidden_size": 32, "speech_encoder_layers": 3,
        "speech_encoder_attention_heads": 4, "speech_encoder_intermediate_size": 48,
        "left_max_position_embeddings": 5, "right_max_position_embeddings": 2,
        "conv_depthwise_kernel_size": 7, "add_adapter": false,
        "speech_encoder_chunk_size": 6, "speech_encoder_left_chunk_num": 1
        """

    /// The section of a model whose layers have these sizes.
    private static func structure(_ layers: String..., besides keys: String = "") -> String {
        """
        "structure": {"layers": [\(layers.map { "{\($0)}" }.joined(separator: ", "))]\(keys)}
        """
    }
    private static let pruned = structure(
        #""heads": 3, "feed_forward": 20"#, #""heads": 0, "feed_forward": 0"#,
        #""heads": 1, "feed_forward": 33"#,
        besides: #", "head_width": 8, "scales_front_end": true"#)
    private static let reused = structure(
        #""heads": 5, "feed_forward": 20"#,
        #""heads": 5, "feed_forward": 0, "reuses_attention": true"#,
        #""heads": 5, "feed_forward": 33, "reuses_attention": true"#,
        besides: #", "head_width": 6, "time_reduction": 2"#)
    private static let prunedBias = structure(
        #""heads": 2, "kept_heads": [1, 3], "feed_forward": 20"#,
        #""heads": 2, "feed_forward": 12, "reuses_attention": true"#,
        #""heads": 3, "kept_heads": [0, 1, 2], "feed_forward": 48"#,
        besides: #", "head_width": 8"#)
    private static let prunedConformer = structure(
        #""heads": 2, "feed_forward": 20, "first_feed_forward": 0, "convolution_channels": 17"#,
        #""heads": 0, "feed_forward": 0, "first_feed_forward": 30, "convolution_channels": 0"#,
        #""heads": 4, "feed_forward": 48, "first_feed_forward": 9, "convolution_channels": 32"#,
        besides: #", "head_width": 8, "time_reduction": 2"#)

    /// `config.json` by a name for the test.
    static let texts: [String: String] = [
        "w2v-bert": "{\(w2vBert)}",
        "w2v-bert relative": #"{\#(w2vBert), "position_embeddings_type": "relative"}"#,
        "w2v-bert rotary": #"{\#(w2vBert), "position_embeddings_type": "rotary"}"#,
        "w2v-bert no positions": #"{\#(w2vBert), "position_embeddings_type": null}"#,
        "wav2vec2 base": #"{"model_type": "wav2vec2", \#(samples)}"#,
        "wav2vec2 large": #"{"model_type": "wav2vec2", \#(samples), \#(layerNorm)}"#,
        "hubert base": #"{"model_type": "hubert", \#(samples)}"#,
        "hubert large": #"{"model_type": "hubert", \#(samples), \#(layerNorm)}"#,
        "data2vec": #"{"model_type": "data2vec-audio", \#(samples), \#(stack)}"#,
        "conformer relative": #"{"model_type": "wav2vec2-conformer", \#(samples), \#(conformer)}"#,
        "conformer rotary":
            #"{"model_type": "wav2vec2-conformer", \#(samples), \#(conformer), \#(rotary)}"#,
        "sew": #"{"model_type": "sew", \#(samples), \#(squeeze)}"#,
        "unispeech-sat": #"{"model_type": "unispeech-sat", \#(samples)}"#,
        "wavlm base": #"{"model_type": "wavlm", \#(samples), \#(buckets)}"#,
        "wavlm large": #"{"model_type": "wavlm", \#(samples), \#(layerNorm), \#(buckets)}"#,
        "whisper": "{\(whisper)}",
        "seamless": "{\(seamless)}",
        "colld hubert":
            #"{"model_type": "colld", "base_model_type": "hubert", \#(samples), \#(pruned)}"#,
        "colld wav2vec2 large":
            #"{"model_type": "colld", "base_model_type": "wav2vec2", \#(samples), \#(layerNorm), \#(reused)}"#,
        "colld data2vec":
            #"{"model_type": "colld", "base_model_type": "data2vec-audio", \#(samples), \#(stack), \#(reused)}"#,
        "colld wavlm":
            #"{"model_type": "colld", "base_model_type": "wavlm", \#(samples), \#(buckets), \#(prunedBias)}"#,
        "colld w2v-bert":
            #"{"base_model_type": "wav2vec2-bert", \#(w2vBertColld), \#(prunedConformer)}"#,
        "colld conformer":
            #"{"model_type": "colld", "base_model_type": "wav2vec2-conformer", \#(samples), \#(conformer), \#(prunedConformer)}"#,
        "hubert batch norm":
            #"{"model_type": "hubert", \#(samples), "conv_pos_batch_norm": true}"#,
    ]

    static let names = texts.keys.sorted()

    static func config(_ name: String) throws -> any EncoderConfig {
        try config(text: try #require(texts[name]))
    }

    static func config(text: String) throws -> any EncoderConfig {
        let data = Data(text.utf8)
        return try EncoderFamily.of(configuration: data, path: "config.json")
            .config(from: data, path: "config.json")
    }

    static func encoder(_ name: String, seed: UInt64 = 1) throws -> any SpeechEncoder {
        try config(name).makeEncoder(in: ParameterStore(seed: seed))
    }

    /// Random input of the kind that the encoder takes: [B, N] samples or [B, T, F] frames; Whisper's
    /// fills its window.
    static func input(
        _ encoder: any SpeechEncoder, lengths: [Int], seed: UInt64 = 2,
        padding: PaddingPolicy = .isolated
    ) -> EncoderInput {
        let whisper = encoder.config as? WhisperConfig
        let longest = whisper.map { 2 * $0.maxSourcePositions } ?? lengths.max() ?? 0
        var shape = [lengths.count, longest]
        if encoder.config.inputWidth > 1 { shape.append(encoder.config.inputWidth) }
        let values = Tensor.normal(
            shape, standardDeviation: 1, generator: RandomGenerator(seed: seed))
        return EncoderInput(values: values, lengths: lengths, padding: padding)
    }

    /// Input lengths that give `frames` encoder frames each.
    static func lengths(_ encoder: any SpeechEncoder, frames: [Int]) -> [Int] {
        if encoder.config is WhisperConfig { return frames.map { 2 * $0 } }
        let squeeze =
            (encoder.config as? SEWConfig)?.squeezeFactor
            ?? encoder.config.structure?.timeReduction ?? 1
        guard let frontEnd = frontEnd(encoder.config) else { return frames.map { $0 * squeeze } }
        return frames.map { frontEnd.receptiveField + ($0 * squeeze - 1) * frontEnd.hop }
    }

    /// The number of encoder frames of a batch whose longest clip has `longest`.
    static func paddedFrames(_ encoder: any SpeechEncoder, longest: Int) -> Int {
        (encoder.config as? WhisperConfig)?.maxSourcePositions ?? longest
    }

    static func frontEnd(_ config: any EncoderConfig) -> WaveformConvolutions? {
        let base = (config as? any WaveformEncoderConfig)?.base ?? config as? Wav2Vec2Config
        return base?.frontEnd
    }
}
