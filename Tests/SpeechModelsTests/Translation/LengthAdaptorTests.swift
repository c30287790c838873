import Foundation
import SpeechCore
import SpeechModels
import TestSupport
import Testing
import Torch

@Suite struct LengthAdaptorTests {
    static let kinds: [LengthAdaptorConfig.Kind] = [.convolutions, .transformer]

    static func adaptor(
        _ kind: LengthAdaptorConfig.Kind, inputs: Int = 12, width: Int = 8
    ) -> LengthAdaptor {
        var config = LengthAdaptorConfig(kind)
        config.heads = 2
        return LengthAdaptor(
            ParameterStore(seed: 4).root["adaptor"], config, inputs: inputs, width: width)
    }

    /// Lengths by hand: ⌊(n − 1) / 2⌋ + 1 three times; ⌊n / 8⌋ + 1.
    @Test func lengthsAreThoseOfTheReferences() {
        let convolutions = Self.adaptor(.convolutions)
        #expect([1, 2, 8, 9, 500].map(convolutions.outputLength) == [1, 1, 1, 2, 63])
        let transformer = Self.adaptor(.transformer)
        #expect([1, 7, 8, 500].map(transformer.outputLength) == [1, 1, 2, 63])
    }

    @Test(arguments: kinds) func shapesFollowLengths(_ kind: LengthAdaptorConfig.Kind) {
        for inputs in [8, 12] {
            let adaptor = Self.adaptor(kind, inputs: inputs)
            for frames in [1, 5, 8, 9, 17] {
                let x = Tensor.normal([2, frames, inputs], generator: RandomGenerator(seed: 1))
                let result = withoutGradients { adaptor(x, lengths: [frames, 1]) }
                #expect(result.states.shape == [2, adaptor.outputLength(frames), 8])
                #expect(result.lengths == [adaptor.outputLength(frames), 1])
            }
        }
    }

    /// Whatever stands in padded frames, a clip is adapted as if alone.
    @Test(arguments: kinds) func clipsDoNotSeeEachOther(_ kind: LengthAdaptorConfig.Kind) {
        let adaptor = Self.adaptor(kind)
        let lengths = [41, 40, 39, 33, 17, 8, 7, 1]
        let x = Tensor.normal(
            [lengths.count, 41, 12], standardDeviation: 2, generator: RandomGenerator(seed: 2))
        withoutGradients {
            let together = adaptor(x, lengths: lengths)
            for (clip, length) in lengths.enumerated() {
                let alone = adaptor(x.narrow(0, clip, 1).narrow(1, 0, length), lengths: [length])
                #expect(alone.lengths == [together.lengths[clip]])
                expectClose(
                    alone.states.floats(),
                    together.states.narrow(0, clip, 1).narrow(1, 0, alone.lengths[0]).contiguous()
                        .floats(), within: 1e-5, "\(kind) \(length)")
            }
        }
    }

    /// Every parameter of an adaptor is used.
    @Test(arguments: kinds) func everyParameterHasAGradient(_ kind: LengthAdaptorConfig.Kind) {
        let store = ParameterStore(seed: 4)
        var config = LengthAdaptorConfig(kind)
        config.heads = 2
        config.dropout = 0
        let adaptor = LengthAdaptor(store.root, config, inputs: 12, width: 8)
        store.setTrainable(true)
        let x = Tensor.normal([2, 20, 12], generator: RandomGenerator(seed: 2))
        let weights = Tensor.normal([2, 3, 8], generator: RandomGenerator(seed: 3))
        (adaptor(x, lengths: [20, 11]).states * weights).sum().backward()
        for (name, tensor) in store.all {
            let gradient = tensor.gradient?.floats() ?? []
            // A key's bias moves all scores of a query alike.
            if name.hasSuffix("linear_k.bias") { continue }
            #expect(gradient.contains { abs($0) > 1e-7 }, "\(name)")
        }
    }

    @Test func badSizesAreNamed() {
        var config = LengthAdaptorConfig(.transformer)
        config.heads = 3
        expectError(ModelError.self, containing: ["adaptor.heads", "8", "3"]) {
            try config.validate(width: 8, path: "run")
        }
        config = LengthAdaptorConfig(.convolutions)
        config.kernel = 4
        expectError(ModelError.self, containing: ["adaptor.kernel", "4"]) {
            try config.validate(width: 8, path: "run")
        }
    }

    /// Families with an adapter of their own get one of an eighth of the frames, in the decoder's
    /// width; what was there stays.
    @Test(arguments: ["w2vbert", "wav2vec2_base", "wavlm_large", "hubert_base"])
    func encodersHaveTheirOwn(_ name: String) throws {
        let model = try ModelLoader.load(Fixtures.model(name).path)
        guard let encoder = try model.encoder.addingAdapter(width: 24, seed: 3) else {
            #expect(name == "hubert_base")
            return
        }
        #expect(name != "hubert_base")
        #expect(encoder.config.outputWidth == 24)
        #expect(encoder.config.outputLength(frames: 500) == 63)
        let stored = model.encoder.parameters
        #expect(stored.names.allSatisfy { encoder.parameters[$0] != nil })
        for (name, tensor) in stored.all {
            #expect(encoder.parameters[name]?.floats() == tensor.floats(), "\(name)")
        }
        #expect(try encoder.addingAdapter(width: 24, seed: 3) == nil)
    }
}
