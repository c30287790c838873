import Foundation
import Testing
import Torch

@Suite struct NeuralNetworkTests {
    @Test func linear() {
        let x = Tensor([1, 2] as [Double], [1, 2])
        let weight = Tensor([1, 0, 0, 1, 1, 1] as [Double], [3, 2])
        expectValues(x.linear(weight), [1, 2, 3], shape: [1, 3])
        expectValues(x.linear(weight, Tensor([10, 20, 30] as [Double], [3])), [11, 22, 33])
    }

    /// The kernel may differ with the type, the rank and the recording; the values may not.
    @Test(arguments: [[6], [5, 6], [2, 5, 6], [2, 3, 5, 6], [0, 6]])
    func linearIsTheSameHoweverItIsComputed(_ shape: [Int]) {
        let exact = [sample(shape, seed: 1), sample([4, 6], seed: 2), sample([4], seed: 3)]
        for tensor in exact { tensor.requiresGradient = true }
        let expected = exact[0].linear(exact[1], exact[2])
        let upstream = sample(expected.shape, seed: 4)
        let expectedGradients = expected.gradients(of: exact, gradient: upstream)
        for (dtype, tolerance) in [(DType.float64, 1e-12), (.float32, 1e-5), (.bfloat16, 0.1)] {
            let x = exact.map { $0.detached().to(dtype) }
            expectEqual(x[0].linear(x[1], x[2]), expected, tolerance: tolerance)
            expectEqual(x[0].linear(x[1]), expected - exact[2], tolerance: tolerance)
            for tensor in x { tensor.requiresGradient = true }
            let recorded = x[0].linear(x[1], x[2])
            expectEqual(recorded, expected, tolerance: tolerance)
            let unrecorded = withoutGradients { x[0].linear(x[1], x[2]) }
            expectEqual(unrecorded, expected, tolerance: tolerance)
            let gradients = recorded.gradients(of: x, gradient: upstream.to(dtype))
            for (found, reference) in zip(gradients, expectedGradients) {
                expectEqual(found!, reference!, tolerance: 4 * tolerance)
            }
        }
    }

    @Test func linearTakesStridedArguments() {
        for dtype in [DType.float32, .float64] {
            let x = sample([2, 6, 5], seed: 5, dtype: dtype)
            let weight = sample([6, 4], seed: 6, dtype: dtype)
            expectEqual(
                x.transpose(1, 2).linear(weight.transpose(0, 1)),
                x.transpose(1, 2).contiguous().matmul(weight), tolerance: 1e-5)
        }
    }

    @Test func convolution1d() {
        let x = Tensor([1, 2, 3, 4, 5] as [Double], [1, 1, 5])
        let kernel = Tensor([1, 0, -1] as [Double], [1, 1, 3])
        expectValues(x.convolution1d(kernel), [-2, -2, -2], shape: [1, 1, 3])
        expectValues(x.convolution1d(kernel, stride: 2, padding: 1), [-2, -2, 4])
        expectValues(x.convolution1d(kernel, Tensor([0.5] as [Double], [1])), [-1.5, -1.5, -1.5])
        // Two groups: each output channel sees one input channel.
        let pair = Tensor([1, 2, 10, 20] as [Double], [1, 2, 2])
        let taps = Tensor([1, 1, 2, 2] as [Double], [2, 1, 2])
        expectValues(pair.convolution1d(taps, groups: 2), [3, 60], shape: [1, 2, 1])
    }

    @Test func convolution2d() {
        let x = Tensor.arange(0, 9, dtype: .float64).reshape([1, 1, 3, 3])
        let kernel = Tensor.ones([1, 1, 2, 2], dtype: .float64)
        expectValues(x.convolution2d(kernel), [8, 12, 20, 24], shape: [1, 1, 2, 2])
        expectValues(
            x.convolution2d(kernel, stride: [2, 2], padding: [1, 1]), [0, 3, 9, 24],
            shape: [1, 1, 2, 2])
    }

    @Test func normalisations() {
        let x = Tensor([1, 3, 2, 6] as [Double], [1, 2, 2])
        expectValues(x.layerNorm(nil, nil, epsilon: 0), [-1, 1, -1, 1], tolerance: 1e-12)
        let scale = Tensor([2, 3] as [Double], [2])
        let shift = Tensor([10, 20] as [Double], [2])
        expectValues(
            x.layerNorm(scale, shift, epsilon: 0), [8, 23, 8, 23], tolerance: 1e-12)
        expectValues(
            x.batchNorm(weight: scale, bias: shift, epsilon: 0), [8, 12, 17, 23],
            tolerance: 1e-12)
        expectValues(
            x.batchNorm(
                weight: scale, bias: shift, mean: Tensor([1, 2] as [Double], [2]),
                variance: Tensor([4, 16] as [Double], [2]), epsilon: 0),
            [10, 12, 20, 23], tolerance: 1e-12)
    }

    @Test func attentionWeighsValues() {
        // Scores 0 and log 3 · √1: weights 1/4 and 3/4.
        let query = Tensor([1] as [Double], [1, 1, 1, 1])
        let key = Tensor([0, log(3)] as [Double], [1, 1, 2, 1])
        let value = Tensor([4, 8] as [Double], [1, 1, 2, 1])
        expectValues(query.attention(key: key, value: value), [7], tolerance: 1e-12)
        let hidden = Tensor([true, false], [1, 1, 1, 2])
        expectValues(query.attention(key: key, value: value, mask: hidden), [4], tolerance: 1e-12)
        let bias = Tensor([log(3), 0] as [Double], [1, 1, 1, 2])
        expectValues(query.attention(key: key, value: value, mask: bias), [6], tolerance: 1e-12)
    }

    @Test func attentionEqualsItsFormula() {
        let (q, k, v) = (
            sample([2, 3, 5, 4], seed: 1), sample([2, 3, 5, 4], seed: 2),
            sample([2, 3, 5, 4], seed: 3)
        )
        let bias = sample([2, 3, 5, 5], seed: 4)
        let scores = q.matmul(k.transpose(-1, -2)) / 2 + bias
        expectEqual(
            q.attention(key: k, value: v, mask: bias), scores.softmax(-1).matmul(v),
            tolerance: 1e-12)
    }

    @Test func losses() {
        let a = Tensor([1, 2] as [Double], [2])
        let b = Tensor([2, 5] as [Double], [2])
        expectValues(a.l1Loss(b), [2], shape: [])
        expectValues(a.mseLoss(b), [5], shape: [])
    }

    /// One label in two frames: "a", "a" and "a" beside a blank are three alignments of four.
    @Test func ctcCountsAlignments() {
        let half = log(0.5)
        let probabilities = Tensor([Double](repeating: half, count: 8), [2, 2, 2])  // [T, B, V]
        func loss(_ reduction: LossReduction, _ zeroesInfinity: Bool) -> Tensor {
            probabilities.ctcLoss(
                Tensor([1, 1, 1, 1] as [Int64], [4]), inputLengths: [2, 2],
                targetLengths: [1, 3], blank: 0, reduction: reduction,
                zeroesInfinity: zeroesInfinity)
        }
        let single = loss(.none, false).doubles()
        #expect(single[1] == .infinity && abs(single[0] + log(0.75)) < 1e-12)
        expectValues(loss(.sum, true), [-log(0.75)], shape: [], tolerance: 1e-12)
        expectValues(loss(.mean, true), [-log(0.75) / 2], tolerance: 1e-12)
        // No label: all frames are blank.
        let silent = probabilities.ctcLoss(
            Tensor([] as [Int64], [0]), inputLengths: [2, 1], targetLengths: [0, 0], blank: 1,
            reduction: .none)
        expectValues(silent, [-2 * half, -half], tolerance: 1e-12)
    }
}
