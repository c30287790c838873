import Foundation
import Testing
import Torch

@Suite struct ArithmeticTests {
    let a = Tensor([1, 2, 3, 4] as [Double], [2, 2])
    let b = Tensor([10, 20] as [Double], [2])

    @Test func operatorsBroadcast() {
        expectValues(a + b, [11, 22, 13, 24], shape: [2, 2])
        expectValues(b - a, [9, 18, 7, 16])
        expectValues(a * b, [10, 40, 30, 80])
        expectValues(a / b, [0.1, 0.1, 0.3, 0.2])
        let column = Tensor([100, 200] as [Double], [2, 1])
        expectValues(column + b, [110, 120, 210, 220], shape: [2, 2])
        expectValues(a + Tensor.scalar(1.0), [2, 3, 4, 5], shape: [2, 2])
        expectValues(-a, [-1, -2, -3, -4])
    }

    @Test func operatorsTakeNumbers() {
        expectValues(a + 0.5, [1.5, 2.5, 3.5, 4.5])
        expectValues(a - 0.5, [0.5, 1.5, 2.5, 3.5])
        expectValues(a * 0.5, [0.5, 1, 1.5, 2])
        expectValues(0.5 * a, [0.5, 1, 1.5, 2])
        expectValues(a / 2, [0.5, 1, 1.5, 2])
    }

    @Test func wholeNumbersKeepIntegerTypes() {
        let ids = Tensor([1, 2] as [Int64], [2])
        for result in [ids + 3, ids - 3, ids * 3, 3 * ids] { #expect(result.dtype == .int64) }
        #expect((ids + 3).integers() == [4, 5])
        #expect((ids - 3).integers() == [-2, -1])
        #expect((ids * 3).integers() == [3, 6])
        // A large value that float32 could not hold.
        #expect((Tensor([1 << 40] as [Int64], [1]) + 1).integers() == [1 << 40 + 1])
        #expect((a + 3).dtype == .float64)
        #expect((ids + 0.5).dtype == .float32)
        #expect((ids / 2).floats() == [0.5, 1])
    }

    @Test func scaledSumsAndChangesInPlace() {
        expectValues(a.adding(b, scale: 0.1), [2, 4, 4, 6])
        let copy = a.copied()
        copy.addInPlace(b, scale: 2)
        expectValues(copy, [21, 42, 23, 44])
        copy.multiplyInPlace(0.5)
        expectValues(copy, [10.5, 21, 11.5, 22])
        expectValues(a, [1, 2, 3, 4], tolerance: 0)
    }

    @Test func elementwiseFunctions() {
        let x = Tensor([0.25, 1, 4] as [Double], [3])
        expectValues(x.power(1.5), [0.125, 1, 8])
        expectValues(x.squareRoot(), [0.5, 1, 2])
        expectValues(x.exp(), [exp(0.25), exp(1), exp(4)], tolerance: 1e-12)
        expectValues(x.log(), [log(0.25), 0, log(4)], tolerance: 1e-12)
        expectValues((-x).abs(), [0.25, 1, 4])
        expectValues(x.sin(), [sin(0.25), sin(1), sin(4)], tolerance: 1e-12)
        expectValues(x.cos(), [cos(0.25), cos(1), cos(4)], tolerance: 1e-12)
        expectValues(x.clamped(min: 0.5), [0.5, 1, 4])
        #expect(
            Tensor([-9, 0, 9] as [Int64], [3]).clamped(min: -2, max: 3).integers() == [-2, 0, 3])
    }

    @Test func comparisonsGiveTruthValues() {
        let x = Tensor([1, 2, 3] as [Float], [3])
        let y = Tensor([2, 2, 2] as [Float], [3])
        #expect(x.isLess(than: y).values() == [true, false, false])
        #expect(x.isLess(than: 2.5).values() == [true, true, false])
        #expect(x.isGreater(than: y).values() == [false, false, true])
        #expect(x.isAtLeast(y).values() == [false, true, true])
        #expect(x.isEqual(to: y).values() == [false, true, false])
        #expect(x.isEqual(to: 3).values() == [false, false, true])
        #expect(x.isLess(than: y).not().values() == [false, true, true])
        #expect(x.isAtLeast(y).and(x.isLess(than: 2.5)).values() == [false, true, false])
        #expect(x.isLess(than: y).dtype == .bool)
    }

    @Test func nonFiniteValuesAreFound() {
        let x = Tensor([1, .infinity, -.infinity, .nan] as [Float], [4])
        #expect(!x.isAllFinite())
        #expect(Tensor.zeros([3]).isAllFinite())
        for dtype in [DType.float32, .float64, .float16, .bfloat16] {
            #expect(Tensor([-1, 2, 65504] as [Float], [3]).to(dtype).isAllFinite())
            for bad in [Float.infinity, -.infinity, .nan] {
                #expect(!Tensor([1, bad, 2] as [Float], [3]).to(dtype).isAllFinite())
            }
        }
        #expect(Tensor.zeros([0, 3]).isAllFinite())
    }

    @Test func masksSelectAndFill() {
        let mask = Tensor([true, false], [2])
        expectValues(mask.select(a, else: a * 10.0), [1, 20, 3, 40])
        expectValues(a.filled(where: mask, -1), [-1, 2, -1, 4])
        expectValues(a, [1, 2, 3, 4], tolerance: 0)
    }

    @Test func matrixProducts() {
        expectValues(a.matmul(a), [7, 10, 15, 22], shape: [2, 2])
        expectValues(a.matmul(b), [50, 110], shape: [2])
        let batch = Tensor.stack([a, a * 2.0])
        expectValues(
            batch.batchedMatmul(batch), [7, 10, 15, 22, 28, 40, 60, 88], shape: [2, 2, 2])
        expectValues(batch.matmul(a), [7, 10, 15, 22, 14, 20, 30, 44], shape: [2, 2, 2])
        let ones = Tensor.ones([2, 2, 2], dtype: .float64)
        expectValues(
            ones.addingBatchedMatmul(batch, batch, beta: 2, alpha: 0.5),
            [5.5, 7, 9.5, 13, 16, 22, 32, 46])
    }
}
