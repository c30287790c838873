import SpeechCore
import SpeechModels
import TestSupport
import Testing
import Torch

/// New models: their values, their gradients, and half precision.
@Suite struct GradientFlowTests {
    /// Every parameter that can matter gets a gradient from the outputs; key biases cannot, as they
    /// shift all scores of a query alike.
    @Test(arguments: TinyModels.names) func everyParameterLearns(_ name: String) throws {
        let encoder = try TinyModels.config(name).asStudent().makeEncoder(
            in: ParameterStore(seed: 3))
        let store = encoder.parameters
        store.setTrainable(true)
        #expect(store.trainable.count == store.names.count { !store.isBuffer($0) })
        let frames = [24, 20]
        let input = TinyModels.input(
            encoder, lengths: TinyModels.lengths(encoder, frames: frames))
        let padded = TinyModels.paddedFrames(encoder, longest: 24)
        let masked = Tensor((0..<2 * padded).map { $0 % 3 == 0 }, [2, padded])
        let output = encoder.encode(input, masked: masked, request: .last)
        let last = try #require(output.lastHiddenState)
        // A random projection: the plain sum of a normalised output is constant.
        let projection = Tensor.normal(
            last.shape, standardDeviation: 1, generator: RandomGenerator(seed: 9))
        (last * projection).sum().backward()
        for (parameter, tensor) in store.trainable {
            let gradient = try #require(tensor.gradient, "\(parameter)")
            let largest = gradient.floats().map { abs($0) }.max() ?? 0
            #expect(gradient.shape == tensor.shape)
            #expect(gradient.isAllFinite(), "\(parameter)")
            if parameter.hasSuffix("k_proj.bias") || parameter.hasSuffix("linear_k.bias") {
                #expect(largest < 1e-4, "\(parameter)")
            } else {
                #expect(largest > 1e-6, "\(parameter) has no gradient")
            }
        }
        store.clearGradients()
        #expect(store.trainable.allSatisfy { $0.tensor.gradient == nil })
    }

    @Test(arguments: TinyModels.names) func seedsDecideTheWeights(_ name: String) throws {
        func weights(_ seed: UInt64) throws -> [String: [Float]] {
            let store = try TinyModels.encoder(name, seed: seed).parameters
            let drawn = store.all.filter { !store.isBuffer($0.name) }
            return Dictionary(uniqueKeysWithValues: drawn.map { ($0.name, $0.tensor.floats()) })
        }
        let (first, again, other) = (try weights(7), try weights(7), try weights(8))
        #expect(first == again)
        #expect(first.keys.sorted() == other.keys.sorted())
        // Matrices and convolutions are drawn; norms and most biases start as constants.
        let drawn = first.keys.filter { $0.hasSuffix("weight") && !$0.contains("norm") }
        #expect(drawn.count >= 20)
        for parameter in drawn {
            let values = try #require(first[parameter])
            #expect(values != other[parameter] && Set(values).count > 3, "\(parameter)")
            #expect(values.allSatisfy { $0.isFinite })
        }
    }

    /// Layers compute in bfloat16 with weights kept in float32: eight bits of precision, so about
    /// one percent behind three layers, somewhat more behind conformer layers of twice the products,
    /// and more again where five positional convolutions, each normalised, precede them.
    @Test(arguments: TinyModels.names) func halfPrecisionStaysClose(_ name: String) throws {
        let encoder = try TinyModels.encoder(name)
        let input = TinyModels.input(
            encoder, lengths: TinyModels.lengths(encoder, frames: [40, 33]))
        func run() -> EncoderOutput {
            withoutGradients { encoder.encode(input, request: .all(layers: 3)) }
        }
        let limit =
            name.hasSuffix("data2vec") ? 0.1 : name.contains("conformer") ? 0.03 : 0.02
        let exact = run()
        encoder.precision = .bfloat16
        let half = run()
        #expect(half.lastHiddenState?.dtype == .bfloat16)
        #expect(encoder.parameters.all.allSatisfy { $0.tensor.dtype == .float32 })
        func compare(_ found: Tensor?, _ expected: Tensor?, _ what: String) throws {
            let expected = try #require(expected).doubles()
            let found = try #require(found).doubles()
            let distance = zip(found, expected).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
            let size = expected.reduce(0) { $0 + $1 * $1 }
            // Of a feed-forward network that was pruned away.
            if size == 0 { return #expect(distance == 0, "\(what)") }
            let error = (distance / size).squareRoot()
            #expect(error > 0 && error < limit, "\(what): \(error)")
        }
        for layer in 0...3 {
            try compare(half.hiddenStates[layer], exact.hiddenStates[layer], "state \(layer)")
        }
        for layer in 1...3 {
            try compare(half.feedForward[layer], exact.feedForward[layer], "feed-forward \(layer)")
        }
        try compare(half.lastHiddenState, exact.lastHiddenState, "last")
    }
}
