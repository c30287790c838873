import Foundation
import Testing
import Torch

@Suite struct ReductionTests {
    let x = Tensor([1, 2, 3, 4, 5, 9] as [Double], [2, 3])

    @Test func sumsAndMeans() {
        expectValues(x.sum(), [24], shape: [])
        expectValues(x.sum([0]), [5, 7, 12], shape: [3])
        expectValues(x.sum([1], keepDimensions: true), [6, 18], shape: [2, 1])
        expectValues(x.sum([0, 1]), [24], shape: [])
        expectValues(x.mean(), [4])
        expectValues(x.mean([-1]), [2, 6])
        expectValues(x.mean([0], keepDimensions: true), [2.5, 3.5, 6], shape: [1, 3])
    }

    @Test func spread() {
        expectValues(x.variance([1], correction: 0), [2.0 / 3, 14.0 / 3])
        expectValues(x.variance([1], correction: 1, keepDimensions: true), [1, 7], shape: [2, 1])
        expectValues(x.norm([1]), [sqrt(14), sqrt(122)])
        expectValues(x.norm([0, 1], keepDimensions: true), [sqrt(136)], shape: [1, 1])
    }

    @Test func extremes() {
        expectValues(x.max([1]), [3, 9])
        expectValues(x.max([0, 1], keepDimensions: true), [9], shape: [1, 1])
        let expected = log(exp(1.0) + exp(2.0) + exp(3.0))
        expectValues(x.logSumExp([1]).select(0, 0), [expected], tolerance: 1e-12)
        // Shifted by the maximum: no overflow.
        expectValues((x * 1000.0).logSumExp([0, 1]), [9000], tolerance: 1e-9)
    }

    @Test func listsOfTensorsInOneCall() {
        let list = [Tensor([3, 4] as [Double], [2]), Tensor([1] as [Double], [1, 1])]
        let norms = Tensor.norms(list)
        #expect(norms.count == 2)
        expectValues(.stack(norms), [5, 1])
        Tensor.multiplyInPlace(list, 2)
        expectValues(list[0], [6, 8])
        expectValues(list[1], [2], shape: [1, 1])
        Tensor.addInPlace(
            list, [.ones([2], dtype: .float64), .ones([1, 1], dtype: .float64)], scale: 3)
        expectValues(list[0], [9, 11])
        expectValues(list[1], [5])
        #expect(Tensor.norms([Tensor([-2] as [Float], [1])]).map { $0.item() } == [2])
    }
}
