import Testing
import Torch

@Suite struct ShapeTests {
    let x = Tensor.arange(0, 12, dtype: .float32).reshape([3, 4])

    @Test func reshaping() {
        expectValues(x.reshape([2, -1]), (0..<12).map(Double.init), shape: [2, 6])
        #expect(x.reshape([2, 2, 3]).flatten(1, 2).shape == [2, 6])
        #expect(x.unflatten(1, [2, -1]).shape == [3, 2, 2])
        #expect(x.unsqueeze(1).shape == [3, 1, 4])
        #expect(x.unsqueeze(-1).shape == [3, 4, 1])
        #expect(x.unsqueeze(0).squeeze(0).shape == [3, 4])
        #expect(x.squeeze(0).shape == [3, 4])
    }

    @Test func permutations() {
        expectValues(x.transpose(0, 1), [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11], shape: [4, 3])
        let cube = x.reshape([3, 2, 2])
        expectValues(
            cube.permute([2, 0, 1]), [0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11], shape: [2, 3, 2])
        let turned = x.transpose(0, 1)
        #expect(turned.contiguous().isContiguous)
        expectEqual(turned.contiguous(), turned, tolerance: 0)
    }

    @Test func expansion() {
        let row = Tensor([1, 2] as [Float], [1, 2])
        expectValues(row.expand([3, -1]), [1, 2, 1, 2, 1, 2], shape: [3, 2])
    }

    @Test func joining() {
        let a = Tensor([1, 2] as [Float], [1, 2])
        let b = Tensor([3, 4] as [Float], [1, 2])
        expectValues(.concatenate([a, b], 0), [1, 2, 3, 4], shape: [2, 2])
        expectValues(.concatenate([a, b], 1), [1, 2, 3, 4], shape: [1, 4])
        expectValues(.stack([a, b]), [1, 2, 3, 4], shape: [2, 1, 2])
        expectValues(.stack([a, b], 2), [1, 3, 2, 4], shape: [1, 2, 2])
    }

    @Test func cutting() {
        let parts = x.chunk(2, 1)
        #expect(parts.count == 2)
        expectValues(parts[1], [2, 3, 6, 7, 10, 11], shape: [3, 2])
        let pieces = x.split([1, 3], 1)
        #expect(pieces.map(\.shape) == [[3, 1], [3, 3]])
        expectValues(pieces[0], [0, 4, 8])
        expectValues(x.narrow(1, 1, 2), [1, 2, 5, 6, 9, 10], shape: [3, 2])
        expectValues(x.slice(1, 1, 4, step: 2), [1, 3, 5, 7, 9, 11], shape: [3, 2])
        expectValues(x.slice(0, -1, 3), [8, 9, 10, 11], shape: [1, 4])
        expectValues(x.select(0, 1), [4, 5, 6, 7], shape: [4])
        #expect(x.chunk(1, 0).count == 1)
    }

    @Test func padding() {
        let small = Tensor([1, 2, 3, 4] as [Float], [2, 2])
        expectValues(
            small.padded([1, 0, 0, 1], value: 9), [9, 1, 2, 9, 3, 4, 9, 9, 9], shape: [3, 3])
        expectValues(small.padded([-1, 0]), [2, 4], shape: [2, 1])
    }

    @Test func flipping() {
        expectValues(Tensor([1, 2, 3, 4] as [Float], [2, 2]).flipped(1), [2, 1, 4, 3])
    }
}
