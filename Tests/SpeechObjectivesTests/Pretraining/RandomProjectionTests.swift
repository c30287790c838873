import Foundation
import SpeechCore
import SpeechModels
import SpeechObjectives
import TestSupport
import Testing
import Torch

@Suite struct RandomProjectionTests {
    private func quantizer(
        books: Int = 2, seed: UInt64 = 3
    ) -> (quantizer: RandomProjectionQuantizer, store: ParameterStore) {
        var settings = RandomProjectionSettings()
        (settings.books, settings.entries, settings.width) = (books, 9, 4)
        let store = ParameterStore(seed: seed)
        let scope = store.root["random_projection"]
        return (RandomProjectionQuantizer(scope, settings, inputs: 6), store)
    }

    /// The nearest of all entries to the normalised projection, one by one.
    @Test func codesEqualPlainLoops() {
        let quantizer = quantizer().quantizer
        let features = Tensor.normal([20, 6], generator: RandomGenerator(seed: 8))
        let found = quantizer(features).integers()
        let x = Matrix(features).rows
        for book in 0..<2 {
            let projection = Matrix(quantizer.projections.select(0, book)).rows
            let entries = Matrix(quantizer.codebooks.select(0, book)).rows
            for entry in entries {
                expectClose(entry.reduce(0) { $0 + $1 * $1 }, 1, within: 1e-6, "length of an entry")
            }
            for (frame, values) in x.enumerated() {
                var projected = (0..<4).map { channel in
                    values.indices.reduce(0.0) { $0 + values[$1] * projection[$1][channel] }
                }
                let length = projected.reduce(0) { $0 + $1 * $1 }.squareRoot()
                projected = projected.map { $0 / length }
                let distances = entries.map { entry in
                    zip(projected, entry).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
                }
                let nearest = distances.indices.min { distances[$0] < distances[$1] }
                #expect(found[frame * 2 + book] == nearest, "book \(book), frame \(frame)")
            }
        }
    }

    @Test func codesAreAFunctionOfTheSeed() {
        let features = Tensor.normal([200, 6], generator: RandomGenerator(seed: 8))
        let codes = quantizer().quantizer(features).integers()
        #expect(codes == quantizer().quantizer(features).integers())
        #expect(codes != quantizer(seed: 4).quantizer(features).integers())
        // Louder features have the same codes.
        #expect(codes == quantizer().quantizer(features * 7).integers())
        // Books differ from each other.
        let pairs = stride(from: 0, to: codes.count, by: 2).map { (codes[$0], codes[$0 + 1]) }
        #expect(pairs.contains { $0.0 != $0.1 })
    }

    @Test func itIsKeptButNeverTrained() {
        let store = quantizer().store
        #expect(store.names == ["random_projection.projections", "random_projection.codebooks"])
        #expect(store.names.allSatisfy { store.isBuffer($0) })
        store.setTrainable(true)
        #expect(store.trainable.isEmpty)
    }

    @Test func theFilterbankIsTheInputOrComputedBesideIt() throws {
        let direct = try FilterbankInput(of: TinyFamily.w2vBert.config(layers: 1, width: 16))
        #expect(direct.width == 12)
        let input = TinyFamily.w2vBert.input(frames: [40, 25])
        let (values, lengths) = try direct(input)
        #expect(lengths == [40, 25])
        // Every channel of a clip has mean 0 and variance 1 over its own frames.
        let second = values.select(0, 1).narrow(0, 0, 25)
        expectClose(
            second.mean([0]).doubles(), Array(repeating: 0, count: 12), within: 1e-5, "mean")
        expectClose(
            (second * second).mean([0]).doubles(), Array(repeating: 1, count: 12), within: 1e-3,
            "variance")

        // Samples: what w2v-BERT's extractor makes of them, whose frames fall on the same times.
        let encoder = try EncoderFamily.wav2Vec2.largeConfig()
        let beside = try FilterbankInput(of: encoder)
        #expect(beside.width == 160)
        let samples = Tensor.normal([2, 16_000], generator: RandomGenerator(seed: 1))
        let batch = EncoderInput(values: samples, lengths: [16_000, 12_400])
        let computed = try beside(batch)
        let extractor = FeatureExtractorConfig(kind: .seamlessM4T).makeExtractor()
        let clip = samples.select(0, 1).narrow(0, 0, 12_400)
        let expected = try extractor.extract([clip.floats()])
        #expect(computed.lengths[1] == expected.lengths[0])
        #expect(abs(computed.lengths[1] - encoder.frameCount(inputLength: 12_400)) <= 1)
        let frames = expected.lengths[0]
        // The extractor's channels are standard before frames are stacked, these are behind it.
        let standardized = TargetFeature(normalization: .instance).normalized(
            Tensor(expected.values, expected.shape).narrow(1, 0, frames), valid: nil)
        expectClose(
            computed.values.select(0, 1).narrow(0, 0, frames).floats(),
            standardized.floats(), within: 1e-4, "filterbank")
        // A clip without a frame keeps its place.
        let short = try beside(
            EncoderInput(values: samples.narrow(1, 0, 4000), lengths: [4000, 300]))
        #expect(short.lengths[1] == 0 && short.lengths[0] > 0)
        #expect(short.values.isAllFinite())

        expectError(ObjectiveError.self, containing: ["objective.name", "10 ms", "20 samples"]) {
            try FilterbankInput(of: TinyFamily.wav2Vec2.config(layers: 1, width: 16))
        }
    }
}
