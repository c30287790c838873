import Foundation
import SpeechCore
import SpeechObjectives
import TestSupport
import Testing
import Torch

@Suite(.serialized) struct RegressionLossTests {
    private func normal(_ shape: [Int], dtype: DType = .float64, seed: UInt64) -> Tensor {
        .normal(shape, dtype: dtype, generator: RandomGenerator(seed: seed))
    }

    /// What the reference computed: its name, the loss, and whether padding counts.
    private static let reference: [(name: String, loss: RegressionLoss, countsAll: Bool)] = [
        ("l1", RegressionLoss(.l1), false),
        ("mse", RegressionLoss(.mse), false),
        ("mse_all_frames", RegressionLoss(.mse), true),
        ("neg_log_sigmoid_cosine", RegressionLoss(.cosine), false),
        ("l1_cosine.weight1.0", RegressionLoss(.l1Cosine), false),
        ("l1_cosine.weight0.5", RegressionLoss(.l1Cosine, cosineWeight: 0.5), false),
    ]

    /// Values and gradients of the reference in float64.
    @Test(arguments: RegressionLossTests.reference.indices)
    func equalsTheReference(_ index: Int) throws {
        let (name, loss, countsAll) = Self.reference[index]
        let file = try Fixtures.safetensors("losses/regression.safetensors")
        let shape = try #require(file.entry("pred")).shape  // [L, B, T, D]
        let predictions = Tensor(try file.doubles("pred"), shape)
        let targets = Tensor(try file.doubles("target"), shape)
        let valid = Tensor(try file.integers("valid").map(Double.init), [1, shape[1], shape[2]])
        let weights = countsAll ? valid.zerosLike() + 1.0 : valid
        predictions.requiresGradient = true
        let count = Double(shape[0]) * weights.sum().item()
        let mean = loss(predictions, targets, weights: weights) / count
        mean.backward()
        expectClose([mean.item()], try file.doubles("\(name).loss"), within: 1e-9)
        let gradient = try #require(predictions.gradient).doubles()
        expectClose(gradient, try file.doubles("\(name).grad"), within: 1e-9, "gradient")
    }

    @Test func equalsTheReferenceByFrame() throws {
        let file = try Fixtures.safetensors("losses/regression.safetensors")
        let shape = try #require(file.entry("pred")).shape
        let predictions = Tensor(try file.doubles("pred"), shape)
        let targets = Tensor(try file.doubles("target"), shape)
        expectClose(
            RegressionLoss(.l1).perFrame(predictions, targets).doubles(),
            try file.doubles("l1.per_frame"), within: 1e-12)
        expectClose(
            RegressionLoss.cosine(predictions, targets).doubles(),
            try file.doubles("cosine.per_frame"), within: 1e-12)
    }

    /// Two frames that can be checked by hand: L1 1/2 each, cosines 3 / √10 and 1 / √2.
    @Test func equalsTheHandChecked() {
        let predictions = Tensor([1.0, 2, 0, 1], [1, 2, 2])
        let targets = Tensor([1.0, 1, 1, 1], [1, 2, 2])
        func mean(_ loss: RegressionLoss) -> Double {
            loss(predictions, targets, weights: .ones([1, 2], dtype: .float64)).item() / 2
        }
        expectClose(mean(RegressionLoss(.l1)), 0.5, within: 1e-12)
        expectClose(mean(RegressionLoss(.mse)), 0.5, within: 1e-12)
        expectClose(mean(RegressionLoss(.scaledL2)), 0.5.squareRoot(), within: 1e-12)
        expectClose(mean(RegressionLoss(.l1Cosine)), 0.864079, within: 5e-7)
        expectClose(mean(RegressionLoss(.l1RawCosine)), -0.327895, within: 5e-7)
        expectClose(mean(RegressionLoss(.cosine)), 0.364079, within: 5e-7)
        expectClose(mean(RegressionLoss(.l1Cosine, cosineWeight: 0)), 0.5, within: 1e-12)
        // |d| is 1 in every second channel.
        expectClose(mean(RegressionLoss(.smoothL1)), 0.25, within: 1e-12)
        expectClose(mean(RegressionLoss(.smoothL1, smoothL1Beta: 2)), 0.125, within: 1e-12)
        expectClose(mean(RegressionLoss(.smoothL1, smoothL1Beta: 0.5)), 0.375, within: 1e-12)
    }

    @Test(arguments: RegressionLoss.Kind.allCases)
    func gradientsEqualFiniteDifferences(_ kind: RegressionLoss.Kind) throws {
        let loss = RegressionLoss(kind, cosineWeight: 0.7, smoothL1Beta: 0.8)
        let shape = [2, 4, 5]
        let targets = normal(shape, seed: 1)
        let weights = Tensor([1.0, 1, 1, 1, 1, 1, 0, 0], [2, 4])
        let values = normal(shape, seed: 2).doubles()
        func sum(_ values: [Double]) -> Double {
            withoutGradients { loss(Tensor(values, shape), targets, weights: weights).item() }
        }
        let predictions = Tensor(values, shape)
        predictions.requiresGradient = true
        loss(predictions, targets, weights: weights).backward()
        let differences = values.indices.map { index in
            var (more, less) = (values, values)
            more[index] += 1e-5
            less[index] -= 1e-5
            return (sum(more) - sum(less)) / 2e-5
        }
        let gradient = try #require(predictions.gradient).doubles()
        expectClose(gradient, differences, within: 1e-8, "gradient")
        #expect(gradient[30...].allSatisfy { $0 == 0 })
        #expect(gradient[..<30].allSatisfy { $0 != 0 })
    }

    /// An exact prediction costs the minimum, everything else more.
    @Test(arguments: RegressionLoss.Kind.allCases)
    func theMinimumIsReached(_ kind: RegressionLoss.Kind) {
        let loss = RegressionLoss(kind, cosineWeight: 0.4)
        let targets = normal([3, 6], seed: 3)
        let exact = loss.perFrame(targets, targets).doubles()
        expectClose(exact, Array(repeating: loss.minimum, count: 3), within: 1e-12)
        let others = loss.perFrame(normal([40, 6], seed: 4), normal([40, 6], seed: 5)).doubles()
        #expect(others.allSatisfy { $0 > loss.minimum })
    }

    @Test(arguments: RegressionLoss.Kind.allCases, [DType.float32, .float64])
    func nothingIsNotANumber(_ kind: RegressionLoss.Kind, _ dtype: DType) throws {
        let random = normal([2, 3, 4], seed: 3).to(dtype)
        let zero = random.zerosLike()
        for (values, targets) in [(random, random), (zero, random), (random, zero), (zero, zero)] {
            let predictions = values.copied()
            predictions.requiresGradient = true
            let weights = Tensor.ones([2, 3], dtype: dtype)
            let sum = RegressionLoss(kind)(predictions, targets, weights: weights)
            sum.backward()
            #expect(sum.dtype == dtype && sum.isAllFinite())
            #expect(try #require(predictions.gradient).isAllFinite())
        }
    }
}
