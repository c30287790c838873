import Foundation
import SpeechCore
import TestSupport
import Testing

extension Commands {
    @Suite("encode") struct EncodeTests {
        static let tolerance = 1e-4

        /// Runs `encode` and opens what it wrote.
        private func encode(
            _ model: String, _ arguments: [String], in folder: URL
        ) throws -> SafetensorsFile {
            let output = folder.appendingPathComponent("\(UUID().uuidString).safetensors")
            let result = try expectColld(
                ["encode", "--model", Fixtures.model(model).path, "--output", output.path]
                    + arguments, exits: 0)
            #expect(result.output.isEmpty)
            return try SafetensorsFile(path: output.path)
        }

        private func layerCount(_ model: String) throws -> Int {
            try Fixtures.expected(model).names.filter { $0.hasPrefix("mask.ffn.") }.count
        }

        private func rowSums(_ mask: [Int], _ rows: Int) -> [Int] {
            let width = mask.count / rows
            return (0..<rows).map { mask[($0 * width)..<(($0 + 1) * width)].reduce(0, +) }
        }

        @Test("every layer of every fixture equals the reference", arguments: ModelFiles.all)
        func parity(_ model: String) throws {
            try withTemporaryDirectory { folder in
                let input = folder.appendingPathComponent("input.safetensors")
                try ModelFiles.writeInput(model, to: input)
                let found = try encode(
                    model,
                    ["--input", input.path, "--reference-padding", "--layers", "all", "--ffn"],
                    in: folder)
                let expected = try Fixtures.expected(model)
                let layers = try layerCount(model)
                var names =
                    (0...layers).map { "hidden_states.\($0)" } + (0..<layers).map { "ffn.\($0)" }
                names.append("last_hidden_state")
                for name in names {
                    let entry = try #require(found.entry(name), "\(name)")
                    #expect(entry.dtype == .float32)
                    #expect(entry.shape == expected.entry("mask.\(name)")?.shape, "\(name)")
                    expectClose(
                        try found.floats(name), try expected.floats("mask.\(name)"),
                        within: Self.tolerance, name)
                }
                let mask = expected.entry("frame_mask") == nil ? "attention_mask" : "frame_mask"
                let clips = try #require(expected.entry(mask)).shape[0]
                #expect(found.entry("lengths")?.dtype == .int64)
                // Whisper has a frame for every two of its features.
                let rate = model.hasPrefix("whisper") ? 2 : 1
                #expect(
                    try found.integers("lengths")
                        == rowSums(expected.integers(mask), clips).map { ($0 + rate - 1) / rate })
                names.append("lengths")
                if expected.entry("adapter_lengths") != nil {
                    #expect(
                        try found.integers("output_lengths")
                            == expected.integers("adapter_lengths"))
                    names.append("output_lengths")
                }
                #expect(found.names == names.sorted())
            }
        }

        @Test("layers and feed-forward features are those that were asked for")
        func chosenLayers() throws {
            try withTemporaryDirectory { folder in
                let input = folder.appendingPathComponent("input.safetensors")
                try ModelFiles.writeInput("wav2vec2_xlsr", to: input)
                let layers = try layerCount("wav2vec2_xlsr")
                func names(_ arguments: [String]) throws -> [String] {
                    try encode("wav2vec2_xlsr", ["--input", input.path] + arguments, in: folder)
                        .names.filter { $0 != "last_hidden_state" && $0 != "lengths" }
                }
                #expect(try names([]) == [])
                #expect(try names(["--layers", "last", "--ffn"]) == ["ffn.\(layers - 1)"])
                #expect(
                    try names(["--layers", "0,\(layers)", "--ffn"])
                        == ["ffn.0", "hidden_states.0", "hidden_states.\(layers)"])
                #expect(try names(["--layers", "1, 1"]) == ["hidden_states.1"])
            }
        }

        @Test("without a mask everything is valid", arguments: ["w2vbert", "wav2vec2_xlsr"])
        func noMask(_ model: String) throws {
            try withTemporaryDirectory { folder in
                let expected = try Fixtures.expected(model)
                let name = model == "w2vbert" ? "input_features" : "input_values"
                let input = folder.appendingPathComponent("input.safetensors")
                try SafetensorsWriter.write(
                    [
                        SafetensorsEntry(
                            name: name, shape: try #require(expected.entry(name)).shape,
                            floats: try expected.floats(name))
                    ], to: input)
                let found = try encode(model, ["--input", input.path], in: folder)
                expectClose(
                    try found.floats("last_hidden_state"),
                    try expected.floats("nomask.last_hidden_state"), within: Self.tolerance)
                let shape = try #require(found.entry("last_hidden_state")).shape
                #expect(
                    try found.integers("lengths") == Array(repeating: shape[1], count: shape[0]))
            }
        }

        @Test(
            "audio gives what its features give, whatever it is encoded with",
            arguments: ["w2vbert", "w2vbert_adapter_ctc", "wav2vec2_base", "wav2vec2_xlsr"])
        func audio(_ model: String) throws {
            try withTemporaryDirectory { folder in
                let together = try encode(
                    model, ["--layers", "all", "--ffn", "--audio"] + ModelFiles.speechFiles,
                    in: folder)
                let shapes = try together.names.filter { !$0.hasSuffix("lengths") }
                    .map { ($0, try #require(together.entry($0)).shape) }
                let extractor = try ModelFiles.extractor(model)
                for clip in 0..<2 {
                    let input = folder.appendingPathComponent("features.safetensors")
                    try ModelFiles.write(
                        extractor.extract([ModelFiles.speech(clip)]), to: input)
                    // A mask does not say that a last frame is half a clip's.
                    let features = try encode(
                        model,
                        ["--layers", "all", "--ffn", "--reference-padding", "--input", input.path],
                        in: folder)
                    let alone = try encode(
                        model,
                        ["--layers", "all", "--ffn", "--audio", ModelFiles.speechFiles[clip]],
                        in: folder)
                    for (name, shape) in shapes {
                        let size = shape[1] * shape[2]
                        let row = try together.floats(name)[(clip * size)..<((clip + 1) * size)]
                        let single = try alone.floats(name)
                        #expect(Array(row.prefix(single.count)) == single, "\(name)")
                        #expect(row.dropFirst(single.count).allSatisfy { $0 == 0 }, "\(name)")
                        expectClose(
                            single, try features.floats(name), within: Self.tolerance, name)
                    }
                    #expect(
                        try together.integers("lengths")[clip] == features.integers("lengths")[0])
                }
            }
        }

        @Test(
            "padding is kept out of a clip unless the reference's is wanted",
            arguments: [
                "data2vec_audio", "hubert_posbn", "sew", "wav2vec2_adapter",
                "wav2vec2_conformer_relative",
            ])
        func padding(_ model: String) throws {
            try withTemporaryDirectory { folder in
                let input = folder.appendingPathComponent("input.safetensors")
                try ModelFiles.writeInput(model, to: input)
                let expected = try Fixtures.expected(model)
                let name = "alone.1.last_hidden_state"
                let shape = try #require(expected.entry(name)).shape
                func second(_ arguments: [String]) throws -> [Float] {
                    let found = try encode(
                        model, ["--input", input.path] + arguments, in: folder)
                    let frames = try #require(found.entry("last_hidden_state")).shape[1]
                    return Array(
                        try found.floats("last_hidden_state").dropFirst(frames * shape[1])
                            .prefix(shape[0] * shape[1]))
                }
                let alone = try expected.floats(name)
                expectClose(try second([]), alone, within: Self.tolerance)
                let leaked = try second(["--reference-padding"])
                #expect(zip(leaked, alone).contains { abs($0 - $1) > 1e-2 })
            }
        }

        @Test("another rate is resampled, another container decoded")
        func rates() throws {
            try withTemporaryDirectory { folder in
                let speech = ModelFiles.speechFiles[0]
                let wave = try encode("w2vbert", ["--audio", speech], in: folder)
                let flac = Fixtures.url("features/speech_en.flac").path
                let decoded = try encode("w2vbert", ["--audio", flac], in: folder)
                #expect(
                    try wave.floats("last_hidden_state") == decoded.floats("last_hidden_state"))
                let fast = Fixtures.url("features/speech_en_48000.wav").path
                let resampled = try encode("w2vbert", ["--audio", fast], in: folder)
                // 0.6 s: 58 frames of 10 ms, two of them stacked.
                #expect(try resampled.integers("lengths") == [29])
            }
        }

        @Test("half precision stays near", arguments: ["bf16", "fp16"])
        func precision(_ name: String) throws {
            try withTemporaryDirectory { folder in
                let audio = ["--audio", ModelFiles.speechFiles[0]]
                let exact = try encode("wav2vec2_xlsr", audio, in: folder)
                    .floats("last_hidden_state")
                let half = try encode("wav2vec2_xlsr", audio + ["--precision", name], in: folder)
                #expect(half.entry("last_hidden_state")?.dtype == .float32)
                let values = try half.floats("last_hidden_state")
                #expect(values != exact)
                expectClose(values, exact, within: name == "bf16" ? 0.2 : 0.02)
            }
        }

        @Test("a repository is found in the local cache")
        func cache() throws {
            try withTemporaryDirectory { folder in
                let repository = folder.appendingPathComponent("models--someone--tiny")
                let snapshots = repository.appendingPathComponent("snapshots")
                let references = repository.appendingPathComponent("refs")
                for url in [snapshots, references] {
                    try FileManager.default.createDirectory(
                        at: url, withIntermediateDirectories: true)
                }
                try FileManager.default.copyItem(
                    at: Fixtures.model("w2vbert"), to: snapshots.appendingPathComponent("abc"))
                try Data("abc".utf8).write(to: references.appendingPathComponent("main"))
                let output = folder.appendingPathComponent("out.safetensors").path
                try expectColld(
                    [
                        "encode", "--model", "someone/tiny", "--audio", ModelFiles.speechFiles[0],
                        "--output", output,
                    ], exits: 0, environment: ["HF_HUB_CACHE": folder.path])
                #expect(try SafetensorsFile(path: output).integers("lengths") == [79])
            }
        }
    }
}
