import Foundation
import SpeechObjectives
import TestSupport
import Testing
import Torch

@Suite struct GumbelQuantizerTests {
    /// Two groups of two entries of one value: 10, 20 and 30, 40. The logits of the first group are
    /// the features, those of the second their negatives.
    private func byHand() -> (quantizer: GumbelQuantizer, store: ParameterStore) {
        var settings = GumbelSettings()
        (settings.groups, settings.entries, settings.width) = (2, 2, 2)
        let store = ParameterStore(seed: 1)
        let quantizer = GumbelQuantizer(store.root["quantizer"], settings, inputs: 2)
        store["quantizer.codevectors"]!.assign(Tensor([10, 20, 30, 40] as [Float], [1, 4, 1]))
        store["quantizer.weight_proj.weight"]!.assign(
            Tensor([1, 0, 0, 1, -1, 0, 0, -1] as [Float], [4, 2]))
        return (quantizer, store)
    }

    private let features = Tensor([1, 0, 0, 3] as [Float], [2, 2])

    @Test func valuesByHand() {
        let quantizer = byHand().quantizer
        let result = quantizer(features, weights: .ones([2]), temperature: 2, noise: nil)
        #expect(result.codevectors.doubles() == [10, 40, 20, 30])
        #expect(result.codes.integers() == [0, 1, 1, 0])
        // Group 1: softmax(1, 0) and softmax(0, 3), their mean, exp of its entropy; group 2 mirrored.
        let first = 1 / (1 + exp(-1.0))
        let mean = (first + 1 / (1 + exp(3.0))) / 2
        let perplexity = exp(-mean * log(mean) - (1 - mean) * log(1 - mean))
        expectClose(result.perplexity.item(), 2 * perplexity, within: 1e-5, "perplexity")
        expectClose(
            quantizer.diversityLoss(perplexity: result.perplexity).item(),
            (4 - 2 * perplexity) / 4, within: 1e-6, "diversity")
        // Frames that only fill up do not count.
        let one = quantizer(
            features, weights: Tensor([1, 0] as [Float], [2]), temperature: 2, noise: nil)
        let alone = exp(-first * log(first) - (1 - first) * log(1 - first))
        expectClose(one.perplexity.item(), 2 * alone, within: 1e-5, "perplexity of one frame")
    }

    @Test func noiseDecidesAndCodesDoNotFeelIt() {
        let quantizer = byHand().quantizer
        // 5 for the less likely entry everywhere.
        let noise = Tensor([0, 5, 5, 0, 5, 0, 0, 5] as [Float], [2, 2, 2])
        let result = quantizer(features, weights: .ones([2]), temperature: 0.5, noise: noise)
        #expect(result.codevectors.doubles() == [20, 30, 10, 40])
        #expect(result.codes.integers() == [0, 1, 1, 0])
    }

    @Test func diversityByHand() {
        var settings = GumbelSettings()
        (settings.groups, settings.entries) = (2, 320)
        let quantizer = GumbelQuantizer(
            ParameterStore(seed: 1).root["quantizer"], settings, inputs: 3)
        func diversity(_ perplexity: Float) -> Double {
            quantizer.diversityLoss(perplexity: .scalar(perplexity)).item()
        }
        expectClose(diversity(640), 0, within: 1e-6, "all entries alike")
        expectClose(diversity(2), 638.0 / 640, within: 1e-6, "collapsed")
        expectClose(diversity(160), 0.75, within: 1e-6, "a quarter")
    }

    /// Hard values forwards, the softmax's gradient backwards.
    @Test func gradientsPassStraightThrough() throws {
        var settings = GumbelSettings()
        (settings.groups, settings.entries, settings.width) = (3, 5, 12)
        let store = ParameterStore(seed: 4)
        let quantizer = GumbelQuantizer(store.root["quantizer"], settings, inputs: 7)
        store.setTrainable(true)
        let table = try #require(store["quantizer.codevectors"])
        let weight = try #require(store["quantizer.weight_proj.weight"])
        let x = Tensor.normal([6, 7], generator: RandomGenerator(seed: 9))
        x.requiresGradient = true
        let noise = quantizer.noise(rows: 6, seed: 3, device: .cpu)
        let direction = Tensor.normal([6, 12], generator: RandomGenerator(seed: 2))
        let result = quantizer(x, weights: .ones([6]), temperature: 0.7, noise: noise)
        let found = (result.codevectors * direction).sum().gradients(of: [x, weight, table])

        let soft = ((x.matmul(weight.transpose(0, 1)).unflatten(1, [3, 5]) + noise) * (1 / 0.7))
            .softmax(2)
        let books = table.squeeze(0).unflatten(0, [3, 5])
        let vectors = soft.transpose(0, 1).batchedMatmul(books).transpose(0, 1).flatten(1, 2)
        let expected = (vectors * direction).sum().gradients(of: [x, weight])
        for index in 0..<2 {
            expectClose(
                try #require(found[index]).floats(), try #require(expected[index]).floats(),
                within: 1e-5, "gradient \(index)")
        }
        // An entry receives what the frames that chose it received.
        let chosen = soft.argmax(2).integers()
        var sums = [Double](repeating: 0, count: 15 * 4)
        let values = direction.doubles()
        for frame in 0..<6 {
            for group in 0..<3 {
                for channel in 0..<4 {
                    sums[(group * 5 + chosen[frame * 3 + group]) * 4 + channel] +=
                        values[frame * 12 + group * 4 + channel]
                }
            }
        }
        expectClose(try #require(found[2]).doubles(), sums, within: 1e-6, "codebooks")
        // The forward pass has entries, not mixtures of them.
        let rows = books.doubles()
        var hard: [Double] = []
        for place in 0..<18 {
            let first = (place % 3 * 5 + chosen[place]) * 4
            hard += rows[first..<(first + 4)]
        }
        #expect(result.codevectors.doubles() == hard)
    }

    @Test func diversityPassesFiniteDifferences() throws {
        var settings = GumbelSettings()
        (settings.groups, settings.entries, settings.width) = (2, 4, 2)
        let quantizer = GumbelQuantizer(
            ParameterStore(seed: 4).root["quantizer"], settings, inputs: 3)
        let start = Tensor.normal([5, 3], dtype: .float64, generator: RandomGenerator(seed: 9))
        func value(_ x: Tensor) -> Tensor {
            quantizer.diversityLoss(
                perplexity: quantizer(
                    x, weights: .ones([5], dtype: .float64), temperature: 1, noise: nil
                ).perplexity)
        }
        let x = start.copied()
        x.requiresGradient = true
        let gradient = try #require(value(x).gradients(of: [x])[0]).doubles()
        let numbers = start.doubles()
        let differences = numbers.indices.map { index -> Double in
            func moved(_ step: Double) -> Double {
                var changed = numbers
                changed[index] += step
                return value(Tensor(changed, [5, 3])).item()
            }
            return (moved(1e-5) - moved(-1e-5)) / 2e-5
        }
        expectClose(gradient, differences, within: 1e-9, "gradient")
    }

    @Test func temperatureFallsToItsFloor() {
        let settings = GumbelSettings()
        #expect(settings.temperature(step: 0) == 2)
        expectClose(settings.temperature(step: 100_000), 1.2130598, within: 1e-6, "later")
        #expect(settings.temperature(step: 1_000_000) == 0.5)
    }

    @Test func noiseIsGumbels() {
        let quantizer = GumbelQuantizer(
            ParameterStore(seed: 1).root["quantizer"], GumbelSettings(), inputs: 2)
        let noise = quantizer.noise(rows: 100, seed: 5, device: .cpu)
        #expect(noise.shape == [100, 2, 320])
        let values = noise.doubles()
        let mean = values.reduce(0, +) / Double(values.count)
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
        expectClose(mean, 0.57722, within: 0.02, "mean")
        expectClose(variance, Double.pi * Double.pi / 6, within: 0.05, "variance")
        #expect(noise.isAllFinite())
        #expect(quantizer.noise(rows: 100, seed: 5, device: .cpu).doubles() == values)
        #expect(quantizer.noise(rows: 100, seed: 6, device: .cpu).doubles() != values)
    }
}
