import Foundation
import SpeechObjectives
import TestSupport
import Testing
import Torch

@Suite struct LabelSmoothedCrossEntropyTests {
    static let values: [Double] = [
        0.5, -1.25, 2, 0, 3.5, 1, 1, -2, 0.25, -0.75, 10, -10, 4, 0, 1.5,
    ]
    static let labels = [2, 0, 3]

    /// `torch.nn.functional.cross_entropy` of PyTorch 2.13 with `reduction="sum"` and a
    /// `label_smoothing` of 5 / 4 · ε.
    @Test func agreesWithPyTorch() {
        let logits = Tensor(Self.values, [3, 5])
        for (smoothing, expected) in [
            (0.0, 12.765840789369046), (0.1, 12.897090789369045), (0.2, 13.028340789369047),
        ] {
            let criterion = LabelSmoothedCrossEntropy(smoothing: smoothing)
            let (sum, likelihood) = criterion(logits, Self.labels)
            expectClose(sum.item(), expected, within: 1e-12)
            expectClose(likelihood.item(), 12.765840789369046, within: 1e-12)
        }
    }

    /// Two tokens with scores ln 3 and 0: p is ¾ and ¼.
    @Test func isWhatTheFormulaSays() {
        let logits = Tensor([log(3.0), 0], [1, 2])
        let sum = LabelSmoothedCrossEntropy(smoothing: 0.25)(logits, [0]).sum
        expectClose(sum.item(), -0.75 * log(0.75) - 0.25 * log(0.25), within: 1e-12)
    }

    @Test func gradientsAreThoseOfDifferences() {
        let criterion = LabelSmoothedCrossEntropy(smoothing: 0.15)
        let logits = Tensor(Self.values, [3, 5])
        logits.requiresGradient = true
        criterion(logits, Self.labels).sum.backward()
        let step = 1e-6
        let differences = Self.values.indices.map { index in
            let ends = [step, -step].map { change in
                var moved = Self.values
                moved[index] += change
                return criterion(Tensor(moved, [3, 5]), Self.labels).sum.item()
            }
            return (ends[0] - ends[1]) / (2 * step)
        }
        expectClose(logits.gradient?.doubles() ?? [], differences, within: 1e-8)
    }

    /// No scores do better than the logarithms of the smoothed targets, and those do that well.
    @Test func theLeastValueIsReached() {
        let criterion = LabelSmoothedCrossEntropy(smoothing: 0.2)
        let best = Tensor([log(0.8), log(0.05), log(0.05), log(0.05), log(0.05)], [1, 5])
        expectClose(
            criterion(best, [0]).sum.item(), criterion.minimum(vocabulary: 5), within: 1e-12)
        #expect(
            criterion(best * 1.1, [0]).sum.item() > criterion.minimum(vocabulary: 5))
        #expect(LabelSmoothedCrossEntropy(smoothing: 0).minimum(vocabulary: 5) == 0)
    }
}
