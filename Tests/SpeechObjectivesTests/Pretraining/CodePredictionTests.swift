import Foundation
import SpeechObjectives
import TestSupport
import Testing
import Torch

@Suite struct CodePredictionTests {
    private func codes(_ rows: [[Int64]]) -> Tensor {
        Tensor(rows.flatMap { $0 }, [rows.count, rows[0].count])
    }

    @Test func entropyByHand() {
        // One book: codes 0, 0, 1 of weight 1; the last frame only fills up.
        let usage = CodeUsage(
            codes([[0], [0], [1], [3]]), entries: 4, weights: Tensor([1, 1, 1, 0] as [Float], [4]))
        expectClose(
            usage.frequencies.doubles(), [2.0 / 3, 1.0 / 3, 0, 0], within: 1e-6, "shares")
        expectClose(usage.entropy, 0.636514, within: 1e-5, "entropy")
        expectClose(usage.perplexity, exp(0.636514), within: 1e-4, "perplexity")
        // Two books: one uses four codes alike, the other one only.
        let two = CodeUsage(
            codes([[0, 2], [1, 2], [2, 2], [3, 2]]), entries: 4, weights: .ones([4]))
        expectClose(two.entropies.doubles(), [log(4), 0], within: 1e-6, "entropies")
        expectClose(two.entropy, log(2), within: 1e-6, "mean entropy")
        expectClose(two.perplexity, 2.5, within: 1e-5, "mean perplexity")
    }

    /// A head without weights, whose biases are logits.
    private func head(_ biases: [Float], books: Int) -> CodePrediction {
        let store = ParameterStore(seed: 1)
        let entries = biases.count / books
        let head = CodePrediction(
            store.root["code_head"], inputs: 1, books: books, entries: entries)
        store["code_head.weight"]!.fill(0)
        store["code_head.bias"]!.assign(Tensor(biases, [biases.count]))
        return head
    }

    @Test func lossByHand() {
        // Probabilities 1/2, 1/6, 1/6, 1/6.
        let skewed = head([Float(log(3.0)), 0, 0, 0], books: 1)
        let states = Tensor.zeros([3, 1])
        let weights = Tensor([1, 1, 0] as [Float], [3])
        let result = skewed(
            states, codes: codes([[0], [2], [2]]), weights: weights, withDiagnostics: true)
        expectClose(result.sum.item(), log(2) + log(6), within: 1e-5, "sum")
        let metrics = Dictionary(uniqueKeysWithValues: result.metrics.map { ($0.name, $0.value) })
        expectClose(
            metrics["prediction_loss"] ?? 0, (log(2) + log(6)) / 2, within: 1e-5, "mean")
        #expect(metrics["prediction_accuracy"] == 0.5)
        expectClose(metrics["code_entropy"] ?? 0, log(2), within: 1e-6, "entropy")
        expectClose(metrics["code_perplexity"] ?? 0, 2, within: 1e-5, "perplexity")
        #expect(skewed(states, codes: codes([[0], [2], [2]]), weights: weights).metrics.isEmpty)
        // Books are averaged: ln 2 of a fair pair of codes, and ln 4 where 1/4 was given.
        let both = head([0, 0, Float(log(3.0)), 0], books: 2)
        let two = both(.zeros([1, 1]), codes: codes([[1, 1]]), weights: .ones([1]))
        expectClose(two.sum.item(), (log(2) + log(4)) / 2, within: 1e-5, "two books")
    }

    /// The frequencies are the best guess of who hears nothing: then loss and entropy are equal.
    @Test func theFrequenciesHaveTheEntropyAsLoss() {
        let shares: [Double] = [0.5, 0.3, 0.2]
        let head = head(shares.map { Float(log($0)) }, books: 1)
        let drawn: [[Int64]] = [0, 0, 0, 0, 0, 1, 1, 1, 2, 2].map { [$0] }
        let result = head(
            .zeros([10, 1]), codes: codes(drawn), weights: .ones([10]), withDiagnostics: true)
        let metrics = Dictionary(uniqueKeysWithValues: result.metrics.map { ($0.name, $0.value) })
        expectClose(
            metrics["prediction_loss"] ?? 0, metrics["code_entropy"] ?? 1, within: 1e-6, "loss")
    }

    @Test func gradientsPassFiniteDifferences() throws {
        let store = ParameterStore(seed: 6)
        let head = CodePrediction(store.root["code_head"], inputs: 3, books: 2, entries: 4)
        let start = Tensor.normal([4, 3], dtype: .float64, generator: RandomGenerator(seed: 9))
        let targets = codes([[0, 3], [1, 1], [2, 0], [3, 2]])
        let weights = Tensor([1, 0, 1, 1] as [Double], [4])
        let x = start.copied()
        x.requiresGradient = true
        let sum = head(x, codes: targets, weights: weights).sum
        let gradient = try #require(sum.gradients(of: [x])[0]).doubles()
        let numbers = start.doubles()
        let differences = numbers.indices.map { index -> Double in
            func moved(_ step: Double) -> Double {
                var changed = numbers
                changed[index] += step
                return head(Tensor(changed, [4, 3]), codes: targets, weights: weights).sum.item()
            }
            return (moved(1e-5) - moved(-1e-5)) / 2e-5
        }
        expectClose(gradient, differences, within: 1e-9, "gradient")
    }
}
