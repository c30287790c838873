import Foundation
import SpeechCore
import TestSupport
import Testing

extension Commands {
    @Suite("export hf") struct ExportTests {
        static let fixtures: [String] =
            (try? FileManager.default.contentsOfDirectory(atPath: Fixtures.url("models").path)
                .sorted()) ?? []

        private func export(_ model: URL, _ output: URL, _ more: [String] = []) -> [String] {
            ["export", "hf", "--model", model.path, "--output", output.path] + more
        }

        @Test("the report says what was written", arguments: ["store_bin_sharded", "store_fp16"])
        func report(_ name: String) throws {
            try withTemporaryDirectory { folder in
                let output = folder.appendingPathComponent("export")
                let json = try expectColld(
                    export(Fixtures.model(name), output, ["--json"]), exits: 0
                ).json()
                #expect(json["identical"] as? Bool == true)
                #expect(json["different"] as? [String] == [])
                let file = try SafetensorsFile(
                    path: output.appendingPathComponent("model.safetensors").path)
                #expect(json["compared"] as? Int == file.names.count)
                #expect(file.metadata == ["format": "pt"])
                let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
                #expect(left == ["export"])
                let inspection = try expectColld(["inspect", output.path, "--json"], exits: 0)
                #expect(try inspection.json()["problems"] as? [String] == [])
            }
        }

        @Test("a person reads the same")
        func text() throws {
            try withTemporaryDirectory { folder in
                let output = folder.appendingPathComponent("export")
                let text = try expectColld(
                    export(
                        Fixtures.model("store_safetensors_weight_g"), output,
                        ["--encoder-only", "--max-shard-size", "60kB"]), exits: 0
                ).output
                for part in [
                    "model-00001-of-0000", "renamed", "67 tensors", "left out", "lm_head.bias",
                    "bit for bit",
                ] { #expect(text.contains(part), "\(text)") }
                let names = try FileManager.default.contentsOfDirectory(atPath: output.path)
                #expect(!names.contains("vocab.json"))
                let config = try JSONFile(path: output.appendingPathComponent("config.json").path)
                #expect(config.object["architectures"] == .array([.string("Wav2Vec2Model")]))
                #expect(config.object["layer_norm_eps"] == .number(1e-5))
            }
        }

        @Test("what stands in the way is not overwritten")
        func occupied() throws {
            try withTemporaryDirectory { folder in
                let model = try ModelFiles.copy("hubert_base", into: folder)
                try expectColld(
                    export(model, model), exits: 2, saying: ["hubert_base", "would be lost"])
                let file = folder.appendingPathComponent("file")
                try Data("x".utf8).write(to: file)
                try expectColld(export(model, file), exits: 2, saying: ["file", "would be lost"])
                #expect(try String(contentsOf: file, encoding: .utf8) == "x")
                let empty = folder.appendingPathComponent("empty")
                try FileManager.default.createDirectory(
                    at: empty, withIntermediateDirectories: true)
                try expectColld(export(model, empty), exits: 0)
                try expectColld(
                    export(model, folder.appendingPathComponent("no/place")), exits: 1,
                    saying: ["cannot create"])
            }
        }

        @Test("models that cannot be read leave nothing behind")
        func damaged() throws {
            try withTemporaryDirectory { folder in
                let output = folder.appendingPathComponent("export")
                let nothing = folder.appendingPathComponent("nothing")
                try expectColld(export(nothing, output), exits: 2, saying: ["no model"])
                // The values of a pickle are checked when they are read: in the middle of writing.
                let model = try ModelFiles.copy("store_bin_parametrizations", into: folder)
                let weights = model.appendingPathComponent("pytorch_model.bin")
                var data = try Data(contentsOf: weights)
                let middle = data.count / 2
                data[middle] ^= 0xFF
                try data.write(to: weights)
                try expectColld(export(model, output), exits: 2, saying: ["pytorch_model.bin"])
                let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
                #expect(left == ["store_bin_parametrizations"])
            }
        }

        @Test("a disk that is full is an error, and nothing stays")
        func full() throws {
            try withTemporaryDirectory { folder in
                let output = folder.appendingPathComponent("export")
                let arguments = export(Fixtures.model("w2vbert"), output)
                    .map { "'\($0)'" }.joined(separator: " ")
                // Files of at most 100 blocks of 512 bytes.
                let result = try Colld.run(
                    URL(fileURLWithPath: "/bin/sh"),
                    ["-c", "ulimit -f 100; exec '\(Colld.binary.path)' \(arguments)"])
                #expect(result.status == 1, "\(result.errors)")
                #expect(result.errors.contains("model.safetensors"), "\(result.errors)")
                #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
            }
        }

        @Test(
            "transformers loads every export with the same tensors and outputs",
            .enabled(if: Oracle.python != nil))
        func oracle() throws {
            let python = try #require(Oracle.python)
            try withTemporaryDirectory { folder in
                var pairs: [String] = []
                for name in Self.fixtures {
                    for arguments in [[], ["--encoder-only"]] {
                        let output = folder.appendingPathComponent(name + arguments.joined())
                        let model = Fixtures.model(name)
                        try expectColld(
                            export(model, output, arguments + ["--max-shard-size", "100kB"]),
                            exits: 0)
                        pairs += [model.path, output.path]
                    }
                }
                #expect(pairs.count >= 4 * 26)
                let script = Colld.root.appendingPathComponent("Tests/Oracle/same_model.py").path
                let result = try Colld.run(python, [script] + pairs)
                #expect(result.status == 0, "\(result.errors)")
            }
        }
    }
}
