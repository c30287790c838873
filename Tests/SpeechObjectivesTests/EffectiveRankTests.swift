import Foundation
import SpeechCore
import SpeechObjectives
import TestSupport
import Testing
import Torch

/// How many directions features use.
@Suite struct EffectiveRankTests {
    @Test func handComputedValues() {
        // Orthogonal rows of lengths 3 and 1: shares 3/4 and 1/4.
        let rows = Tensor([3.0, 0, 0, 0, 1, 0], [2, 3])
        let expected = exp(-(0.75 * log(0.75) + 0.25 * log(0.25)))
        expectClose(EffectiveRank.of(rows), expected, within: 1e-12)
        expectClose(EffectiveRank.of(rows.transpose(0, 1)), expected, within: 1e-12)
        expectClose(EffectiveRank.of(singularValues: [1, 3, 0]), expected, within: 1e-12)
        expectClose(EffectiveRank.of(singularValues: [2, 2, 2, 2]), 4, within: 1e-12)
        // As many directions as the identity has.
        let identity = Tensor.identity(7, dtype: .float64, device: .cpu)
        expectClose(EffectiveRank.of(identity), 7, within: 1e-9)
        // Multiples of one row, and rows that are nearly the same.
        let line = Tensor([1.0, 2, 2, 4, -3, -6], [3, 2])
        expectClose(EffectiveRank.of(line), 1, within: 1e-6)
        let noise = Tensor.normal(
            [500, 20], dtype: .float64, generator: RandomGenerator(seed: 1))
        #expect(EffectiveRank.of(noise * 1e-3 + 1.0) < 1.2)
        #expect(18...20 ~= EffectiveRank.of(noise))
    }

    /// The order of rows, a rotation and a factor change nothing.
    @Test func invariances() {
        let rows = Tensor.normal([9, 4], dtype: .float64, generator: RandomGenerator(seed: 2))
        let rank = EffectiveRank.of(rows)
        expectClose(EffectiveRank.of(rows.flipped(0)), rank, within: 1e-9)
        expectClose(EffectiveRank.of(rows * 1e5), rank, within: 1e-9)
        let (c, s) = (cos(0.3), sin(0.3))
        let rotation = Tensor([c, -s, 0, 0, s, c, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1], [4, 4])
        expectClose(EffectiveRank.of(rows.matmul(rotation)), rank, within: 1e-9)
    }

    @Test func withoutRowsOrNumbers() {
        #expect(EffectiveRank.of(Tensor.zeros([0, 4], device: .cpu)) == 0)
        #expect(EffectiveRank.of(Tensor.zeros([3, 4], device: .cpu)) == 0)
        #expect(EffectiveRank.of(Tensor([Float.nan, 1], [1, 2])).isNaN)
        #expect(EffectiveRank.of(Tensor([Float.infinity, 1], [1, 2])).isNaN)
    }

    /// For any loss: rows that are not predicted have no part in the diagnostics.
    @Test func ofAnyLoss() {
        let generator = RandomGenerator(seed: 3)
        let targets = Tensor.normal([2, 6, 5], generator: generator)
        let predictions = targets + Tensor.normal([2, 6, 5], generator: generator) * 0.01
        var seeded = SeededGenerator(seed: 4)
        let frames = [Array(0..<6), [0, 1, 2]]
        let distractors = Distractors.draw(
            .all, frames: frames, excludeRadius: 0, device: .cpu, using: &seeded)
        let perFrame = (predictions - targets).abs().mean([2]) * distractors.weights
        func values(_ predictions: Tensor) -> [Double] {
            PairDiagnostics(
                perFrame: perFrame, predictions: predictions, targets: targets,
                distractors: distractors
            ).values.doubles()
        }
        let found = values(predictions)
        #expect(found[1] == 1 && found[2] > 0.99)
        #expect(found[5] > 3 && found[6] > 3)
        expectClose(found[0], perFrame.sum().item() / 9, within: 1e-6)
        let spoiled = Tensor.concatenate(
            [
                predictions.narrow(0, 0, 1),
                .concatenate(
                    [predictions.narrow(0, 1, 1).narrow(1, 0, 3), Tensor.ones([1, 3, 5])], 1),
            ], 0)
        expectClose(values(spoiled), found, within: 1e-6)
        let names = PairDiagnostics(
            perFrame: perFrame, predictions: predictions, targets: targets,
            distractors: distractors
        ).metrics(of: "2:4").map(\.name)
        #expect(names == PairDiagnostics.names.map { "2:4/\($0)" })
    }
}
