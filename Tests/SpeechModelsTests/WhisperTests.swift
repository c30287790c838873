import Foundation
import SpeechCore
import SpeechModels
import TestSupport
import Testing
import Torch

/// What is Whisper's alone: a window of fixed length, padding that is heard, names of its own.
@Suite(.serialized) struct WhisperTests {
    private func run(
        _ encoder: any SpeechEncoder, _ values: Tensor, lengths: [Int]? = nil,
        masked: Tensor? = nil
    ) -> EncoderOutput {
        withoutGradients {
            encoder.encode(
                EncoderInput(values: values, lengths: lengths), masked: masked,
                request: .all(layers: encoder.layerCount))
        }
    }

    private func noise(_ shape: [Int]) -> Tensor {
        .normal(shape, standardDeviation: 1, generator: RandomGenerator(seed: 4))
    }

    /// Lengths are counted and change nothing.
    @Test func paddingIsHeard() throws {
        let encoder = try TinyModels.encoder("whisper")
        let values = noise([3, 100, 80])
        let all = run(encoder, values)
        let some = run(encoder, values, lengths: [100, 31, 2])
        #expect(all.lengths == [50, 50, 50])
        #expect(some.lengths == [50, 16, 1] && some.outputLengths == [50, 16, 1])
        for layer in 0...3 {
            let (first, second) = (all.hiddenStates[layer], some.hiddenStates[layer])
            #expect(try #require(first).floats() == #require(second).floats())
        }
    }

    /// Also where only hidden states are asked for.
    @Test func theLastHiddenStateIsNormalised() throws {
        let encoder = try TinyModels.encoder("whisper")
        let values = noise([1, 100, 80])
        let last = try #require(run(encoder, values).lastHiddenState).floats()
        let alone = withoutGradients {
            encoder.encode(
                EncoderInput(values: values, lengths: nil),
                request: LayerRequest(hiddenStates: [3], wantsLastHiddenState: false))
        }
        #expect(alone.lastHiddenState == nil)
        #expect(try #require(alone.hiddenStates[3]).floats() == last)
    }

    /// Masked prediction silences two feature frames for every frame.
    @Test func hiddenFramesAreZeros() throws {
        let config = try TinyModels.config("whisper")
        let values = noise([2, 100, 80])
        let masked = (0..<100).map { $0 % 7 < 3 }
        let mask = Tensor(masked, [2, 50])
        let pairs = Tensor(masked.flatMap { [$0, $0] }, [2, 100, 1])
        let student = config.asStudent().makeEncoder(in: ParameterStore(seed: 1))
        #expect(student.isMaskable)
        let hidden = try #require(run(student, values, masked: mask).lastHiddenState).floats()
        let zeros = run(student, values.filled(where: pairs, 0))
        #expect(try #require(zeros.lastHiddenState).floats() == hidden)
        // Its own configuration says no.
        let teacher = config.makeEncoder(in: ParameterStore(seed: 1))
        #expect(!teacher.isMaskable)
        let heard = try #require(run(teacher, values, masked: mask).lastHiddenState).floats()
        #expect(try #require(run(teacher, values).lastHiddenState).floats() == heard)
        #expect(heard != hidden)
    }

    /// What would overflow is cut off behind every layer, as in the reference.
    @Test func halfPrecisionIsClamped() throws {
        let encoder = try TinyModels.encoder("whisper")
        for layer in 0..<3 {
            let bias = try #require(encoder.parameters["layers.\(layer).fc2.bias"])
            bias.assign(.full([32], layer == 2 ? -1 : 60_000))
        }
        encoder.precision = .float16
        let output = run(encoder, noise([1, 100, 80]))
        let largest: Float = 64_512  // the half-precision number nearest to 64504
        let second = try #require(output.hiddenStates[2]).floats()
        #expect(second.allSatisfy { $0 == largest })
        #expect(try #require(output.lastHiddenState).isAllFinite())
    }

    /// A checkpoint of the model without its head has another prefix.
    @Test(arguments: ["", "encoder.", "model.encoder."]) func prefixes(_ prefix: String) throws {
        let reference = try ModelLoader.load(Fixtures.model("whisper_encoder").path)
        try withModel("whisper_encoder") { folder in
            let weights = try SafetensorsFile(path: folder.file("model.safetensors").path)
            var entries = try weights.names.map { name in
                SafetensorsEntry(
                    name: prefix + name, shape: try #require(weights.entry(name)).shape,
                    floats: try weights.floats(name))
            }
            if !prefix.isEmpty {
                let decoder = prefix.replacing("encoder.", with: "decoder.")
                entries.append(
                    SafetensorsEntry(name: decoder + "layers.0.fc1.bias", shape: [1], floats: [1]))
            }
            try SafetensorsWriter.write(entries, to: folder.file("model.safetensors"))
            let model = try folder.load()
            #expect(model.encoder.parameters.names == reference.encoder.parameters.names)
            for (name, tensor) in model.encoder.parameters.all {
                #expect(tensor.floats() == reference.encoder.parameters[name]?.floats(), "\(name)")
            }
        }
    }

    /// The extractor has to fill the window, no more and no less.
    @Test func extractorsThatDoNotFit() throws {
        let file = "preprocessor_config.json"
        func fails(_ changes: [String: JSONValue], _ fragments: [String]) throws {
            try withModel("whisper_full") { model in
                try model.edit(changes, in: file)
                expectError(ModelError.self, containing: [model.file(file).path] + fragments) {
                    try model.load()
                }
            }
        }
        try fails(["feature_size": .integer(128)], ["feature_size", "80", "128"])
        try fails(["chunk_length": .integer(30)], ["chunk_length", "200", "30, which are 3000"])
        try fails(["hop_length": .integer(320)], ["chunk_length", "200", "2, which are 100"])
        // Without a file the window says how long it is.
        try withModel("whisper_full") { model in
            try model.remove(file)
            let extractor = try model.load().featureExtractor
            #expect(extractor.config.chunkLength == 2 && extractor.maximumSamples == 32_000)
            #expect(extractor.config.featureSize == 80)
            try model.edit(["max_source_positions": .integer(101)])
            expectError(ModelError.self, containing: ["config.json", "chunk_length", "202"]) {
                try model.load()
            }
        }
    }

    @Test func newPositionsAreSinusoids() throws {
        let store = try TinyModels.encoder("whisper").parameters
        let found = try #require(store["embed_positions.weight"])
        #expect(found.shape == [50, 32] && store.isBuffer("embed_positions.weight"))
        let expected = (0..<50).flatMap { frame -> [Float] in
            let angles = (0..<16).map { Double(frame) * exp(-log(10000) / 15 * Double($0)) }
            return angles.map { Float(sin($0)) } + angles.map { Float(cos($0)) }
        }
        expectClose(found.floats(), expected, within: 1e-5)
    }

    /// Frames are 20 ms apart, and each sees 65 ms.
    @Test func geometry() throws {
        let model = try ModelLoader.load(Fixtures.model("whisper_full").path)
        let geometry = FrameGeometry(model.encoder.config, model.featureExtractor)
        #expect(geometry.hop == 320 && geometry.receptiveField == 1040)
        #expect(geometry.minimumSamples == 1 && geometry.framesPerSecond == 50)
        for (samples, frames) in [(1, 1), (320, 1), (321, 2), (13_333, 42), (32_000, 100)] {
            #expect(geometry.frameCount(samples: samples) == frames, "\(samples)")
        }
    }
}
