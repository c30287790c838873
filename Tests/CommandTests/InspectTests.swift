import Foundation
import SpeechCore
import TestSupport
import Testing

extension Commands {
    @Suite("inspect") struct InspectTests {
        /// Tensors that no encoder uses.
        private static let heads = [
            "lm_head.", "quantizer.", "project_hid.", "project_q.",
            "encoder.pos_conv_embed.batch_norm.num_batches_tracked", "model.decoder.", "shared.",
            "text_encoder.", "text_decoder.", "t2u_model.", "vocoder.",
        ]

        private func inspect(
            _ model: URL, _ arguments: [String] = [], exits status: Int32 = 0
        ) throws -> [String: Any] {
            try expectColld(["inspect", model.path, "--json"] + arguments, exits: status).json()
        }

        private func integer(_ json: [String: Any], _ key: String) throws -> Int {
            try #require(json[key] as? Int, "\(key)")
        }

        private func numbers(_ json: [String: Any], _ key: String) throws -> [Double] {
            // Whole ones are read as integers, the others as floating-point numbers.
            try #require(json[key] as? [Any], "\(key)").map { try #require(Double("\($0)")) }
        }

        private func parts(_ json: [String: Any]) throws -> [[String: Any]] {
            try #require(json["parts"] as? [[String: Any]])
        }

        @Test("the parameters are those of the files without heads", arguments: ModelFiles.all)
        func parameters(_ name: String) throws {
            let json = try inspect(Fixtures.model(name))
            let files = try #require(json["files"] as? [[String: Any]])
            var (encoder, all) = (0, 0)
            for file in files {
                let fileName = try #require(file["name"] as? String)
                let path = Fixtures.model(name).appendingPathComponent(fileName).path
                let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
                #expect(file["bytes"] as? Int == size)
                let tensors = try SafetensorsFile(path: path)
                for tensor in tensors.names {
                    let count = try #require(tensors.entry(tensor)).elementCount
                    all += count
                    if !Self.heads.contains(where: { tensor.hasPrefix($0) }) { encoder += count }
                }
            }
            let total = try integer(json, "parameters")
            #expect(try total + integer(json, "buffers") == encoder)
            #expect(try encoder + integer(json, "ignored_parameters") == all)
            #expect(try parts(json).reduce(0) { try $0 + integer($1, "parameters") } == total)
            let dtypes = try #require(json["dtypes"] as? [String: Int])
            #expect(dtypes.values.reduce(0, +) == all)
            #expect(json["problems"] as? [String] == [])
            let layers = try Fixtures.expected(name).names.filter { $0.hasPrefix("mask.ffn.") }
            #expect(try integer(json, "layers") == layers.count)
        }

        @Test("what a person asks about a model")
        func facts() throws {
            let json = try inspect(Fixtures.model("w2vbert_adapter_ctc"), ["--seconds", "10,0.5"])
            #expect(json["family"] as? String == "wav2vec2-bert")
            #expect(json["architecture"] as? String == "Wav2Vec2BertForCTC")
            #expect(json["encoder_class"] as? String == "Wav2Vec2BertModel")
            #expect(json["feature_extractor"] as? String == "SeamlessM4TFeatureExtractor")
            #expect(try integer(json, "width") == 32)
            #expect(try integer(json, "output_width") == 24)
            #expect(try integer(json, "heads") == 4)
            #expect(try integer(json, "feed_forward") == 64)
            #expect(try integer(json, "sampling_rate") == 16_000)
            #expect(json["frames_per_second"] as? Double == 50)
            // Two windows of 25 ms, 10 ms apart.
            #expect(try integer(json, "receptive_field") == 560)
            #expect(try numbers(json, "seconds_of_audio") == [10, 0.5])
            #expect(json["ignored"] as? [String] == ["lm_head.bias", "lm_head.weight"])
            let projection = try #require(
                try parts(json).first { $0["name"] as? String == "feature projection" })
            // 998 windows make 499 frames in 10 s; 48 make 24 in half a second.
            let macs = [499 / 10.0, 24 / 0.5].map { $0 * 160 * 32 }
            #expect(try numbers(projection, "macs_per_second") == macs)
        }

        @Test("head, tokenizer and languages")
        func recognizers() throws {
            let json = try inspect(Fixtures.model("wav2vec2_mms_ctc"))
            #expect(json["languages"] as? [String] == ["eng", "fra"])
            let head = try #require(json["head"] as? [String: Any])
            #expect(try integer(head, "vocabulary_size") == 32)
            #expect(try integer(head, "tokenizer_size") == 32)
            #expect(head["problem"] == nil)
            let encoder = try inspect(Fixtures.model("hubert_base"))
            #expect(encoder["head"] == nil)
            #expect(encoder["languages"] as? [String] == [])
            try withTemporaryDirectory { folder in
                let model = try ModelFiles.copy("wav2vec2_mms_ctc", into: folder)
                let text = try expectColld(["inspect", model.path], exits: 0).output
                #expect(text.contains("CTC over 32 tokens, tokenizer of 32"), "\(text)")
                #expect(text.contains("eng, fra"), "\(text)")
                // A tokenizer that does not fit is told and keeps nobody from using the encoder.
                let config = model.appendingPathComponent("tokenizer_config.json")
                try Data("{}".utf8).write(to: config)
                let problem =
                    try #require(
                        try inspect(model)["head"] as? [String: Any])["problem"] as? String
                #expect(problem?.contains("target_lang") == true)
            }
        }

        @Test("a waveform front end sees 25 ms every 20 ms")
        func waveform() throws {
            let json = try inspect(Fixtures.model("wav2vec2_xlsr"))
            #expect(json["frames_per_second"] as? Double == 50)
            #expect(try integer(json, "receptive_field") == 400)
            #expect(try integer(json, "minimum_samples") == 400)
            let names = try parts(json).compactMap { $0["name"] as? String }
            #expect(names.starts(with: ["front end", "feature projection"]))
            #expect(names.contains("positional convolution"))
        }

        @Test("the sharded and the half-precision files tell what they are")
        func storage() throws {
            let sharded = try inspect(Fixtures.model("store_sharded"))
            #expect((sharded["files"] as? [[String: Any]])?.count == 3)
            let half = try inspect(Fixtures.model("store_bf16"))
            #expect((half["dtypes"] as? [String: Int])?["BF16"] ?? 0 > 0)
        }

        @Test("the table names every part, the licence comes from the card")
        func table() throws {
            try withTemporaryDirectory { folder in
                let model = try ModelFiles.copy("wav2vec2_mms_ctc", into: folder)
                try Data("---\nlanguage: [de]\nlicense: 'cc-by-nc-4.0'\n---\n# A model\n".utf8)
                    .write(to: model.appendingPathComponent("README.md"))
                let text = try expectColld(["inspect", model.path], exits: 0).output
                for word in [
                    "Wav2Vec2ForCTC", "front end", "attention", "feed-forward",
                    "language adapters", "total", "cc-by-nc-4.0", "model.safetensors",
                    "MACs/s at 60 s", "lm_head.weight",
                ] {
                    #expect(text.contains(word), "\(word)")
                }
                #expect(!text.split(separator: "\n").contains { $0.hasSuffix(" ") })
            }
        }

        @Test("a model that does not fit is shown, then refused")
        func problems() throws {
            try withTemporaryDirectory { folder in
                let model = try ModelFiles.copy("w2vbert", into: folder)
                let name = "encoder.layers.1.conv_module.depthwise_conv.weight"
                try ModelFiles.rewriteWeights(model) { values in
                    values.removeAll { $0.name == name }
                    values.append(.init(name: "something.else", shape: [1], floats: [1]))
                }
                let json = try inspect(model, exits: 2)
                #expect(
                    json["problems"] as? [String]
                        == ["missing: \(name)", "unused: something.else"])
                try expectColld(
                    ["inspect", folder.appendingPathComponent("none").path], exits: 2,
                    saying: ["no model"])
            }
        }
    }
}
