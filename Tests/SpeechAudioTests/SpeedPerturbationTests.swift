import Foundation
import SpeechAudio
import SpeechCore
import Testing

@Suite("Changing the speed")
struct SpeedPerturbationTests {
    @Test("the length is the ceiling of the exact one", arguments: [0.5, 0.9, 1.0, 1.1, 2.0])
    func lengths(factor: Double) throws {
        for count in [1, 2, 9, 10, 11, 1000, 16_001] {
            let output = try SpeedPerturbation.apply(
                [Float](repeating: 0.5, count: count), factor: factor)
            // Factors are counted in thousandths, so that nothing depends on how 0.9 is stored.
            let parts = Int((factor * 1000).rounded())
            #expect(output.count == (count * 1000 + parts - 1) / parts)
            #expect(output.count == SpeedPerturbation.outputCount(of: count, factor: factor))
            #expect(output.allSatisfy { $0.isFinite })
        }
        #expect(SpeedPerturbation.outputCount(of: 9, factor: 0.9) == 10)
        #expect(SpeedPerturbation.outputCount(of: 10, factor: 0.9) == 12)
        #expect(try SpeedPerturbation.apply([], factor: factor) == [])
    }

    @Test("a tone rises and falls with the speed", arguments: [0.9, 1.1])
    func tone(factor: Double) throws {
        let output = try SpeedPerturbation.apply(
            sine(1000, rate: 16_000, seconds: 0.5), factor: factor)
        let expected = sine(1000 * factor, rate: 16_000, seconds: 0.5 / factor)
        let middle = 1000..<6000
        #expect(largestDifference(Array(output[middle]), Array(expected[middle])) < 1e-5)
    }

    @Test("a speed of 1 returns the samples, and equal ones give equal ones")
    func identity() throws {
        let samples = sine(300, rate: 16_000, seconds: 0.1)
        #expect(try SpeedPerturbation.apply(samples, factor: 1) == samples)
        let twice = try (0..<2).map { _ in try SpeedPerturbation.apply(samples, factor: 0.9) }
        #expect(twice[0] == twice[1])
    }
}
