import Foundation
import SpeechCore
import TestSupport
import Testing

extension Commands {
    @Suite("encode with bad input") struct EncodeErrorTests {
        private let speech = ModelFiles.speechFiles[0]

        /// `encode` on a model that is expected to fail; nothing may be left behind.
        private func expectFailure(
            _ model: URL, exits status: Int32 = 2, saying fragments: [String],
            in folder: URL, arguments: [String]? = nil,
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let output = folder.appendingPathComponent("output.safetensors")
            try expectColld(
                ["encode", "--model", model.path, "--output", output.path]
                    + (arguments ?? ["--audio", speech]),
                exits: status, saying: fragments, sourceLocation: sourceLocation)
            let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
                .filter { $0.hasPrefix("output.safetensors") }
            #expect(left.isEmpty, sourceLocation: sourceLocation)
        }

        @Test("models that cannot be opened")
        func models() throws {
            try withTemporaryDirectory { folder in
                try expectFailure(
                    folder.appendingPathComponent("nothing"),
                    saying: ["no model", "nothing"], in: folder)
                let model = try ModelFiles.copy("w2vbert", into: folder)
                let config = model.appendingPathComponent("config.json")
                try ModelFiles.rewriteConfig(model) {
                    $0.replacingOccurrences(of: "\"wav2vec2-bert\"", with: "\"squeezenet\"")
                }
                try expectFailure(
                    model, saying: ["config.json", "model_type", "squeezenet", "hubert"],
                    in: folder)
                try Data("{\"model_type\": ".utf8).write(to: config)
                try expectFailure(model, saying: ["config.json", "JSON"], in: folder)
                try FileManager.default.removeItem(at: config)
                try expectFailure(model, saying: ["expected config.json"], in: folder)
            }
        }

        @Test("a configuration that cannot be built names the key")
        func configuration() throws {
            try withTemporaryDirectory { folder in
                let model = try ModelFiles.copy("wav2vec2_xlsr", into: folder)
                try ModelFiles.rewriteConfig(model) {
                    $0.replacingOccurrences(
                        of: "\"num_attention_heads\": 4", with: "\"num_attention_heads\": 5")
                }
                try expectFailure(model, saying: ["num_attention_heads", "found 5"], in: folder)
            }
        }

        @Test("damaged weights")
        func weights() throws {
            try withTemporaryDirectory { folder in
                let model = try ModelFiles.copy("w2vbert", into: folder)
                let url = model.appendingPathComponent("model.safetensors")
                let whole = try Data(contentsOf: url)
                try whole.prefix(whole.count / 2).write(to: url)
                try expectFailure(model, saying: [url.path], in: folder)
                try whole.prefix(100).write(to: url)
                try expectFailure(model, saying: [url.path, "truncated"], in: folder)
                try Data("this is no checkpoint at all".utf8).write(to: url)
                try expectFailure(model, saying: [url.path, "safetensors"], in: folder)
                try FileManager.default.removeItem(at: url)
                try expectFailure(
                    model, saying: ["has no weights", "model.safetensors"], in: folder)
            }
        }

        @Test("everything that does not fit is listed at once")
        func misfits() throws {
            try withTemporaryDirectory { folder in
                let model = try ModelFiles.copy("w2vbert", into: folder)
                let norm = "encoder.layers.0.ffn1_layer_norm.weight"
                let bias = "encoder.layers.2.self_attn.linear_q.bias"
                let projection = "feature_projection.projection.weight"
                try ModelFiles.rewriteWeights(model) { values in
                    values.removeAll { $0.name == norm || $0.name == bias }
                    for index in values.indices where values[index].name == projection {
                        values[index].shape.reverse()
                    }
                    values.append(.init(name: "encoder.surplus", shape: [1], floats: [0]))
                }
                try expectFailure(
                    model,
                    saying: [
                        "missing: \(norm)", "missing: \(bias)", projection, "[32, 160]",
                        "[160, 32]", "unused: encoder.surplus",
                    ], in: folder)
            }
        }

        @Test("weights that are not numbers", arguments: [Float.nan, .infinity])
        func notFinite(_ value: Float) throws {
            try withTemporaryDirectory { folder in
                let model = try ModelFiles.copy("hubert_base", into: folder)
                let name = "encoder.layers.1.feed_forward.output_dense.weight"
                try ModelFiles.rewriteWeights(model) { values in
                    for index in values.indices where values[index].name == name {
                        values[index].floats[7] = value
                    }
                }
                try expectFailure(model, saying: [name, "finite"], in: folder)
            }
        }

        @Test("audio that cannot be used names its file")
        func audio() throws {
            try withTemporaryDirectory { folder in
                func fail(_ name: String, _ model: String, _ fragments: [String]) throws {
                    let path = folder.appendingPathComponent(name).path
                    try expectFailure(
                        Fixtures.model(model), saying: [path] + fragments, in: folder,
                        arguments: ["--audio", speech, path])
                }
                func write(_ data: Data, _ name: String) throws {
                    try data.write(to: folder.appendingPathComponent(name))
                }
                try fail("missing.wav", "w2vbert", ["does not exist"])
                try write(Data("hello, I am a text".utf8), "text.wav")
                try fail("text.wav", "w2vbert", ["cannot decode"])
                let flac = try Data(contentsOf: Fixtures.url("features/speech_en.flac"))
                try write(flac.prefix(flac.count / 2), "half.flac")
                try fail("half.flac", "w2vbert", ["truncated"])
                try write(Data(), "empty.wav")
                try fail("empty.wav", "w2vbert", ["empty"])
                let short = folder.appendingPathComponent("short.wav")
                try ModelFiles.writeWave(Array(repeating: 100, count: 399), to: short)
                try fail("short.wav", "wav2vec2_xlsr", ["too short", "at least 400", "found 399"])
                try ModelFiles.writeWave(Array(repeating: 100, count: 559), to: short)
                try fail("short.wav", "w2vbert", ["too short", "at least 560", "found 559"])
            }
        }

        @Test(
            "the shortest audio is long enough",
            arguments: [("wav2vec2_xlsr", 400), ("w2vbert", 560)])
        func shortest(_ model: String, _ samples: Int) throws {
            try withTemporaryDirectory { folder in
                let clip = folder.appendingPathComponent("short.wav")
                try ModelFiles.writeWave((0..<samples).map { Int16($0 % 50 * 100) }, to: clip)
                let output = folder.appendingPathComponent("output.safetensors").path
                try expectColld(
                    [
                        "encode", "--model", Fixtures.model(model).path, "--audio", clip.path,
                        "--output", output,
                    ], exits: 0)
                #expect(try SafetensorsFile(path: output).integers("lengths") == [1])
            }
        }

        @Test("input tensors that do not fit")
        func tensors() throws {
            try withTemporaryDirectory { folder in
                let input = folder.appendingPathComponent("input.safetensors")
                func fail(
                    _ model: String, _ entries: [SafetensorsEntry], _ fragments: [String],
                    sourceLocation: SourceLocation = #_sourceLocation
                ) throws {
                    try SafetensorsWriter.write(entries, to: input)
                    try expectFailure(
                        Fixtures.model(model), saying: [input.path] + fragments, in: folder,
                        arguments: ["--input", input.path], sourceLocation: sourceLocation)
                }
                func values(_ shape: [Int], _ value: Float = 0.5) -> SafetensorsEntry {
                    SafetensorsEntry(
                        name: "input_values", shape: shape,
                        floats: Array(repeating: value, count: shape.reduce(1, *)))
                }
                func mask(_ shape: [Int], _ values: [Int]) -> SafetensorsEntry {
                    SafetensorsEntry(name: "attention_mask", shape: shape, integers: values)
                }
                let xlsr = "wav2vec2_xlsr"
                let ones = Array(repeating: 1, count: 800)
                try fail(xlsr, [], ["input_values", "no tensor"])
                try fail("w2vbert", [values([1, 800])], ["input_features", "found input_values"])
                try fail(xlsr, [values([800])], ["[B, N]", "[800]"])
                try fail(xlsr, [values([0, 800])], ["at least one clip"])
                try fail(xlsr, [values([1, 399])], ["enough samples", "399"])
                try fail(xlsr, [values([1, 800], .nan)], ["input_values", "finite"])
                try fail(
                    xlsr,
                    [
                        SafetensorsEntry(
                            name: "input_values", shape: [1, 800],
                            float16: Array(repeating: 0, count: 800))
                    ], ["input_values", "F32", "F16"])
                try fail(
                    "w2vbert",
                    [
                        SafetensorsEntry(
                            name: "input_features", shape: [1, 4, 80],
                            floats: Array(repeating: 0, count: 320))
                    ], ["[B, T, 160]", "[1, 4, 80]"])

                let two = values([2, 800])
                try fail(xlsr, [two, mask([2, 400], ones)], ["attention_mask", "[2, 800]"])
                try fail(xlsr, [two, mask([1, 800], ones)], ["attention_mask", "[2, 800]"])
                var holes = ones + ones
                holes[900] = 0
                try fail(xlsr, [two, mask([2, 800], holes)], ["right", "clip 1"])
                let left = Array(repeating: 0, count: 300) + Array(repeating: 1, count: 500)
                try fail(xlsr, [two, mask([2, 800], ones + left)], ["right", "clip 1"])
                try fail(xlsr, [two, mask([2, 800], ones + ones.map { $0 * 2 })], ["0 or 1"])
                let none = Array(repeating: 0, count: 800)
                try fail(xlsr, [two, mask([2, 800], ones + none)], ["0 valid samples in clip 1"])
                try fail(
                    xlsr,
                    [
                        two,
                        SafetensorsEntry(
                            name: "attention_mask", shape: [2, 800],
                            floats: Array(repeating: 1, count: 1600)),
                    ], ["attention_mask", "whole numbers", "F32"])
                try Data("no".utf8).write(to: input)
                try expectFailure(
                    Fixtures.model(xlsr), saying: [input.path], in: folder,
                    arguments: ["--input", input.path])
                try expectFailure(
                    Fixtures.model(xlsr), saying: ["nowhere"], in: folder,
                    arguments: ["--input", folder.appendingPathComponent("nowhere").path])
            }
        }

        @Test("layers and devices that there are not")
        func layersAndDevices() throws {
            try withTemporaryDirectory { folder in
                let model = Fixtures.model("w2vbert")
                let audio = ["--audio", speech]
                try expectFailure(
                    model, saying: ["--layers", "0 to 3", "found 4, 99"], in: folder,
                    arguments: audio + ["--layers", "0,4,99"])
                for device in ["cuda:99", "tpu"] {
                    try expectFailure(
                        model, saying: ["--device", "cpu", device], in: folder,
                        arguments: audio + ["--device", device])
                }
            }
        }

        @Test("output that cannot be written")
        func output() throws {
            try withTemporaryDirectory { folder in
                func fail(_ output: String, _ fragments: [String]) throws {
                    try expectColld(
                        [
                            "encode", "--model", Fixtures.model("w2vbert").path, "--audio", speech,
                            "--output", output,
                        ], exits: 1, saying: fragments)
                }
                let missing = folder.appendingPathComponent("none/out.safetensors").path
                try fail(missing, [missing, "No such file"])
                let place = folder.appendingPathComponent("folder.safetensors")
                try FileManager.default.createDirectory(
                    at: place, withIntermediateDirectories: true)
                try fail(place.path, [place.path, "directory"])
                if FileManager.default.fileExists(atPath: "/dev/full") {
                    try fail("/dev/full", ["/dev/full", "No space left"])
                }
            }
        }

        @Test("a file that may not grow is an error and leaves nothing")
        func fileLimit() throws {
            try withTemporaryDirectory { folder in
                let output = folder.appendingPathComponent("out.safetensors")
                try Data("before".utf8).write(to: output)
                let command = [
                    Colld.binary.path, "encode", "--model", Fixtures.model("w2vbert").path,
                    "--audio", speech, "--layers", "all", "--output", output.path,
                ]
                let quoted = command.map { "'\($0)'" }.joined(separator: " ")
                let result = try Colld.run(
                    URL(fileURLWithPath: "/bin/sh"), ["-c", "ulimit -f 8 && exec \(quoted)"])
                #expect(result.status == 1, "\(result.errors)")
                #expect(result.errors.contains(output.path))
                #expect(try Data(contentsOf: output) == Data("before".utf8))
                #expect(
                    try FileManager.default.contentsOfDirectory(atPath: folder.path)
                        == ["out.safetensors"])
            }
        }
    }
}
