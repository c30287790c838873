import Foundation
import SpeechCore
import SpeechModels
import TestSupport
import Testing
import Torch

@Suite struct DistanceScoresTests {
    /// Clipped distances spread and laid out against a loop over queries and keys.
    @Test func relativeKeysMatchLoops() {
        var generator = SeededGenerator(seed: 4)
        var cases: [(queries: Int, keys: Int, first: Int, left: Int, right: Int)] = [
            (1, 1, 0, 0, 0), (1, 9, 8, 64, 8), (9, 9, 0, 0, 0), (5, 20, 15, 3, 2), (6, 6, 0, 64, 8),
        ]
        for _ in 0..<200 {
            let keys = 1 + generator.uniform(below: 24)
            let queries = 1 + generator.uniform(below: keys)
            cases.append(
                (
                    queries, keys, generator.uniform(below: keys - queries + 1),
                    generator.uniform(below: 30), generator.uniform(below: 12)
                ))
        }
        for (queries, keys, first, left, right) in cases {
            let width = left + right + 1
            let batch = 1 + generator.uniform(below: 3)
            let values = (0..<batch * queries * width).map { _ in Float(generator.uniform()) }
            let clipped = Tensor(values, [batch, queries, width])
            let byDistance = DistanceScores.spread(
                clipped, firstQuery: first, keys: keys, left: left, right: right)
            #expect(byDistance.shape == [batch, queries, keys + queries - 1])
            let found = DistanceScores.byKey(byDistance, keys: keys)
            #expect(found.shape == [batch, queries, keys])
            var expected: [Float] = []
            for row in 0..<batch * queries {
                let query = first + row % queries
                for key in 0..<keys {
                    let distance = min(max(key - query, -left), right)
                    expected.append(values[row * width + distance + left])
                }
            }
            #expect(
                found.floats() == expected,
                "queries \(queries) keys \(keys) first \(first) left \(left) right \(right)")
        }
    }

    @Test func gradientReachesEveryUsedDistance() throws {
        let clipped = Tensor.zeros([1, 4, 6])
        clipped.requiresGradient = true
        let scores = DistanceScores.byKey(
            DistanceScores.spread(clipped, firstQuery: 2, keys: 7, left: 3, right: 2), keys: 7)
        scores.sum().backward()
        // Each query counts how many keys stand at each clipped distance.
        var expected: [Float] = []
        for query in 2..<6 {
            var counts = [Float](repeating: 0, count: 6)
            for key in 0..<7 { counts[min(max(key - query, -3), 2) + 3] += 1 }
            expected += counts
        }
        #expect(try #require(clipped.gradient).floats() == expected)
    }

    /// Row r holds the sines and cosines of the distance T − 1 − r.
    @Test func sinusoids() {
        let (frames, width) = (7, 6)
        let found = DistanceScores.sinusoids(frames: frames, width: width).doubles()
        var expected: [Double] = []
        for row in 0..<2 * frames - 1 {
            for column in 0..<width {
                let frequency = pow(10000, -Double(column / 2 * 2) / Double(width))
                let angle = Double(frames - 1 - row) * frequency
                expected.append(column % 2 == 0 ? sin(angle) : cos(angle))
            }
        }
        expectClose(found, expected, within: 1e-6)
    }

    /// A rotation keeps lengths, leaves frame 0 alone, and makes products depend on the distance
    /// between frames only.
    @Test func rotation() {
        let generator = RandomGenerator(seed: 3)
        let query = Tensor.normal([1, 1, 1, 8], standardDeviation: 1, generator: generator)
        let key = Tensor.normal([1, 1, 1, 8], standardDeviation: 1, generator: generator)
        let frames = 9
        let frequencies = DistanceScores.rotaryFrequencies(width: 8, base: 10000)
        let queries = DistanceScores.rotated(
            query.expand([1, frames, 1, 8]), frequencies: frequencies)
        let keys = DistanceScores.rotated(
            key.expand([1, frames, 1, 8]), frequencies: frequencies)
        expectClose(queries.select(1, 0).floats(), query.floats(), within: 0)
        let products = queries.select(2, 0).matmul(keys.select(2, 0).transpose(1, 2)).doubles()
        for first in 0..<frames {
            for second in 0..<frames {
                let distance = second - first
                let reference =
                    distance >= 0 ? products[distance] : products[-distance * frames]
                expectClose(
                    products[first * frames + second], reference, within: 1e-5,
                    "\(first) \(second)")
            }
        }
        let lengths = (queries * queries).sum([3]).doubles()
        expectClose(lengths, Array(repeating: lengths[0], count: frames), within: 1e-5)
        #expect(abs(products[1] - products[0]) > 1e-3)
    }

    /// Scores too large for memory are computed for a part of the queries at a time.
    ///
    /// With training on they are computed all at once, and both must agree.
    @Test(arguments: ["w2v-bert", "w2v-bert relative", "w2v-bert rotary", "w2v-bert no positions"])
    func partsOfTheQueriesMatchAll(_ name: String) throws {
        var text = try #require(TinyModels.texts[name])
        text = text.replacing(#""num_hidden_layers": 3"#, with: #""num_hidden_layers": 1"#)
        let encoder = try TinyModels.config(text: text)
            .makeEncoder(in: ParameterStore(seed: 1))
        // 3 × 2 clips × 4 heads × 2100² frames × 4 bytes is more than 256 MiB.
        let input = TinyModels.input(encoder, lengths: [2100, 1800])
        let parts = withoutGradients { encoder.encode(input) }
        encoder.isTraining = true
        let whole = withoutGradients { encoder.encode(input) }
        expectClose(
            try #require(parts.lastHiddenState).floats(),
            try #require(whole.lastHiddenState).floats(), within: 1e-5)
    }
}
