import SpeechCore
import SpeechModels
import TestSupport
import Testing
import Torch

/// What the speech encoder of SeamlessM4T v2 has besides w2v-BERT's network.
@Suite(.serialized) struct SeamlessM4TTests {
    private func run(_ encoder: any SpeechEncoder, _ values: Tensor) throws -> Tensor {
        try #require(
            withoutGradients {
                encoder.encode(EncoderInput(values: values, lengths: nil)).lastHiddenState
            })
    }

    private func encoder(chunk: Int?, left: Int) throws -> any SpeechEncoder {
        var config = try #require(try TinyModels.config("seamless") as? SeamlessM4Tv2Config)
        config.chunkSize = chunk
        config.leftChunks = left
        config.base.numHiddenLayers = 1
        config.base.convolutionKernel = 1
        return config.makeEncoder(in: ParameterStore(seed: 2))
    }

    /// Which outputs change with the last frame but one of every chunk, chunks of 6 frames.
    @Test(
        arguments: [
            (6, 1, 7, Array(6..<18)), (6, 0, 7, Array(6..<12)), (6, -1, 7, Array(6..<20)),
            (6, 2, 1, Array(0..<18)), (20, 0, 7, Array(0..<20)), (nil, 0, 7, Array(0..<20)),
        ] as [(Int?, Int, Int, [Int])])
    func chunksSeeThemselvesAndSomeBefore(
        _ chunk: Int?, _ left: Int, _ changed: Int, _ affected: [Int]
    ) throws {
        let encoder = try encoder(chunk: chunk, left: left)
        let values = Tensor.normal([1, 20, 160], generator: RandomGenerator(seed: 3))
        let frame = Tensor((0..<20).map { $0 == changed }, [1, 20, 1])
        let before = try run(encoder, values).floats()
        let after = try run(encoder, values.filled(where: frame, 0)).floats()
        let found = (0..<20).filter { row in
            let range = (row * 32)..<((row + 1) * 32)
            return before[range] != after[range]
        }
        #expect(found == affected)
    }

    /// Long inputs are attended to in blocks of queries, each with its rows of the mask.
    @Test func blocksOfQueries() throws {
        let encoder = try encoder(chunk: 60, left: 1)
        let values = Tensor.normal([1, 3000, 160], generator: RandomGenerator(seed: 5))
        // Everything that the first 1200 frames see is among them.
        let whole = try run(encoder, values).narrow(1, 0, 1200).contiguous()
        let part = try run(encoder, values.narrow(1, 0, 1200).contiguous())
        expectClose(whole.floats(), part.floats(), within: 1e-5)
    }

    /// Without a vector for masked frames, their features are zeros.
    @Test func hiddenFramesAreZeros() throws {
        let encoder = try TinyModels.encoder("seamless")
        #expect(encoder.isMaskable && encoder.parameters["masked_spec_embed"] == nil)
        let values = Tensor.normal([1, 20, 160], generator: RandomGenerator(seed: 6))
        let masked = Tensor((0..<20).map { $0 % 5 < 2 }, [1, 20])
        let hidden = withoutGradients {
            encoder.encode(
                EncoderInput(values: values, lengths: nil), masked: masked, request: .last)
        }
        let zeros = try run(encoder, values.filled(where: masked.unsqueeze(2), 0))
        #expect(try #require(hidden.lastHiddenState).floats() == zeros.floats())
        #expect(try run(encoder, values).floats() != zeros.floats())
    }

    /// Text, units and vocoder are left alone, anything else is not.
    @Test func theRestOfTheModel() throws {
        try withModel("seamless_m4t_v2") { model in
            let names = try model.load().weights.names
            for part in ["shared.", "text_encoder.", "text_decoder.", "t2u_model.", "vocoder."] {
                #expect(names.contains { $0.hasPrefix(part) }, "\(part)")
            }
            try model.editWeights {
                let name = "speech_encoder.encoder.layers.3.ffn1.output_dense.bias"
                $0[name] = SafetensorsEntry(name: name, shape: [1], floats: [0])
            }
            expectError(
                ModelError.self,
                containing: ["unused: speech_encoder.encoder.layers.3.ffn1.output_dense.bias"]
            ) { try model.load() }
        }
    }

    /// A student has no adapter, and everything else that the class has.
    @Test func students() throws {
        let teacher = try ModelLoader.config(
            of: ModelDirectory(Fixtures.model("seamless_m4t_v2").path))
        let student = teacher.asStudent().makeEncoder(in: ParameterStore())
        let names = student.parameters.names
        #expect(!names.contains { $0.hasPrefix("adapter.") })
        for name in ["encoder.layer_norm.bias", "inner_layer_norm.weight"] {
            #expect(names.contains(name))
        }
        #expect(student.outputLength(frames: 29) == 29)
        #expect(teacher.makeEncoder(in: ParameterStore()).outputLength(frames: 29) == 8)
    }
}
