import Foundation
import TestSupport
import Testing

extension Commands {
    @Suite("initialize") struct DistillInitializeTests {
        @Test("the weights are a function of the seed")
        func seeds() throws {
            try withTemporaryDirectory { folder in
                let models = try ["1", "1", "2"].enumerated().map { number, seed in
                    let url = folder.appendingPathComponent("\(number)")
                    let result = try expectColld(
                        [
                            "initialize", "--design", "2x64", "--seed", seed, "--output", url.path,
                        ], exits: 0)
                    #expect(result.output == url.path + "\n")
                    return url
                }
                let files = [
                    "README.md", "config.json", "model.safetensors", "preprocessor_config.json",
                ]
                let names = try FileManager.default.contentsOfDirectory(atPath: models[0].path)
                #expect(names.sorted() == files)
                for file in files {
                    let bytes = try models.map {
                        try Data(contentsOf: $0.appendingPathComponent(file))
                    }
                    #expect(bytes[0] == bytes[1], "\(file)")
                    #expect((bytes[0] == bytes[2]) == file.hasSuffix(".json"), "\(file)")
                }
            }
        }

        @Test(
            "every family can be made and read",
            arguments: ["w2v-bert", "wav2vec2", "hubert", "whisper", "seamless_m4t_v2"])
        func families(_ family: String) throws {
            try withTemporaryDirectory { folder in
                let model = folder.appendingPathComponent("model").path
                try expectColld(
                    ["initialize", "--family", family, "--design", "2x64", "--output", model],
                    exits: 0)
                let inspected = try runColld(["inspect", model, "--json"])
                #expect(inspected.status == 0, "\(inspected.errors)")
                let output = folder.appendingPathComponent("output.safetensors").path
                try expectColld(
                    [
                        "encode", "--model", model, "--audio", ModelFiles.speechFiles[1],
                        "--output", output,
                    ], exits: 0)
            }
        }

        @Test(
            "shapes that cannot be",
            arguments: [
                ("12x", 2, "'12x'"), ("0x64", 2, "'0x64'"), ("2x0", 2, "'2x0'"),
                ("64", 2, "'64'"), ("2x-64", 2, "'2x-64'"), ("3x200", 2, "num_attention_heads"),
                ("99999999999999999999x64", 2, "layers x width"),
            ])
        func designs(_ design: String, _ status: Int32, _ said: String) throws {
            try withTemporaryDirectory { folder in
                let output = folder.appendingPathComponent("model").path
                try expectColld(
                    ["initialize", "--design", design, "--output", output], exits: status,
                    saying: [said])
                #expect(!FileManager.default.fileExists(atPath: output))
            }
        }

        @Test("a width that the positional convolution cannot divide")
        func groups() throws {
            try withTemporaryDirectory { folder in
                try expectColld(
                    [
                        "initialize", "--family", "hubert", "--design", "2x100", "--output",
                        folder.appendingPathComponent("model").path,
                    ], exits: 2, saying: ["num_conv_pos_embedding_groups", "hidden_size 100"])
            }
        }

        @Test("other values of config.json, and the extractor that fits them")
        func overrides() throws {
            try withTemporaryDirectory { folder in
                let model = folder.appendingPathComponent("model")
                func initialize(_ pairs: String...) -> [String] {
                    ["initialize", "--design", "1x64", "--output", model.path] + pairs
                }
                try expectColld(
                    initialize("conv_depthwise_kernal_size=15"), exits: 2,
                    saying: ["conv_depthwise_kernal_size", "did you mean", "kernel_size"])
                try expectColld(
                    initialize("feature_projection_input_dim=100"), exits: 2,
                    saying: ["feature_projection_input_dim", "80 bins", "100"])
                try expectColld(
                    initialize("hidden_act=sine"), exits: 2, saying: ["hidden_act", "sine"])
                try expectColld(initialize("hidden_size"), exits: 2, saying: ["hidden_size"])
                #expect(!FileManager.default.fileExists(atPath: model.path))
                try expectColld(
                    initialize(
                        "conv_depthwise_kernel_size=15", "feature_projection_input_dim=320",
                        "hidden_act=gelu"), exits: 0)
                func object(_ name: String) throws -> [String: Any] {
                    let data = try Data(contentsOf: model.appendingPathComponent(name))
                    return try #require(
                        JSONSerialization.jsonObject(with: data) as? [String: Any])
                }
                let config = try object("config.json")
                #expect(config["conv_depthwise_kernel_size"] as? Int == 15)
                #expect(config["hidden_act"] as? String == "gelu")
                #expect(try object("preprocessor_config.json")["stride"] as? Int == 4)
                let output = folder.appendingPathComponent("output.safetensors").path
                try expectColld(
                    [
                        "encode", "--model", model.path, "--audio", ModelFiles.speechFiles[1],
                        "--output", output,
                    ], exits: 0)
            }
        }

        @Test("nothing that exists is written over")
        func occupied() throws {
            try withTemporaryDirectory { folder in
                let file = folder.appendingPathComponent("notes")
                try Data("mine".utf8).write(to: file)
                for output in [file, folder] {
                    try expectColld(
                        ["initialize", "--design", "1x64", "--output", output.path], exits: 2,
                        saying: [output.path, "new or empty"])
                }
                #expect(try String(contentsOf: file, encoding: .utf8) == "mine")
                let below = file.appendingPathComponent("model").path
                try expectColld(
                    ["initialize", "--design", "1x64", "--output", below], exits: 1,
                    saying: [below])
                let empty = folder.appendingPathComponent("empty")
                try FileManager.default.createDirectory(
                    at: empty, withIntermediateDirectories: true)
                try expectColld(
                    ["initialize", "--design", "1x64", "--output", empty.path], exits: 0)
            }
        }

        @Test("arguments that are missing or wrong")
        func usage() throws {
            try expectColld(["initialize"], exits: 64, saying: ["--design"])
            try expectColld(["initialize", "--design", "1x64"], exits: 64, saying: ["--output"])
            try expectColld(
                ["initialize", "--design", "1x64", "--output", "x", "--seed=-1"], exits: 64,
                saying: ["--seed"])
        }
    }
}
