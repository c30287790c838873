import Foundation
import SpeechCore
import SpeechModels
import TestSupport
import Testing
import Torch

/// `config.json`: what is read, what is written, and what cannot be built.
@Suite struct EncoderConfigTests {
    private static let fixtures = ParityTests.models

    private func written(_ config: any EncoderConfig) throws -> JSONObject {
        try JSONFile(path: "written", data: try ModelWriter.configData(config)).object
    }

    private func roundTrip(_ config: any EncoderConfig) throws -> any EncoderConfig {
        try TinyModels.config(
            text: String(decoding: try ModelWriter.configData(config), as: UTF8.self))
    }

    private func expectEqual<C: EncoderConfig>(
        _ config: C, _ other: any EncoderConfig, _ what: String
    ) {
        #expect(other as? C == config, "\(what)")
    }

    @Test(arguments: TinyModels.names) func roundTrips(_ name: String) throws {
        let config = try TinyModels.config(name)
        expectEqual(config, try roundTrip(config), name)
        expectEqual(config.asStudent(), try roundTrip(config.asStudent()), name)
        let resized = config.resized(layers: 2, width: 48, heads: 6, feedForward: 20)
        expectEqual(resized, try roundTrip(resized), name)
        #expect(resized.layerCount == 2 && resized.width == 48 && resized.outputWidth == 48)
        #expect(resized.headCount == 6 && resized.feedForwardWidth == 20)
    }

    /// Whatever is written under a key of Hugging Face says what the key said when it was read.
    @Test(arguments: fixtures) func writesHuggingFaceKeys(_ name: String) throws {
        let directory = try ModelDirectory(Fixtures.model(name).path)
        let config = try ModelLoader.config(of: directory)
        expectEqual(config, try roundTrip(config), name)
        let original = try JSONFile(path: directory.configPath, data: directory.configData)
        let written = try written(config)
        // The class is the bare encoder's, and layer drop is for training from scratch only.
        let changed = ["architectures", "layerdrop", "speech_encoder_layerdrop"]
        var shared = 0
        for key in written.keys where !changed.contains(key) {
            guard let value = original.object[key], let mine = written[key] else { continue }
            shared += 1
            #expect(isSame(mine, value), "\(key)")
        }
        #expect(shared >= 8)
        #expect(written["architectures"] == .array([.string(config.architecture)]))
    }

    /// Equal, where 1 and 1.0 are.
    private func isSame(_ first: JSONValue, _ second: JSONValue) -> Bool {
        func number(_ value: JSONValue) -> Double? {
            switch value {
            case .integer(let value): Double(value)
            case .number(let value): value
            default: nil
            }
        }
        return first == second || (number(first) != nil && number(first) == number(second))
    }

    /// The defaults of the configurations' classes in transformers 5.23, as their own `to_dict` gives them.
    private static let defaults: [String: String] = [
        "wav2vec2": """
        {"activation_dropout": 0.1, "adapter_attn_dim": null, "adapter_kernel_size": 3,
         "adapter_stride": 2, "add_adapter": false, "apply_spec_augment": true,
         "attention_dropout": 0.1, "conv_bias": false,
         "conv_dim": [512, 512, 512, 512, 512, 512, 512],
         "conv_kernel": [10, 3, 3, 3, 3, 2, 2], "conv_stride": [5, 2, 2, 2, 2, 2, 2],
         "do_stable_layer_norm": false, "feat_extract_activation": "gelu",
         "feat_extract_norm": "group", "feat_proj_dropout": 0.0, "hidden_act": "gelu",
         "hidden_dropout": 0.1, "hidden_size": 768, "initializer_range": 0.02,
         "intermediate_size": 3072, "layer_norm_eps": 1e-05, "mask_feature_prob": 0.0,
         "mask_time_prob": 0.05, "num_adapter_layers": 3, "num_attention_heads": 12,
         "num_conv_pos_embedding_groups": 16, "num_conv_pos_embeddings": 128,
         "num_feat_extract_layers": 7, "num_hidden_layers": 12, "output_hidden_size": 768}
        """,
        "hubert": """
        {"activation_dropout": 0.1, "apply_spec_augment": true, "attention_dropout": 0.1,
         "conv_bias": false, "conv_dim": [512, 512, 512, 512, 512, 512, 512],
         "conv_kernel": [10, 3, 3, 3, 3, 2, 2], "conv_pos_batch_norm": false,
         "conv_stride": [5, 2, 2, 2, 2, 2, 2], "do_stable_layer_norm": false,
         "feat_extract_activation": "gelu", "feat_extract_norm": "group",
         "feat_proj_dropout": 0.0, "feat_proj_layer_norm": true, "hidden_act": "gelu",
         "hidden_dropout": 0.1, "hidden_size": 768, "initializer_range": 0.02,
         "intermediate_size": 3072, "layer_norm_eps": 1e-05, "mask_feature_prob": 0.0,
         "mask_time_prob": 0.05, "num_attention_heads": 12,
         "num_conv_pos_embedding_groups": 16, "num_conv_pos_embeddings": 128,
         "num_feat_extract_layers": 7, "num_hidden_layers": 12}
        """,
        "wavlm": """
        {"activation_dropout": 0.1, "max_bucket_distance": 800, "num_buckets": 320, "adapter_kernel_size": 3,
         "adapter_stride": 2, "add_adapter": false, "apply_spec_augment": true,
         "attention_dropout": 0.1, "conv_bias": false,
         "conv_dim": [512, 512, 512, 512, 512, 512, 512],
         "conv_kernel": [10, 3, 3, 3, 3, 2, 2], "conv_stride": [5, 2, 2, 2, 2, 2, 2],
         "do_stable_layer_norm": false, "feat_extract_activation": "gelu",
         "feat_extract_norm": "group", "feat_proj_dropout": 0.0, "hidden_act": "gelu",
         "hidden_dropout": 0.1, "hidden_size": 768, "initializer_range": 0.02,
         "intermediate_size": 3072, "layer_norm_eps": 1e-05, "mask_feature_prob": 0.0,
         "mask_time_prob": 0.05, "num_adapter_layers": 3, "num_attention_heads": 12,
         "num_conv_pos_embedding_groups": 16, "num_conv_pos_embeddings": 128,
         "num_feat_extract_layers": 7, "num_hidden_layers": 12, "output_hidden_size": 768}
        """,
        "unispeech-sat": """
        {"activation_dropout": 0.1, "apply_spec_augment": true, "attention_dropout": 0.1,
         "conv_bias": false, "conv_dim": [512, 512, 512, 512, 512, 512, 512],
         "conv_kernel": [10, 3, 3, 3, 3, 2, 2], "conv_stride": [5, 2, 2, 2, 2, 2, 2],
         "do_stable_layer_norm": false, "feat_extract_activation": "gelu",
         "feat_extract_norm": "group", "feat_proj_dropout": 0.0, "hidden_act": "gelu",
         "hidden_dropout": 0.1, "hidden_size": 768, "initializer_range": 0.02,
         "intermediate_size": 3072, "layer_norm_eps": 1e-05, "mask_feature_prob": 0.0,
         "mask_time_prob": 0.05, "num_attention_heads": 12,
         "num_conv_pos_embedding_groups": 16, "num_conv_pos_embeddings": 128,
         "num_feat_extract_layers": 7, "num_hidden_layers": 12}
        """,
        "data2vec-audio": """
        {"activation_dropout": 0.1, "adapter_kernel_size": 3,
         "adapter_stride": 2, "add_adapter": false, "apply_spec_augment": true,
         "attention_dropout": 0.1, "conv_pos_kernel_size": 19, "conv_bias": false,
         "conv_dim": [512, 512, 512, 512, 512, 512, 512],
         "conv_kernel": [10, 3, 3, 3, 3, 2, 2], "conv_stride": [5, 2, 2, 2, 2, 2, 2],
         "feat_extract_activation": "gelu",
         "feat_proj_dropout": 0.0, "hidden_act": "gelu",
         "hidden_dropout": 0.1, "hidden_size": 768, "initializer_range": 0.02,
         "intermediate_size": 3072, "layer_norm_eps": 1e-05, "mask_feature_prob": 0.0,
         "mask_time_prob": 0.05, "num_adapter_layers": 3, "num_attention_heads": 12,
         "num_conv_pos_embedding_groups": 16, "num_conv_pos_embeddings": 5,
         "num_feat_extract_layers": 7, "num_hidden_layers": 12, "output_hidden_size": 768}
        """,
        "wav2vec2-conformer": """
        {"activation_dropout": 0.1, "adapter_kernel_size": 3,
         "adapter_stride": 2, "add_adapter": false, "apply_spec_augment": true,
         "attention_dropout": 0.1, "conv_bias": false,
         "conv_dim": [512, 512, 512, 512, 512, 512, 512],
         "conv_kernel": [10, 3, 3, 3, 3, 2, 2], "conv_stride": [5, 2, 2, 2, 2, 2, 2],
         "conformer_conv_dropout": 0.1, "conv_depthwise_kernel_size": 31,
         "position_embeddings_type": "relative", "rotary_embedding_base": 10000,
         "feat_extract_activation": "gelu",
         "feat_extract_norm": "group", "feat_proj_dropout": 0.0, "hidden_act": "gelu",
         "hidden_dropout": 0.1, "hidden_size": 768, "initializer_range": 0.02,
         "intermediate_size": 3072, "layer_norm_eps": 1e-05, "mask_feature_prob": 0.0,
         "mask_time_prob": 0.05, "num_adapter_layers": 3, "num_attention_heads": 12,
         "num_conv_pos_embedding_groups": 16, "num_conv_pos_embeddings": 128,
         "num_feat_extract_layers": 7, "num_hidden_layers": 12, "output_hidden_size": 768}
        """,
        "sew": """
        {"activation_dropout": 0.1, "apply_spec_augment": true, "attention_dropout": 0.1,
         "conv_bias": false, "conv_dim": [64, 128, 128, 128, 128, 256, 256, 256, 256, 512, 512, 512, 512],
         "conv_kernel": [10, 3, 1, 3, 1, 3, 1, 3, 1, 2, 1, 2, 1], 
         "conv_stride": [5, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1],
         "squeeze_factor": 2, "feat_extract_activation": "gelu",
         "feat_extract_norm": "group", "feat_proj_dropout": 0.0, "hidden_act": "gelu",
         "hidden_dropout": 0.1, "hidden_size": 768, "initializer_range": 0.02,
         "intermediate_size": 3072, "layer_norm_eps": 1e-05, "mask_feature_prob": 0.0,
         "mask_time_prob": 0.05, "num_attention_heads": 12,
         "num_conv_pos_embedding_groups": 16, "num_conv_pos_embeddings": 128,
         "num_feat_extract_layers": 13, "num_hidden_layers": 12}
        """,
        "whisper": """
        {"activation_dropout": 0.0, "activation_function": "gelu", "apply_spec_augment": false,
         "attention_dropout": 0.0, "d_model": 384, "dropout": 0.0,
         "encoder_attention_heads": 6, "encoder_ffn_dim": 1536, "encoder_layerdrop": 0.0,
         "encoder_layers": 4, "init_std": 0.02, "max_source_positions": 1500,
         "num_mel_bins": 80}
        """,
        "seamless_m4t_v2": """
        {"adaptor_kernel_size": 8, "adaptor_stride": 8, "add_adapter": true,
         "conv_depthwise_kernel_size": 31, "feature_projection_input_dim": 160,
         "hidden_size": 1024, "layer_norm_eps": 1e-05, "left_max_position_embeddings": 64,
         "num_adapter_layers": 1, "position_embeddings_type": "relative_key",
         "right_max_position_embeddings": 8, "speech_encoder_attention_heads": 16,
         "speech_encoder_chunk_size": 20000, "speech_encoder_dropout": 0.0,
         "speech_encoder_hidden_act": "swish", "speech_encoder_intermediate_size": 4096,
         "speech_encoder_layers": 24, "speech_encoder_left_chunk_num": 128}
        """,
        "wav2vec2-bert": """
        {"activation_dropout": 0.0, "adapter_act": "relu", "adapter_kernel_size": 3,
         "adapter_stride": 2, "add_adapter": false, "apply_spec_augment": true,
         "attention_dropout": 0.0, "conformer_conv_dropout": 0.1,
         "conv_depthwise_kernel_size": 31, "feat_proj_dropout": 0.0,
         "feature_projection_input_dim": 160, "hidden_act": "swish", "hidden_dropout": 0.0,
         "hidden_size": 1024, "intermediate_size": 4096, "layer_norm_eps": 1e-05,
         "left_max_position_embeddings": 64, "mask_feature_prob": 0.0,
         "mask_time_prob": 0.05, "num_adapter_layers": 1, "num_attention_heads": 16,
         "num_hidden_layers": 24, "output_hidden_size": 1024,
         "position_embeddings_type": "relative_key", "right_max_position_embeddings": 8,
         "rotary_embedding_base": 10000, "use_intermediate_ffn_before_adapter": false}
        """,
    ]

    @Test(arguments: defaults.keys.sorted()) func missingKeysTakeTheDefaults(
        _ type: String
    ) throws {
        let text = try #require(Self.defaults[type])
        let expected = try JSONFile(path: type, data: Data(text.utf8)).object
        let config = try TinyModels.config(text: #"{"model_type": "\#(type)"}"#)
        let written = try written(config)
        for key in expected.keys {
            let mine = try #require(written[key], "\(key)")
            #expect(isSame(mine, try #require(expected[key])), "\(key): \(mine.summary)")
        }
        let extra = Set(written.keys).subtracting(expected.keys)
        let layerDrop = ["whisper": [], "seamless_m4t_v2": ["speech_encoder_layerdrop"]]
        #expect(
            extra == Set(["model_type", "architectures"] + (layerDrop[type] ?? ["layerdrop"])))
        // Null means the default too, but for what may be null.
        let nullable = ["position_embeddings_type", "speech_encoder_chunk_size"]
        let nulls = expected.keys.filter { !nullable.contains($0) }
            .map { #""\#($0)": null"# }.joined(separator: ", ")
        expectEqual(
            config, try TinyModels.config(text: #"{"model_type": "\#(type)", \#(nulls)}"#), type)
    }

    @Test(arguments: [
        ("wav2vec2-bert", "hidden_size", #""large""#), ("wav2vec2-bert", "hidden_size", "1.5"),
        ("wav2vec2-bert", "add_adapter", "1"), ("wav2vec2-bert", "hidden_act", #""mish""#),
        ("wav2vec2-bert", "position_embeddings_type", #""absolute""#),
        ("wav2vec2-bert", "hidden_dropout", "true"), ("wav2vec2-bert", "layer_norm_eps", "[]"),
        ("wav2vec2", "conv_dim", "512"), ("wav2vec2", "conv_dim", #"["a"]"#),
        ("wav2vec2", "feat_extract_norm", #""batch""#), ("wav2vec2", "conv_bias", #""yes""#),
        ("hubert", "do_stable_layer_norm", "{}"), ("wav2vec2", "adapter_attn_dim", "false"),
        ("whisper", "d_model", "[384]"), ("whisper", "activation_function", #""tanh""#),
        ("seamless_m4t_v2", "speech_encoder_chunk_size", #""all""#),
        ("seamless_m4t_v2", "add_adapter", "1"),
    ]) func wrongTypes(_ type: String, _ key: String, _ value: String) {
        let error = expectError(ModelError.self, containing: ["config.json", key]) {
            try TinyModels.config(text: #"{"model_type": "\#(type)", "\#(key)": \#(value)}"#)
        }
        #expect(error?.exitStatus == .badInput)
    }

    @Test(arguments: [
        ("wav2vec2-bert", "num_hidden_layers", "0"), ("wav2vec2-bert", "hidden_size", "-32"),
        ("wav2vec2-bert", "intermediate_size", "0"), ("wav2vec2", "num_attention_heads", "0"),
        ("wav2vec2-bert", "hidden_size", "4611686018427387904"),
        ("wav2vec2-bert", "num_hidden_layers", "1000000000"),
        ("wav2vec2-bert", "num_attention_heads", "7"), ("hubert", "num_attention_heads", "7"),
        ("wav2vec2-bert", "conv_depthwise_kernel_size", "0"),
        ("wav2vec2-bert", "conv_depthwise_kernel_size", "9999999"),
        ("wav2vec2-bert", "conv_depthwise_kernel_size", "30"),
        ("wav2vec2-bert", "left_max_position_embeddings", "-1"),
        ("wav2vec2-bert", "right_max_position_embeddings", "1000000000000"),
        ("wav2vec2-bert", "feature_projection_input_dim", "0"),
        ("wav2vec2-bert", "hidden_dropout", "1.5"), ("wav2vec2-bert", "hidden_dropout", "-0.1"),
        ("wav2vec2-bert", "conformer_conv_dropout", "2"),
        ("wav2vec2-bert", "mask_time_prob", "-1"), ("hubert", "mask_feature_prob", "1.1"),
        ("wav2vec2-bert", "layer_norm_eps", "-1e-5"),
        ("wav2vec2-bert", "rotary_embedding_base", "0"),
        ("wav2vec2", "conv_kernel", "[10, 3]"), ("wav2vec2", "conv_stride", "[5, 2]"),
        ("wav2vec2", "conv_dim", "[]"), ("wav2vec2", "conv_stride", "[0, 2, 2, 2, 2, 2, 2]"),
        ("wav2vec2", "conv_kernel", "[10, 3, 3, 3, 3, 2, 9000000000]"),
        ("wav2vec2", "num_conv_pos_embeddings", "0"),
        ("wav2vec2", "num_conv_pos_embedding_groups", "7"),
        ("wav2vec2", "adapter_attn_dim", "16"), ("hubert", "activation_dropout", "7"),
        ("wav2vec2", "attention_dropout", "-1"), ("wav2vec2", "feat_proj_dropout", "1.01"),
        ("wav2vec2", "initializer_range", "-1"), ("wavlm", "num_buckets", "2"),
        ("wavlm", "max_bucket_distance", "80"), ("wavlm", "hidden_dropout", "2"),
        ("unispeech-sat", "num_attention_heads", "7"),
        ("data2vec-audio", "num_conv_pos_embeddings", "0"), ("sew", "squeeze_factor", "0"),
        ("data2vec-audio", "conv_pos_kernel_size", "0"),
        ("wav2vec2-conformer", "position_embeddings_type", #""relative_key""#),
        ("wav2vec2-conformer", "conv_depthwise_kernel_size", "8"),
        ("wav2vec2-conformer", "conformer_conv_dropout", "2"),
        ("wav2vec2-conformer", "rotary_embedding_base", "0"),
        ("whisper", "encoder_layers", "0"), ("whisper", "d_model", "0"),
        ("whisper", "encoder_attention_heads", "7"), ("whisper", "encoder_ffn_dim", "-1"),
        ("whisper", "num_mel_bins", "0"), ("whisper", "max_source_positions", "100000"),
        ("whisper", "attention_dropout", "2"), ("whisper", "init_std", "-1"),
        ("seamless_m4t_v2", "speech_encoder_layers", "0"),
        ("seamless_m4t_v2", "hidden_size", "1000"),
        ("seamless_m4t_v2", "speech_encoder_attention_heads", "7"),
        ("seamless_m4t_v2", "speech_encoder_intermediate_size", "0"),
        ("seamless_m4t_v2", "position_embeddings_type", #""relative""#),
        ("seamless_m4t_v2", "conv_depthwise_kernel_size", "8"),
        ("seamless_m4t_v2", "left_max_position_embeddings", "-1"),
        ("seamless_m4t_v2", "speech_encoder_chunk_size", "0"),
        ("seamless_m4t_v2", "speech_encoder_dropout", "1.5"),
        ("seamless_m4t_v2", "adaptor_stride", "0"), ("seamless_m4t_v2", "layer_norm_eps", "-1"),
        ("seamless_m4t_v2", "num_adapter_layers", "-1"),
    ]) func valuesThatCannotBeBuilt(_ type: String, _ key: String, _ value: String) {
        expectError(ModelError.self, containing: ["config.json", key, "expected", "found"]) {
            try TinyModels.config(text: #"{"model_type": "\#(type)", "\#(key)": \#(value)}"#)
        }
    }

    @Test func adaptersThatCannotBeBuilt() {
        for (type, key, value) in [
            ("wav2vec2-bert", "output_hidden_size", 0),
            ("wav2vec2-bert", "output_hidden_size", 1000),
            ("wav2vec2-bert", "adapter_stride", 0), ("wav2vec2", "adapter_stride", -1),
            ("wav2vec2", "num_adapter_layers", 0), ("wav2vec2", "adapter_kernel_size", 0),
        ] {
            expectError(ModelError.self, containing: [key]) {
                try TinyModels.config(
                    text: #"{"model_type": "\#(type)", "add_adapter": true, "\#(key)": \#(value)}"#)
            }
        }
    }

    /// Students are the teacher's family in another size; not every size can be built.
    @Test func studentsThatTheFamilyCannotExpress() throws {
        func fails(
            _ name: String, _ key: String, layers: Int = 2, width: Int = 32, heads: Int = 4,
            feedForward: Int = 64
        ) throws {
            let student = try TinyModels.config(name).asStudent().resized(
                layers: layers, width: width, heads: heads, feedForward: feedForward)
            let error = expectError(ModelError.self, containing: ["student", key]) {
                try student.validate(path: "student")
            }
            #expect(error?.exitStatus == .badInput)
        }
        for name in ["w2v-bert", "wav2vec2 large", "hubert base"] {
            try fails(name, "num_hidden_layers", layers: 0)
            try fails(name, "hidden_size", width: 0)
            try fails(name, "num_attention_heads", heads: 0)
            try fails(name, "num_attention_heads", heads: 5)
            try fails(name, "intermediate_size", feedForward: -1)
        }
        // Groups of the positional convolution; halves of rotated heads; pairs of sine and cosine.
        try fails("wav2vec2 large", "num_conv_pos_embedding_groups", width: 42, heads: 3)
        try fails("w2v-bert rotary", "num_attention_heads", width: 12, heads: 4)
        try fails("w2v-bert relative", "hidden_size", width: 15, heads: 5)
        for name in TinyModels.names {
            let student = try TinyModels.config(name).asStudent().resized(
                layers: 1, width: 24, heads: 2, feedForward: 8)
            try student.validate(path: "student")
            let encoder = student.makeEncoder(in: ParameterStore())
            #expect(encoder.width == 24 && encoder.layerCount == 1)
        }
    }

    /// Adapters, language adapters and dropout are the teacher's business.
    @Test func studentsHaveNoAdapters() throws {
        for name in ["wav2vec2_mms_ctc", "wav2vec2_adapter", "w2vbert_intermediate_ffn"] {
            let teacher = try ModelLoader.config(of: ModelDirectory(Fixtures.model(name).path))
            let student = teacher.asStudent()
            try student.validate(path: "student")
            #expect(student.outputWidth == student.width)
            let names = student.makeEncoder(in: ParameterStore()).parameters.names
            #expect(names.contains("masked_spec_embed"))
            #expect(!names.contains { $0.contains("adapter") || $0.contains("intermediate_ffn") })
        }
    }
}
