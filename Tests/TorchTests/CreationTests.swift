import Testing
import Torch

@Suite struct CreationTests {
    @Test func constants() {
        expectValues(.full([2, 2], 1.5), [1.5, 1.5, 1.5, 1.5], shape: [2, 2])
        expectValues(.zeros([3]), [0, 0, 0])
        expectValues(.ones([]), [1], shape: [])
        #expect(Tensor.zeros([1]).dtype == .float32)
        #expect(Tensor.zeros([1], dtype: .bfloat16).dtype == .bfloat16)
        #expect(Tensor.full([2], 1, dtype: .bool).values() == [true, true])
        let like = Tensor.ones([2, 1], dtype: .int64).zerosLike()
        #expect(like.dtype == .int64)
        expectValues(like, [0, 0], shape: [2, 1])
        let empty = Tensor.empty([4, 5], dtype: .int32)
        #expect(empty.shape == [4, 5])
        #expect(empty.dtype == .int32)
    }

    @Test func ranges() {
        #expect(Tensor.arange(0, 4).integers() == [0, 1, 2, 3])
        #expect(Tensor.arange(5, 0, step: -2).integers() == [5, 3, 1])
        #expect(Tensor.arange(2, 2).integers() == [])
        #expect(Tensor.arange(0, 2, dtype: .float64).dtype == .float64)
    }

    @Test func conversionToTheSameTypeIsTheTensorItself() {
        let x = Tensor.ones([2])
        #expect(x.to(.float32) === x)
        #expect(x.to(.cpu) === x)
        #expect(x.to(.float64) !== x)
        // bfloat16 keeps 8 bits of the significand and rounds to even.
        expectValues(Tensor([1.00390625, 3.14159] as [Float], [2]).to(.bfloat16), [1, 3.140625])
    }

    @Test func copiesHaveMemoryOfTheirOwn() {
        let x = Tensor([1, 2] as [Float], [2])
        let copy = x.copied()
        let view = x.reshape([1, 2])
        x.fill(5)
        #expect(copy.floats() == [1, 2])
        #expect(view.floats() == [5, 5])
    }

    @Test func assignmentConvertsAndBroadcasts() {
        let x = Tensor.zeros([2, 2])
        x.assign(Tensor([1.5, 2.5] as [Double], [2]))
        expectValues(x, [1.5, 2.5, 1.5, 2.5])
        #expect(x.dtype == .float32)
    }

    @Test func samplesHaveTheRightMoments() {
        let generator = RandomGenerator(seed: 3)
        let uniform = Tensor.uniform([20_000], from: -1, to: 3, generator: generator).doubles()
        #expect(uniform.allSatisfy { -1 <= $0 && $0 < 3 })
        #expect(abs(uniform.reduce(0, +) / 20_000 - 1) < 0.05)
        let normal = Tensor.normal(
            [20_000], mean: 2, standardDeviation: 0.5, dtype: .float64, generator: generator)
        #expect(abs(normal.mean().item() - 2) < 0.02)
        #expect(abs(normal.variance([0], correction: 1).item() - 0.25) < 0.02)
    }
}
