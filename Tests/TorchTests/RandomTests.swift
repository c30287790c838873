import Testing
import Torch

@Suite struct RandomTests {
    private func draw(_ generator: RandomGenerator) -> [Float] {
        // Odd lengths leave half-used pairs of normal samples behind in the generator.
        Tensor.normal([7], generator: generator).floats()
            + Tensor.uniform([33], generator: generator).floats()
    }

    @Test func theSameSeedGivesTheSameNumbers() {
        let first = RandomGenerator(seed: 42)
        let numbers = draw(first)
        #expect(draw(RandomGenerator(seed: 42)) == numbers)
        #expect(draw(RandomGenerator(seed: 43)) != numbers)
        #expect(draw(first) != numbers)
        first.seed(42)
        #expect(draw(first) == numbers)
    }

    @Test func aRestoredStateContinuesBitForBit() {
        let generator = RandomGenerator(seed: 1)
        _ = draw(generator)
        let state = generator.state
        #expect(!state.isEmpty)
        let following = [draw(generator), draw(generator)]
        let other = RandomGenerator(seed: 9)
        other.state = state
        #expect([draw(other), draw(other)] == following)
        #expect(other.state == generator.state)
    }

    @Test func generatorsAreIndependent() {
        let a = RandomGenerator(seed: 5)
        let b = RandomGenerator(seed: 5)
        _ = draw(b)
        #expect(draw(a) == draw(RandomGenerator(seed: 5)))
    }

    @Test func aForeignStateIsAnError() {
        let generator = RandomGenerator(seed: 1)
        let before = generator.state
        let error = #expect(throws: TorchError.self) {
            try withTorchErrors { generator.state = [1, 2, 3] }
        }
        #expect(error?.message.hasPrefix("set generator state of 3 bytes: ") == true)
        #expect(generator.state == before)
    }

    /// In a process of its own: other tests may draw from the standard generator meanwhile.
    @Test func dropoutDrawsFromTheStandardGenerator() async {
        await #expect(processExitsWith: .success) {
            let x = Tensor.ones([1000])
            let standard = RandomGenerator.standard()
            standard.seed(7)
            let state = standard.state
            let first = x.dropout(0.25).floats()
            let second = x.dropout(0.25).floats()
            #expect(first != second)
            standard.state = state
            #expect(x.dropout(0.25).floats() == first)
            #expect(x.dropout(0.25).floats() == second)
            // Another object for the same generator.
            RandomGenerator.standard().seed(7)
            #expect(x.dropout(0.25).floats() == first)

            #expect(Set(first) == [0, 1 / 0.75])
            let dropped = first.filter { $0 == 0 }.count
            #expect(180..<320 ~= dropped)
            // A generator of one's own does not disturb the standard one.
            standard.state = state
            _ = Tensor.normal([10], generator: RandomGenerator(seed: 7))
            #expect(x.dropout(0.25).floats() == first)
        }
    }
}
