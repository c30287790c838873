import SpeechCore
import SpeechModels
import TestSupport
import Testing
import Torch

/// What an encoder returns, and that it does no more than it must.
@Suite(.serialized) struct LayerRequestTests {
    @Test(arguments: TinyModels.names) func returnsWhatIsAskedFor(_ name: String) throws {
        let encoder = try TinyModels.encoder(name)
        let input = TinyModels.input(
            encoder, lengths: TinyModels.lengths(encoder, frames: [12, 9]))
        func run(_ request: LayerRequest) -> EncoderOutput {
            withoutGradients { encoder.encode(input, request: request) }
        }
        let all = run(.all(layers: 3))
        let frames = TinyModels.paddedFrames(encoder, longest: 12)
        #expect(all.hiddenStates.keys.sorted() == [0, 1, 2, 3])
        #expect(all.feedForward.keys.sorted() == [1, 2, 3])
        for tensor in Array(all.hiddenStates.values) + Array(all.feedForward.values) {
            #expect(tensor.shape == [2, frames, 32] && tensor.isAllFinite())
        }
        let outputLengths = [12, 9].map { encoder.outputLength(frames: $0) }
        #expect(all.lengths == [12, 9] && all.outputLengths == outputLengths)
        #expect(all.lastHiddenState?.shape == [2, encoder.outputLength(frames: frames), 32])

        let last = run(.last)
        #expect(last.hiddenStates.isEmpty && last.feedForward.isEmpty)
        let (expected, found) = (try #require(all.lastHiddenState), last.lastHiddenState)
        #expect(found?.floats() == expected.floats())

        let some = run(
            LayerRequest(hiddenStates: [1], feedForward: [2], wantsLastHiddenState: false))
        #expect(some.hiddenStates.keys.sorted() == [1])
        #expect(some.feedForward.keys.sorted() == [2])
        #expect(some.lastHiddenState == nil && some.encoderOutput == nil)
        #expect(some.hiddenStates[1]?.floats() == all.hiddenStates[1]?.floats())
        #expect(some.feedForward[2]?.floats() == all.feedForward[2]?.floats())

        let input0 = run(LayerRequest(hiddenStates: [0], wantsLastHiddenState: false))
        #expect(input0.hiddenStates[0]?.floats() == all.hiddenStates[0]?.floats())
        let nothing = run(LayerRequest(wantsLastHiddenState: false))
        #expect(nothing.hiddenStates.isEmpty && nothing.lengths == [12, 9])
    }

    /// Every layer draws random numbers for dropout, so their generator tells how many ran.
    @Test(arguments: ["w2v-bert", "wav2vec2 base", "wav2vec2 large", "hubert base"])
    func stopsAtTheLastNeededLayer(_ name: String) throws {
        let generator = RandomGenerator.standard()
        func state(layers: Int, _ request: LayerRequest) throws -> [UInt8] {
            let text = try #require(TinyModels.texts[name])
                .replacing(#""hidden_dropout": 0.0, "#, with: "")
                .replacing(
                    #""num_hidden_layers": 3"#,
                    with: #""hidden_dropout": 0.5, "num_hidden_layers": \#(layers)"#)
            let encoder = try TinyModels.config(text: text).makeEncoder(in: ParameterStore())
            encoder.isTraining = true
            let lengths = TinyModels.lengths(encoder, frames: [8])
            generator.seed(5)
            _ = encoder.encode(TinyModels.input(encoder, lengths: lengths), request: request)
            return generator.state
        }
        let one = try state(layers: 1, .last)
        let two = try state(layers: 2, .last)
        #expect(one != two)
        let first = LayerRequest(
            hiddenStates: [0, 1], feedForward: [1], wantsLastHiddenState: false)
        #expect(try state(layers: 3, first) == one)
        let second = LayerRequest(
            hiddenStates: [1], feedForward: [2], wantsLastHiddenState: false)
        #expect(try state(layers: 3, second) == two)
        #expect(try state(layers: 3, .last) != two)
    }

    /// Without a record for gradients the front end takes long clips in parts.
    @Test(arguments: ["wav2vec2 base", "wav2vec2 large", "sew"])
    func longClipsGoThroughInParts(_ name: String) throws {
        let encoder = try TinyModels.encoder(name)
        let samples = 1_234_567
        let input = TinyModels.input(encoder, lengths: [samples, 600_001])
        let request = LayerRequest(hiddenStates: [0], wantsLastHiddenState: false)
        func first(_ encoder: any SpeechEncoder) throws -> [Float] {
            let state = try #require(encoder.encode(input, request: request).hiddenStates[0])
            #expect(state.size(1) == encoder.frameCount(inputLength: samples))
            return state.floats()
        }
        let parts = try withoutGradients { try first(encoder) }
        // Statistics of a million frames need all the digits that there are.
        let exact = try TinyModels.config(name).makeEncoder(
            in: ParameterStore(seed: 1, dtype: .float64))
        exact.parameters.setTrainable(true)
        expectClose(parts, try first(exact), within: 1e-4)
    }

    @Test func frameCounts() throws {
        let config = try #require(try TinyModels.config("wav2vec2 large") as? Wav2Vec2Config)
        #expect(config.frontEnd.receptiveField == 400 && config.frontEnd.hop == 320)
        let encoder = try TinyModels.encoder("wav2vec2 large")
        for (samples, frames) in [
            (0, 0), (399, 0), (400, 1), (719, 1), (720, 2), (16_000, 49), (160_000, 499),
        ] { #expect(encoder.frameCount(inputLength: samples) == frames, "\(samples)") }
        // The formula is what the convolutions do, also where strides do not divide the length.
        let odd = """
            {"model_type": "wav2vec2", "hidden_size": 16, "num_hidden_layers": 1,
             "num_attention_heads": 2, "intermediate_size": 16, "conv_dim": [8, 8, 8],
             "conv_kernel": [10, 3, 8], "conv_stride": [5, 4, 3],
             "num_conv_pos_embeddings": 3, "num_conv_pos_embedding_groups": 2}
            """
        let small = try TinyModels.config(text: odd).makeEncoder(in: ParameterStore())
        let shortest = try #require(small.config as? Wav2Vec2Config).frontEnd.receptiveField
        #expect(small.frameCount(inputLength: shortest - 1) == 0)
        for samples in stride(from: shortest, to: shortest + 200, by: 13) {
            let output = withoutGradients {
                small.encode(EncoderInput(values: .ones([1, samples]), lengths: nil))
            }
            let frames = small.frameCount(inputLength: samples)
            #expect(output.lastHiddenState?.size(1) == frames && output.lengths == [frames])
        }
        let bert = try TinyModels.encoder("w2v-bert")
        #expect(bert.frameCount(inputLength: 17) == 17 && bert.outputLength(frames: 17) == 17)
    }
}
