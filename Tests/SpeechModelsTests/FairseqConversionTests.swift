import FileMutation
import Foundation
import SpeechCore
import SpeechModels
import TestSupport
import Testing
import Torch

/// Checkpoints as fairseq saves them.
@Suite(.serialized) struct FairseqConversionTests {
    static let names = [
        "ctc_args_legacy", "ctc_hubert_cfg", "data2vec_cfg", "hubert_cfg", "hubert_omega",
        "wav2vec2_args", "xlsr_fp16",
    ]

    private static func checkpoint(_ name: String) -> String {
        Fixtures.url("fairseq/\(name).pt").path
    }

    /// Converts into a folder that is gone afterwards.
    private func converted<R>(
        _ path: String, dictionary: String? = nil, dtype: DType? = nil,
        _ body: (CheckpointConversion, URL) throws -> R
    ) throws -> R {
        try withTemporaryDirectory { folder in
            let conversion = try CheckpointConversion(path: path, dictionary: dictionary)
            try conversion.fill(folder, dtype: dtype)
            return try body(conversion, folder)
        }
    }

    @Test(arguments: names) func activations(_ name: String) throws {
        try converted(Self.checkpoint(name)) { _, folder in
            let model = try ModelLoader.load(folder.path)
            let expected = try Fixtures.safetensors("fairseq/\(name).safetensors")
            let shape = try #require(expected.entry("input_values")).shape
            let mask = try expected.entry("attention_mask").map { _ in
                try expected.integers("attention_mask")
            }
            let lengths = mask.map { mask in
                (0..<shape[0]).map { mask[($0 * shape[1])..<(($0 + 1) * shape[1])].reduce(0, +) }
            }
            let values = Tensor(try expected.floats("input_values"), shape)
            let output = withoutGradients {
                model.encoder.encode(
                    EncoderInput(values: values, lengths: lengths, padding: .reference),
                    request: .all(layers: model.encoder.layerCount))
            }
            func compare(_ tensor: Tensor?, _ name: String) throws {
                let tensor = try #require(tensor)
                let values = try expected.floats(name)
                let frames = tensor.size(1) * tensor.size(2)
                for (clip, length) in output.lengths.enumerated() {
                    let range = (clip * frames)..<(clip * frames + length * tensor.size(2))
                    expectClose(
                        Array(tensor.floats()[range]), Array(values[range]), within: 1e-4, name)
                }
            }
            for layer in 0...model.encoder.layerCount {
                try compare(output.hiddenStates[layer], "hidden_states.\(layer)")
            }
            for layer in 0..<model.encoder.layerCount {
                try compare(output.feedForward[layer + 1], "ffn.\(layer)")
            }
            try compare(output.lastHiddenState, "last_hidden_state")
        }
    }

    @Test func configuration() throws {
        func object(_ name: String, _ file: String = "config.json") throws -> JSONFile {
            try converted(Self.checkpoint(name)) { _, folder in
                try JSONFile(path: folder.appendingPathComponent(file).path)
            }
        }
        let base = try object("wav2vec2_args")
        #expect(try base.string("feat_extract_norm") == "group")
        #expect(try base.bool("do_stable_layer_norm") == false && base.bool("conv_bias") == false)
        #expect(base.value("conv_kernel") == .array([10, 3, 3, 3, 3, 2, 2].map { .integer($0) }))
        #expect(base.value("conv_stride") == .array([5, 2, 2, 2, 2, 2, 2].map { .integer($0) }))
        #expect(try base.number("mask_time_prob") == 0.65 && base.number("layerdrop") == 0.05)
        #expect(base.value("architectures") == .array([.string("Wav2Vec2Model")]))
        let large = try object("xlsr_fp16")
        #expect(try large.string("feat_extract_norm") == "layer")
        #expect(try large.bool("do_stable_layer_norm") == true && large.bool("conv_bias") == true)
        let data2Vec = try object("data2vec_cfg")
        #expect(try data2Vec.integer("conv_pos_kernel_size", in: 1...99) == 5)
        #expect(try data2Vec.integer("num_conv_pos_embeddings", in: 1...99) == 3)
        #expect(try object("hubert_omega").bool("conv_pos_batch_norm") == true)
        // The recognizer's own settings win over those of its encoder.
        let recognizer = try object("ctc_hubert_cfg")
        #expect(try recognizer.integer("vocab_size", in: 1...99) == 10)
        #expect(try recognizer.number("mask_time_prob") == 0.5)
        #expect(try recognizer.number("mask_feature_prob") == 0.25)
        #expect(try recognizer.integer("mask_time_length", in: 1...99) == 12)
        #expect(try recognizer.number("layerdrop") == 0.1)
        #expect(try recognizer.number("final_dropout") == 0.05)
        #expect(recognizer.value("architectures") == .array([.string("HubertForCTC")]))
        // Clips are normalised, and masked, where the front end has LayerNorm.
        for (name, flag) in [("wav2vec2_args", false), ("xlsr_fp16", true)] {
            let extractor = try object(name, "preprocessor_config.json")
            #expect(try extractor.bool("do_normalize") == flag)
            #expect(try extractor.bool("return_attention_mask") == flag)
        }
    }

    @Test func leftOut() throws {
        let parts = try CheckpointConversion(path: Self.checkpoint("wav2vec2_args")).leftOut
        #expect(parts.map(\.part) == ["final_proj", "project_q", "quantizer"])
        #expect(parts.map(\.tensors) == [2, 1, 2])
        #expect(parts.map(\.values) == [136, 64, 192])
        let average = try CheckpointConversion(path: Self.checkpoint("data2vec_cfg")).leftOut
        #expect(average.first?.part == "_ema" && average.first?.values == 768)
        #expect(try CheckpointConversion(path: Self.checkpoint("ctc_hubert_cfg")).leftOut.isEmpty)
    }

    @Test func elementTypes() throws {
        func types(_ name: String, _ dtype: DType?) throws -> Set<SafetensorsDType> {
            try converted(Self.checkpoint(name), dtype: dtype) { _, folder in
                let file = try SafetensorsFile(
                    path: folder.appendingPathComponent("model.safetensors").path)
                return Set(file.names.compactMap { file.entry($0)?.dtype })
            }
        }
        #expect(try types("xlsr_fp16", nil) == [.float16])
        #expect(try types("xlsr_fp16", .float32) == [.float32])
        #expect(try types("hubert_cfg", .bfloat16) == [.bfloat16])
        // A count stays a count.
        #expect(try types("hubert_omega", .bfloat16) == [.bfloat16, .int64])
    }

    @Test func tokenizer() throws {
        let dictionary = Fixtures.url("fairseq/dict.ltr.txt").path
        let expected = ["<pad>", "<s>", "</s>", "<unk>", "|", "E", "T", "A", "'", "É"]
        // Given as a file, or held by the checkpoint itself.
        for (name, dictionary) in [("ctc_args_legacy", dictionary), ("ctc_hubert_cfg", nil)] {
            try converted(Self.checkpoint(name), dictionary: dictionary) { _, folder in
                let vocabulary = try JSONFile(
                    path: folder.appendingPathComponent("vocab.json").path)
                for (id, symbol) in expected.enumerated() {
                    #expect(vocabulary.value(symbol) == .integer(id))
                }
                #expect(vocabulary.object.keys.count == expected.count)
                let tokenizer = try JSONFile(
                    path: folder.appendingPathComponent("tokenizer_config.json").path)
                #expect(try tokenizer.string("tokenizer_class") == "Wav2Vec2CTCTokenizer")
            }
        }
        // Without symbols there is no tokenizer.
        try converted(Self.checkpoint("ctc_args_legacy")) { _, folder in
            let path = folder.appendingPathComponent("vocab.json").path
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }

    @Test func dictionaries() throws {
        func fails(_ text: String, _ fragments: [String], _ name: String = "ctc_args_legacy") throws
        {
            try withTemporaryDirectory { folder in
                let url = folder.appendingPathComponent("dict.txt")
                try Data(text.utf8).write(to: url)
                expectError(ConversionError.self, containing: ["dict.txt"] + fragments) {
                    try CheckpointConversion(path: Self.checkpoint(name), dictionary: url.path)
                }
            }
        }
        try fails("| 9\nE 8\n", ["10 symbols", "found 6"])
        try fails("| 9\nE\n", ["line 2", "a symbol, a space and its count", "'E'"])
        try fails("| 9\n\nE 3\n", ["line 2"])
        try fails("| 9\n| 9\n", ["each symbol once", "'|' twice"])
        try fails("| 9\n", ["a head for recognition", "bare encoder"], "wav2vec2_args")
    }
}
