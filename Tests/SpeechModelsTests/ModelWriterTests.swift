import Foundation
import SpeechCore
import SpeechModels
import TestSupport
import Testing
import Torch

/// What is written loads again, here and in `transformers`, with the same outputs.
@Suite struct ModelWriterTests {
    private func extractor(_ config: any EncoderConfig) -> any FeatureExtractor {
        config.standardExtractor.makeExtractor()
    }

    @Test(arguments: TinyModels.names) func loadsWhatItWrote(_ name: String) throws {
        let encoder = try TinyModels.encoder(name)
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("model")
            try ModelWriter.write(
                encoder, featureExtractor: extractor(encoder.config), card: "# A model\n", to: url)
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: url.path).sorted() == [
                    "README.md", "config.json", "model.safetensors", "preprocessor_config.json",
                ])
            let loaded = try ModelLoader.load(url.path)
            #expect(loaded.featureExtractor.config == extractor(encoder.config).config)
            #expect(loaded.encoder.parameters.names == encoder.parameters.names)
            for (parameter, tensor) in encoder.parameters.all {
                let copy = try #require(loaded.encoder.parameters[parameter])
                #expect(copy.dtype == tensor.dtype && copy.shape == tensor.shape)
                #expect(copy.floats() == tensor.floats(), "\(parameter)")
                #expect(
                    loaded.encoder.parameters.isBuffer(parameter)
                        == encoder.parameters.isBuffer(parameter))
            }
            let input = TinyModels.input(
                encoder, lengths: TinyModels.lengths(encoder, frames: [14, 11]))
            func run(_ encoder: any SpeechEncoder) throws -> [Float] {
                let output = withoutGradients { encoder.encode(input) }
                return try #require(output.lastHiddenState).floats()
            }
            #expect(try run(loaded.encoder) == run(encoder))
        }
    }

    /// Tensors that require gradients, transposed ones, and other types are written as they are.
    @Test func writesTensorsAsTheyAre() throws {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("x.safetensors")
            let matrix = Tensor((0..<6).map { Float($0) }, [2, 3])
            let trained = Tensor.ones([2])
            trained.requiresGradient = true
            try SafetensorsWriter.write(
                [
                    SafetensorsEntry(name: "turned", tensor: matrix.transpose(0, 1)),
                    SafetensorsEntry(name: "half", tensor: matrix.to(.bfloat16)),
                    SafetensorsEntry(name: "flags", tensor: Tensor([true, false], [2])),
                    SafetensorsEntry(name: "trained", tensor: trained),
                    SafetensorsEntry(name: "scalar", tensor: .scalar(2.5)),
                ], to: url)
            let file = try SafetensorsFile(path: url.path)
            #expect(try file.floats("turned") == [0, 3, 1, 4, 2, 5])
            #expect(file.entry("turned")?.shape == [3, 2])
            #expect(file.entry("half")?.dtype == .bfloat16)
            #expect(try file.integers("half") == [0, 1, 2, 3, 4, 5])
            #expect(try file.integers("flags") == [1, 0] && file.entry("flags")?.dtype == .bool)
            #expect(try file.floats("trained") == [1, 1])
            #expect(try file.doubles("scalar") == [2.5] && file.entry("scalar")?.shape == [])
            let shards = try TensorShards([file])
            for name in file.names {
                let tensor = try shards.tensor(name)
                #expect(tensor.shape == file.entry(name)?.shape)
                #expect(try tensor.doubles() == file.doubles(name))
            }
        }
    }

    @Test func unwritablePlaces() throws {
        let encoder = try TinyModels.encoder("w2v-bert")
        try withTemporaryDirectory { folder in
            let file = folder.appendingPathComponent("file")
            try AtomicFile.write("x", to: file)
            let error = expectError(FileSystemError.self, containing: [file.path]) {
                try ModelWriter.write(
                    encoder, featureExtractor: extractor(encoder.config), card: "",
                    to: file.appendingPathComponent("model"))
            }
            #expect(error?.exitStatus == .runtimeFailure)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["file"])
        }
    }

    private static let python = ProcessInfo.processInfo.environment["COLLD_ORACLE"]
    private static let script = Fixtures.root.deletingLastPathComponent()
        .appendingPathComponent("Oracle/encode_hf.py").path

    /// Students of each family run in `transformers` with every hidden state the same.
    @Test(
        .enabled(if: python != nil),
        arguments: [
            "w2v-bert", "w2v-bert relative", "wav2vec2 base", "wav2vec2 large", "hubert large",
            "seamless", "whisper",
        ]
    ) func transformersAgrees(_ name: String) throws {
        let encoder = try TinyModels.config(name).asStudent()
            .resized(layers: 2, width: 24, heads: 3, feedForward: 40)
            .makeEncoder(in: ParameterStore(seed: 6))
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("model")
            try ModelWriter.write(
                encoder, featureExtractor: extractor(encoder.config), card: "", to: url)
            let lengths = TinyModels.lengths(encoder, frames: [21, 16])
            let input = TinyModels.input(encoder, lengths: lengths, padding: .reference)
            let mask = Tensor.validFrames(lengths, of: input.values.size(1), device: .cpu)
            let name = encoder.config.featureExtractor == .wav2vec2 ? "values" : "features"
            let hasFramesLast = encoder.config.standardExtractor.hasFramesLast
            let stored = hasFramesLast ? input.values.transpose(1, 2) : input.values
            let inputURL = folder.appendingPathComponent("input.safetensors")
            try SafetensorsWriter.write(
                [
                    SafetensorsEntry(name: "input_\(name)", tensor: stored),
                    SafetensorsEntry(name: "attention_mask", tensor: mask.to(.int32)),
                ], to: inputURL)
            let outputURL = folder.appendingPathComponent("output.safetensors")
            let process = Process()
            process.executableURL = URL(fileURLWithPath: try #require(Self.python))
            process.arguments = [Self.script, url.path, inputURL.path, outputURL.path]
            try process.run()
            process.waitUntilExit()
            try #require(process.terminationStatus == 0)
            let expected = try SafetensorsFile(path: outputURL.path)
            let output = withoutGradients { encoder.encode(input, request: .all(layers: 2)) }
            for layer in 0...2 {
                expectClose(
                    try #require(output.hiddenStates[layer]).floats(),
                    try expected.floats("hidden_states.\(layer)"), within: 1e-4, "state \(layer)")
            }
            expectClose(
                try #require(output.lastHiddenState).floats(),
                try expected.floats("last_hidden_state"), within: 1e-4)
        }
    }
}
