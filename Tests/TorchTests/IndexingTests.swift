import Testing
import Torch

@Suite struct IndexingTests {
    let x = Tensor.arange(0, 6, dtype: .float32).reshape([3, 2])

    @Test func selecting() {
        let rows = Tensor([2, 0, 2] as [Int64], [3])
        expectValues(x.indexSelect(0, rows), [4, 5, 0, 1, 4, 5], shape: [3, 2])
        expectValues(
            x.gather(1, Tensor([1, 0, 1] as [Int64], [3, 1])), [1, 2, 5], shape: [3, 1])
        expectValues(
            x.indexed([Tensor([0, 2] as [Int64], [2]), Tensor([1, 0] as [Int64], [2])]), [1, 4])
        expectValues(x.indexed([nil, Tensor([1] as [Int64], [1])]), [1, 3, 5], shape: [3, 1])
        expectValues(
            x.indexed([Tensor([true, false, true], [3])]), [0, 1, 4, 5], shape: [2, 2])
        expectValues(x.argmax(1), [1, 1, 1])
        #expect(x.argmax(0).integers() == [2, 2])
    }

    @Test func largestElements() {
        let x = Tensor([3.0, 1, 4, 1, 5, 9, 2, 6], [2, 4])
        let (values, indices) = x.largest(3, 1)
        #expect(values.doubles() == [4, 3, 1, 9, 6, 5])
        #expect(indices.shape == [2, 3])
        #expect(Array(indices.integers().prefix(2)) == [2, 0])
        #expect(Array(indices.integers().suffix(3)) == [1, 3, 0])
    }

    @Test func replacing() {
        let mask = Tensor([false, true, false], [3])
        let result = x.replacing([mask], with: Tensor([7, 8] as [Float], [2]))
        expectValues(result, [0, 1, 7, 8, 4, 5])
        expectValues(
            x.replacing([nil, Tensor([0] as [Int64], [1])], with: .scalar(Float(9))),
            [9, 1, 9, 3, 9, 5])
        expectValues(x, [0, 1, 2, 3, 4, 5], tolerance: 0)
    }

    @Test func scattering() {
        let index = Tensor([0, 0, 2, 1] as [Int64], [2, 2])
        let source = Tensor([1, 2, 3, 4] as [Float], [2, 2])
        expectValues(
            Tensor.zeros([3, 2]).scatterAdding(0, index, source), [1, 2, 0, 4, 3, 0],
            shape: [3, 2])
    }

    @Test func diagonals() {
        let square = Tensor.arange(0, 8, dtype: .float32).reshape([2, 2, 2])
        expectValues(square.diagonal(1, 2), [0, 3, 4, 7], shape: [2, 2])
        expectValues(square.diagonal(0, 1), [0, 6, 1, 7], shape: [2, 2])
        expectValues(.identity(2), [1, 0, 0, 1], shape: [2, 2])
        #expect(Tensor.identity(1, dtype: .int64).dtype == .int64)
    }

    @Test func lookingUp() {
        let ids = Tensor([2, 0, 1, 2] as [Int64], [2, 2])
        expectValues(x.embedding(ids), [4, 5, 0, 1, 2, 3, 4, 5], shape: [2, 2, 2])
    }
}
