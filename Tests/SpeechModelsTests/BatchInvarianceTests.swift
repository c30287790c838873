import SpeechCore
import SpeechModels
import TestSupport
import Testing
import Torch

/// A clip has the same output whatever it is batched with, and whatever its padding holds.
@Suite struct BatchInvarianceTests {
    @Test(arguments: TinyModels.invariant, [false, true])
    func paddedAsAlone(_ name: String, masked: Bool) throws {
        let encoder = try TinyModels.encoder(name)
        let frames = [31, 1, 17, 30]
        let lengths = TinyModels.lengths(encoder, frames: frames)
        // The padding holds noise, which nothing may see.
        let input = TinyModels.input(encoder, lengths: lengths)
        let mask = Tensor(
            frames.indices.flatMap { clip in (0..<31).map { ($0 + clip) % 4 == 0 } }, [4, 31])
        let batch = withoutGradients {
            encoder.encode(input, masked: masked ? mask : nil, request: .all(layers: 3))
        }
        #expect(batch.lengths == frames)
        for (clip, count) in frames.enumerated() {
            let values = input.values.narrow(0, clip, 1).narrow(1, 0, lengths[clip]).contiguous()
            let alone = withoutGradients {
                encoder.encode(
                    EncoderInput(values: values, lengths: nil),
                    masked: masked ? mask.narrow(0, clip, 1).narrow(1, 0, count) : nil,
                    request: .all(layers: 3))
            }
            func compare(_ padded: Tensor?, _ single: Tensor?, _ what: String) throws {
                let padded = try #require(padded).narrow(0, clip, 1).narrow(1, 0, count)
                expectClose(
                    padded.floats(), try #require(single).floats(), within: 1e-5,
                    "clip \(clip) \(what)")
            }
            for layer in 0...3 {
                try compare(
                    batch.hiddenStates[layer], alone.hiddenStates[layer], "state \(layer)")
            }
            for layer in 1...3 {
                try compare(
                    batch.feedForward[layer], alone.feedForward[layer], "feed-forward \(layer)")
            }
            try compare(batch.lastHiddenState, alone.lastHiddenState, "last")
        }
    }

    /// Lengths that fill the batch are no mask at all, and lead to the same numbers.
    @Test func fullLengthsNeedNoMask() throws {
        let encoder = try TinyModels.encoder("w2v-bert")
        let input = TinyModels.input(encoder, lengths: [9, 9])
        #expect(input.lengths == nil)
        #expect(TinyModels.input(encoder, lengths: [9, 8]).lengths == [9, 8])
    }

    /// Masked prediction replaces exactly the frames of the mask, unless the configuration says no.
    @Test(arguments: ["w2v-bert", "wav2vec2 large"])
    func masksReplaceFrames(_ name: String) throws {
        let encoder = try TinyModels.encoder(name)
        let input = TinyModels.input(
            encoder, lengths: TinyModels.lengths(encoder, frames: [10]))
        func first(_ encoder: any SpeechEncoder, _ masked: [Bool]) throws -> [Float] {
            let output = withoutGradients {
                encoder.encode(
                    input, masked: Tensor(masked, [1, 10]),
                    request: LayerRequest(hiddenStates: [0], wantsLastHiddenState: false))
            }
            return try #require(output.hiddenStates[0]).floats()
        }
        let none = [Bool](repeating: false, count: 10)
        var some = none
        (some[2], some[7]) = (true, true)
        let plain = try first(encoder, none)
        let replaced = try first(encoder, some)
        #expect(plain != replaced)
        if name == "w2v-bert" {
            let embedding = try #require(encoder.parameters["masked_spec_embed"]).floats()
            for frame in 0..<10 {
                let range = frame * 32..<(frame + 1) * 32
                #expect(Array(replaced[range]) == (some[frame] ? embedding : Array(plain[range])))
            }
        }
        let text = try #require(TinyModels.texts[name])
            .replacing("{", with: #"{"apply_spec_augment": false, "#)
        let deaf = try TinyModels.config(text: text).makeEncoder(in: ParameterStore(seed: 1))
        #expect(try first(deaf, none) == first(deaf, some))
    }
}
