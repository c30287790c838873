import Foundation
import SpeechCore
import SpeechModels
import TestSupport
import Testing
import Torch

/// Every fault of a model directory is one error that names all that is wrong.
@Suite struct LoadingTests {
    private func fails<E: ReportedError>(
        _ type: E.Type, _ fixture: String = "w2vbert", _ fragments: String...,
        spoil: (ModelFolder) throws -> Void
    ) throws {
        try withModel(fixture) { model in
            try spoil(model)
            let error = expectError(type, containing: fragments) { try model.load() }
            #expect(error?.exitStatus == .badInput)
        }
    }

    /// Heads of any kind are no part of an encoder and no reason to refuse a checkpoint.
    @Test func ignoresHeads() throws {
        try withModel("wav2vec2_xlsr") { model in
            try model.editWeights { entries in
                for name in ["layer_weights", "projector.weight", "tdnn.0.kernel.weight"] {
                    entries[name] = SafetensorsEntry(name: name, shape: [1], floats: [0])
                }
            }
            #expect(throws: Never.self) { try model.load() }
        }
    }

    @Test func listsEveryTensorThatDoesNotFit() throws {
        try fails(
            ModelError.self, "w2vbert",
            "w2vbert", "config.json",
            "missing: encoder.layers.0.ffn1.output_dense.bias",
            "missing: encoder.layers.2.self_attn.distance_embedding.weight",
            "shape of feature_projection.projection.weight: expected [32, 160], found [160, 32]",
            "unused: encoder.layers.3.ffn1.output_dense.bias", "unused: surplus",
            "values of encoder.layers.1.conv_module.depthwise_conv.weight are not all finite",
            "type of encoder.layers.1.final_layer_norm.bias: expected floating-point numbers, "
                + "found int64"
        ) { model in
            try model.editWeights { entries in
                entries["encoder.layers.0.ffn1.output_dense.bias"] = nil
                entries["encoder.layers.2.self_attn.distance_embedding.weight"] = nil
                entries["feature_projection.projection.weight"] = SafetensorsEntry(
                    name: "feature_projection.projection.weight", shape: [160, 32],
                    floats: [Float](repeating: 0, count: 5120))
                for name in ["encoder.layers.3.ffn1.output_dense.bias", "surplus"] {
                    entries[name] = SafetensorsEntry(name: name, shape: [1], floats: [0])
                }
                let name = "encoder.layers.1.conv_module.depthwise_conv.weight"
                var values = [Float](repeating: 1, count: 32 * 7)
                values[100] = .nan
                entries[name] = SafetensorsEntry(name: name, shape: [32, 1, 7], floats: values)
                let bias = "encoder.layers.1.final_layer_norm.bias"
                entries[bias] = SafetensorsEntry(
                    name: bias, shape: [32], integers: [Int](repeating: 0, count: 32))
            }
        }
    }

    @Test func infinityIsNoWeight() throws {
        try fails(ModelError.self, "hubert_base", "values of encoder.layer_norm.weight") { model in
            try model.editWeights { entries in
                var values = [Float](repeating: 1, count: 32)
                values[31] = -.infinity
                entries["encoder.layer_norm.weight"] = SafetensorsEntry(
                    name: "encoder.layer_norm.weight", shape: [32], floats: values)
            }
        }
    }

    /// A tensor under its old and its new name, or with and without prefix: neither is chosen.
    @Test func twoNamesForOneTensor() throws {
        let old = "encoder.pos_conv_embed.conv.weight_g"
        try fails(ModelError.self, "hubert_base", "twice: ", old, "original0") { model in
            try model.editWeights {
                $0[old] = SafetensorsEntry(
                    name: old, shape: [1, 1, 16], floats: [Float](repeating: 1, count: 16))
            }
        }
    }

    /// A size far beyond memory is a mismatch like any other.
    @Test func configurationLargerThanMemory() throws {
        try fails(
            ModelError.self, "w2vbert",
            "encoder.layers.0.ffn1.intermediate_dense.weight: expected [65536, 65536]"
        ) {
            try $0.edit([
                "hidden_size": .integer(65536), "intermediate_size": .integer(65536),
                "output_hidden_size": .integer(65536),
            ])
        }
    }

    @Test func heads() throws {
        // Tensors of heads and quantizers are left out without a word; see `EncoderFamily.ignored`.
        let model = try ModelLoader.load(Fixtures.model("wav2vec2_xlsr").path)
        #expect(model.weights.names.contains { $0.hasPrefix("quantizer.") })
        #expect(!model.encoder.parameters.names.contains { $0.contains("quantizer") })
        #expect(model.family.modelType == "wav2vec2")
        #expect(model.encoder.parameters.trainable.isEmpty)
        #expect(model.encoder.parameters["masked_spec_embed"]?.shape == [32])
    }

    @Test func foreignAndTruncatedWeights() throws {
        let weights = "model.safetensors"
        try fails(SafetensorsError.self, "w2vbert", weights, "truncated") { model in
            let bytes = try Data(contentsOf: model.file(weights))
            try AtomicFile.write(bytes.prefix(bytes.count / 2), to: model.file(weights))
        }
        try fails(SafetensorsError.self, "w2vbert", weights, "not a safetensors file") {
            try AtomicFile.write("<html>not found</html>", to: $0.file(weights))
        }
        try fails(ModelDirectoryError.self, "w2vbert", "no weights", "'pytorch_model.bin'") {
            try $0.remove(weights)
        }
        try fails(ModelDirectoryError.self, "store_sharded", "model-00002-of-00003", "1 missing") {
            try $0.remove("model-00002-of-00003.safetensors")
        }
        try fails(
            ModelDirectoryError.self, "store_bin_sharded", "pytorch_model-00002-of-00002.bin"
        ) { try $0.remove("pytorch_model-00002-of-00002.bin") }
        try fails(ZipArchiveError.self, "store_bin_weight_g", "pytorch_model.bin", "truncated") {
            let file = $0.file("pytorch_model.bin")
            try AtomicFile.write(try Data(contentsOf: file).dropLast(1000), to: file)
        }
        expectError(ModelDirectoryError.self, containing: ["absent/model"]) {
            try ModelLoader.load("absent/model")
        }
    }

    @Test func modelTypes() throws {
        try fails(
            ModelError.self, "w2vbert", "config.json", "model_type", "'bert'", "wav2vec2-bert",
            "hubert"
        ) { try $0.edit(["model_type": .string("bert")]) }
        try fails(JSONFileError.self, "w2vbert", "config.json", "model_type") {
            try $0.edit(["model_type": .null])
        }
        try fails(JSONFileError.self, "w2vbert", "config.json", "not valid JSON") {
            try AtomicFile.write("{\"model_type\": ", to: $0.file("config.json"))
        }
    }

    @Test func preprocessorsThatDisagree() throws {
        let file = "preprocessor_config.json"
        try fails(
            ModelError.self, "w2vbert", file, "feature_extractor_type",
            "SeamlessM4TFeatureExtractor", "found Wav2Vec2FeatureExtractor"
        ) {
            try $0.edit(
                [
                    "feature_extractor_type": .string("Wav2Vec2FeatureExtractor"),
                    "feature_size": .integer(1),
                ], in: file)
        }
        try fails(
            ModelError.self, "w2vbert", file, "num_mel_bins", "160", "found 120"
        ) { try $0.edit(["num_mel_bins": .integer(60)], in: file) }
        try fails(ModelError.self, "hubert_base", file, "Wav2Vec2FeatureExtractor") {
            try AtomicFile.write(
                #"{"feature_extractor_type": "SeamlessM4TFeatureExtractor"}"#, to: $0.file(file))
        }
        try fails(ModelError.self, "hubert_base", file, "feature_extractor_type", "Whisper") {
            try $0.edit(
                ["feature_extractor_type": .string("WhisperFeatureExtractor")], in: file)
        }
        try fails(JSONFileError.self, "hubert_base", file, "feature_extractor_type", "CLIP") {
            try $0.edit(["feature_extractor_type": .string("CLIPImageProcessor")], in: file)
        }
        // Without a file the family's usual extractor is taken.
        try withModel("hubert_base") { model in
            try model.remove(file)
            let extractor = try model.load().featureExtractor
            #expect(extractor.config == FeatureExtractorConfig(kind: .wav2vec2))
        }
    }

    /// Half-precision weights stay what they were, norms are kept in full precision.
    @Test func storesInTheAskedType() throws {
        let path = Fixtures.model("w2vbert").path
        let full = try ModelLoader.load(path).encoder.parameters
        let half = try ModelLoader.load(path, dtype: .bfloat16).encoder.parameters
        #expect(full.names == half.names)
        for (name, tensor) in half.all {
            let isNorm = name.contains("layer_norm")
            #expect(tensor.dtype == (isNorm ? .float32 : .bfloat16), "\(name)")
            let expected = try #require(full[name]).to(tensor.dtype)
            #expect(tensor.floats() == expected.floats(), "\(name)")
        }
        // A value that fits float32 but not float16 is not finite after conversion.
        try withModel("w2vbert") { model in
            let name = "encoder.layers.0.ffn1.output_dense.bias"
            try model.editWeights {
                $0[name] = SafetensorsEntry(
                    name: name, shape: [32], floats: [Float](repeating: 1e6, count: 32))
            }
            #expect(try ModelLoader.load(model.path).encoder.parameters[name] != nil)
            expectError(ModelError.self, containing: [name, "finite"]) {
                try ModelLoader.load(model.path, dtype: .float16)
            }
        }
    }

    /// Every tensor is a copy: the file may go while the model lives.
    @Test func modelsOutliveTheirFiles() throws {
        let (model, expected) = try withModel("w2vbert") { folder in
            let model = try folder.load()
            return (model, model.encoder.parameters.all.map { $0.tensor.floats() })
        }
        #expect(model.encoder.parameters.all.map { $0.tensor.floats() } == expected)
    }
}
