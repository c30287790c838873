import Foundation
import SpeechObjectives
import TestSupport
import Testing
import Torch

@Suite struct HardConcreteTests {
    private func gates(_ values: [Double]) -> HardConcrete {
        HardConcrete(logAlpha: Tensor(values, [values.count]))
    }

    @Test func expectedCounts() {
        let four = gates([0, 0, 0, 0])
        expectClose(four.openProbability.doubles()[0], 0.831822, within: 1e-6)
        expectClose(four.expectedCount.item(), 3.327289, within: 1e-6)
        // One of four is closed, the others are half open.
        #expect(four.evaluated() == [0, 0.5, 0.5, 0.5])
        // A drop rate of 0.01 starts almost surely open.
        expectClose(gates([log(99)]).openProbability.item(), 0.998, within: 1e-3)
        expectClose(
            gates([0]).openProbability.item(), 1 / (1 + exp(-1.598597)), within: 1e-6)
    }

    @Test func samples() {
        let three = gates([0, 0, 0])
        let drawn = three.sample(Tensor([0.1, 0.5, 0.9], [3])).doubles()
        expectClose(drawn, [0, 0.5, 1], within: 1e-12)
        // s = σ((ln(u / (1 − u)) + log α) / β), stretched to −0.1 … 1.1.
        let alpha = [0.4, -0.7, 1.1]
        let uniform = [0.31, 0.62, 0.44]
        let expected = zip(alpha, uniform).map { alpha, u in
            let s = 1 / (1 + exp(-(log(u / (1 - u)) + alpha) * 1.5))
            return min(1, max(0, s * 1.2 - 0.1))
        }
        let found = gates(alpha).sample(Tensor(uniform, [3])).doubles()
        expectClose(found, expected, within: 1e-12)
        let ends = gates([-40, 40]).sample(Tensor([1 - 1e-6, 1e-6], [2])).doubles()
        #expect(ends == [0, 1])
    }

    @Test func theSmallestAreClosed() {
        // Expected counts 0.36, 0.98, 0.05, 0.83: 1.78 of 4 close, rounded.
        let alpha = [-2.2, 2.5, -4.5, 0.0]
        let four = gates(alpha)
        let expected = alpha.map { 1 / (1 + exp(-($0 + 1.598597))) }.reduce(0, +)
        expectClose(four.expectedCount.item(), expected, within: 1e-5)
        let values = four.evaluated()
        #expect(values[0] == 0 && values[2] == 0)
        expectClose(values[1], 1 / (1 + exp(-0.8 * 2.5 * 1.5)), within: 1e-12)
        #expect(values[3] == 0.5)
        // One is always left.
        let shut = gates([-9, -8, -9]).evaluated()
        #expect(shut[0] == 0 && shut[2] == 0 && shut[1] > 0)
        #expect(gates([9, 9]).evaluated().allSatisfy { $0 > 0.99 })
    }

    @Test func gradients() throws {
        let alpha = [0.3, -0.6, 0.1]
        let uniform = Tensor([0.4, 0.55, 0.7], [3])
        let weights = Tensor([1.0, -2.0, 0.5], [3])
        func value(_ alpha: [Double]) -> Double {
            let gate = gates(alpha)
            return ((gate.sample(uniform) * weights).sum() + gate.expectedCount).item()
        }
        let gate = gates(alpha)
        gate.logAlpha.requiresGradient = true
        ((gate.sample(uniform) * weights).sum() + gate.expectedCount).backward()
        let found = try #require(gate.logAlpha.gradient).doubles()
        for index in alpha.indices {
            var (up, down) = (alpha, alpha)
            up[index] += 1e-6
            down[index] -= 1e-6
            expectClose(found[index], (value(up) - value(down)) / 2e-6, within: 1e-8)
        }
    }

    /// The share of open gates among many draws is their probability.
    @Test func drawsFollowTheProbability() {
        let generator = RandomGenerator(seed: 4)
        for alpha in [-2.0, 0, 1.5] {
            let gate = HardConcrete(logAlpha: Tensor.full([20_000], alpha))
            let uniform = Tensor.uniform([20_000], from: 1e-6, to: 1 - 1e-6, generator: generator)
            let open = gate.sample(uniform).floats().filter { $0 > 0 }.count
            let probability = 1 / (1 + exp(-(alpha + 1.598597)))
            expectClose(Double(open) / 20_000, probability, within: 0.012, "\(alpha)")
        }
    }
}
