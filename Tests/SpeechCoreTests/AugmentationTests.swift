import Foundation
import SpeechCore
import TestSupport
import Testing

private func noise(_ count: Int, seed: UInt64) -> [Float] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in Float(generator.uniform() - 0.5) }
}

@Suite struct FFTConvolutionTests {
    private func direct(_ signal: [Float], _ response: [Float]) -> [Float] {
        var sums = [Double](repeating: 0, count: signal.count + response.count - 1)
        for (place, sample) in signal.enumerated() {
            for (delay, weight) in response.enumerated() {
                sums[place + delay] += Double(sample) * Double(weight)
            }
        }
        return sums.map { Float($0) }
    }

    /// Blocks of one transform, of several, an incomplete last one; transforms of three lengths.
    @Test(
        arguments: [1, 2, 127, 128, 129, 1100, 3000], [1, 2, 100, 128, 129, 700])
    func equalsTheDirectSum(signalCount: Int, responseCount: Int) {
        let signal = noise(signalCount, seed: 1)
        let response = noise(responseCount, seed: 2)
        let convolution = FFTConvolution(response)
        #expect(convolution.responseCount == responseCount && convolution.byteCount > 0)
        let expected = direct(signal, response)
        expectClose(convolution(signal), expected, within: 1e-6)
        let whole = expected.count
        for kept in [0..<whole, whole / 3..<whole / 2 + 1, whole - 1..<whole, 0..<0] {
            #expect(convolution(signal, kept: kept) == Array(convolution(signal)[kept]))
        }
    }

    @Test func nothingStaysNothing() {
        #expect(FFTConvolution([1, 2])([]) == [])
    }

    @Test func anImpulseIsADelay() {
        let signal = noise(5000, seed: 3)
        let delayed = FFTConvolution([0, 0, 0, -2])(signal)
        expectClose(delayed, [0, 0, 0] + signal.map { -2 * $0 }, within: 1e-6)
    }
}

@Suite struct NoiseMixerTests {
    private func ratio(_ waveform: [Float], _ mixed: [Float]) -> Double {
        let added = zip(mixed, waveform).map { $0 - $1 }
        return 10 * log10(NoiseMixer.power(waveform) / NoiseMixer.power(added))
    }

    /// Noise that is longer, as long and shorter than the clip.
    @Test(arguments: [50_000, 16_000, 700, 1], [-10.0, 0, 7.5, 30])
    func theRatioIsReached(noiseCount: Int, decibels: Double) {
        let waveform = noise(16_000, seed: 1).map { $0 * 0.2 }
        var generator = SeededGenerator(seed: 5)
        let mixed = NoiseMixer.mix(
            noise(noiseCount, seed: 2), into: waveform, signalToNoise: decibels,
            using: &generator)
        #expect(mixed.count == waveform.count)
        expectClose(ratio(waveform, mixed), decibels, within: 1e-3)
    }

    @Test func shortNoiseIsRepeatedFromARandomPlace() {
        let waveform = [Float](repeating: 0.5, count: 40)
        let sound: [Float] = [1, 2, 3, 4, 5]
        var firsts: Set<Int> = []
        for seed in 0..<40 {
            var generator = SeededGenerator(seed: UInt64(seed))
            let mixed = NoiseMixer.mix(
                sound, into: waveform, signalToNoise: 0, using: &generator)
            let gain = mixed.reduce(0) { $0 + $1 - 0.5 } / 40 / 3
            let added = mixed.map { Int((($0 - 0.5) / gain).rounded()) }
            firsts.insert(added[0])
            #expect(zip(added, added.dropFirst()).allSatisfy { $1 == $0 % 5 + 1 })
        }
        #expect(firsts == [1, 2, 3, 4, 5])
    }

    @Test func longNoiseIsCutAnywhere() {
        // Noise that tells its own place.
        let sound = (0..<100).map { Float($0 + 1) }
        var starts: Set<Int> = []
        for seed in 0..<400 {
            var generator = SeededGenerator(seed: UInt64(seed))
            let mixed = NoiseMixer.mix(
                sound, into: [1, -1], signalToNoise: 0, using: &generator)
            // second / first = (start + 2) / (start + 1)
            let ratio = Double(mixed[1] + 1) / Double(mixed[0] - 1)
            starts.insert(Int((1 / (ratio - 1)).rounded()) - 1)
        }
        #expect(starts.min() ?? 9 <= 3 && starts.max() ?? 0 >= 90)
        #expect(starts.allSatisfy { (0...99).contains($0) })
    }

    @Test func silenceIsLeftAlone() {
        let sound = noise(100, seed: 1)
        let silence = [Float](repeating: 0, count: 50)
        var generator = SeededGenerator(seed: 1)
        func mix(_ noise: [Float], _ waveform: [Float]) -> [Float] {
            NoiseMixer.mix(noise, into: waveform, signalToNoise: 0, using: &generator)
        }
        #expect(mix([], sound) == sound)
        #expect(mix(sound, []) == [])
        #expect(mix(silence, sound) == sound)
        #expect(mix(sound, silence) == silence)
        // Hardly anything is something.
        let faint = [Float](repeating: .leastNonzeroMagnitude, count: 100)
        let mixed = mix(faint, sound)
        #expect(mixed.allSatisfy { $0.isFinite } && mixed != sound)
    }

    @Test func theGeneratorDecides() {
        let (waveform, sound) = (noise(500, seed: 1), noise(2000, seed: 2))
        func mix(seed: UInt64) -> [Float] {
            var generator = SeededGenerator(seed: seed)
            return NoiseMixer.mix(sound, into: waveform, signalToNoise: 3, using: &generator)
        }
        #expect(mix(seed: 1) == mix(seed: 1))
        #expect(mix(seed: 1) != mix(seed: 2))
    }
}

@Suite struct ReverberationTests {
    /// A direct path after a delay, and echoes that die away.
    private func response(_ count: Int, delay: Int, sign: Float = 1) -> [Float] {
        var samples = noise(count, seed: 9).enumerated().map { place, sample in
            place < delay ? 0 : sample * Float(exp(-6 * Double(place - delay) / Double(count)))
        }
        samples[delay] = 1.5 * sign
        return samples
    }

    /// The shift at which two signals are most alike.
    private func peak(_ first: [Float], _ second: [Float]) -> Int {
        (-300...300).max { left, right in
            correlation(first, second, left) < correlation(first, second, right)
        } ?? 999
    }

    private func correlation(_ first: [Float], _ second: [Float], _ shift: Int) -> Double {
        var sum = 0.0
        for place in max(0, -shift)..<min(first.count, second.count - shift) {
            sum += Double(first[place]) * Double(second[place + shift])
        }
        return abs(sum)
    }

    @Test(arguments: [0, 1, 80, 250], [Float(1), -1])
    func timeLengthAndPowerAreKept(delay: Int, sign: Float) throws {
        let waveform = noise(4000, seed: 1)
        let room = try #require(
            Reverberation(impulseResponse: response(800, delay: delay, sign: sign)))
        let heard = room(waveform)
        #expect(heard.count == waveform.count && heard != waveform)
        #expect(peak(waveform, heard) == 0)
        expectClose(
            NoiseMixer.power(heard) / NoiseMixer.power(waveform), 1, within: 1e-6)
    }

    @Test func aPureDelayChangesNothing() throws {
        let waveform = noise(1000, seed: 1)
        let delay = [Float](repeating: 0, count: 77) + [0.3, 0, 0]
        let room = try #require(Reverberation(impulseResponse: delay))
        expectClose(room(waveform), waveform, within: 1e-6)
        #expect(room.byteCount > 0)
    }

    @Test func echoesFollowTheSound() throws {
        var click = [Float](repeating: 0, count: 100)
        click[40] = 1
        let room = try #require(Reverberation(impulseResponse: [0, 0, 1, 0, 0.5]))
        let heard = room(click)
        let gain = Float(1 / (1.25 as Double).squareRoot())
        var expected = [Float](repeating: 0, count: 100)
        (expected[40], expected[42]) = (gain, 0.5 * gain)
        expectClose(heard, expected, within: 1e-6)
    }

    @Test func responsesLongerThanTheClip() throws {
        let room = try #require(Reverberation(impulseResponse: response(5000, delay: 300)))
        for count in [1, 2, 100, 299] {
            let waveform = noise(count, seed: 4)
            let heard = room(waveform)
            #expect(heard.count == count && heard.allSatisfy { $0.isFinite })
            expectClose(
                NoiseMixer.power(heard) / NoiseMixer.power(waveform), 1, within: 1e-6)
        }
    }

    @Test func silence() throws {
        #expect(Reverberation(impulseResponse: []) == nil)
        #expect(Reverberation(impulseResponse: [0, 0]) == nil)
        let room = try #require(Reverberation(impulseResponse: response(100, delay: 3)))
        #expect(room([]) == [])
        let silence = [Float](repeating: 0, count: 300)
        #expect(room(silence) == silence)
    }
}

@Suite struct SpecAugmentTests {
    private func features(_ rows: Int, _ width: Int, validRows: Int? = nil) -> ClipFeatures {
        ClipFeatures(
            values: [Float](repeating: 1, count: rows * width), rows: rows, width: width,
            validRows: validRows)
    }

    private func masked(
        _ augment: SpecAugment, _ features: ClipFeatures, seed: UInt64 = 1
    ) -> ClipFeatures {
        var generator = SeededGenerator(seed: seed)
        return augment(features, using: &generator)
    }

    /// Rows and columns that are 0 throughout the valid rows.
    private func zeros(_ features: ClipFeatures) -> (rows: [Int], columns: [Int]) {
        let width = features.width
        func isZero(_ row: Int, _ column: Int) -> Bool {
            features.values[row * width + column] == 0
        }
        return (
            (0..<features.rows).filter { row in (0..<width).allSatisfy { isZero(row, $0) } },
            (0..<width).filter { column in
                (0..<features.validRows).allSatisfy { isZero($0, column) }
            }
        )
    }

    @Test func nothingIsMaskedByDefault() {
        var generator = SeededGenerator(seed: 1)
        let clip = features(100, 80)
        #expect(SpecAugment()(clip, using: &generator) == clip)
        #expect(generator == SeededGenerator(seed: 1))
    }

    /// Whole spans, in both directions, and nothing but them.
    @Test func spansAreWhole() {
        let augment = SpecAugment(
            maskTimeProb: 0.3, maskTimeLength: 7, maskFeatureProb: 0.2, maskFeatureLength: 4)
        for seed in 0..<50 {
            let result = masked(augment, features(90, 40), seed: UInt64(seed))
            let (rows, columns) = zeros(result)
            #expect(rows.count >= 7 && columns.count >= 4)
            for (found, length, end) in [(rows, 7, 90), (columns, 4, 40)] {
                var run = 0
                for place in 0...end {
                    if place < end, found.contains(place) {
                        run += 1
                    } else {
                        #expect(run == 0 || run >= length)
                        run = 0
                    }
                }
            }
            let count = result.values.filter { $0 == 0 }.count
            let unmasked = (90 - rows.count) * (40 - columns.count)
            #expect(count == 90 * 40 - unmasked)
        }
    }

    /// ⌊p · N / length + u⌋ spans on average, as long as none overlap.
    @Test func theShareIsThatOfTransformers() {
        let clip = features(1000, 2)
        let one = SpecAugment(maskTimeProb: 0.0125, maskTimeLength: 10, maskTimeMinMasks: 0)
        let counts = (0..<2000).map { zeros(masked(one, clip, seed: UInt64($0))).rows.count }
        // 1.25 spans: one in three clips out of four, two in the fourth.
        #expect(counts.allSatisfy { (10...20).contains($0) })
        let mean = Double(counts.reduce(0, +)) / 2000
        expectClose(mean, 12.5, within: 0.4)
        let least = SpecAugment(maskTimeProb: 1e-9, maskTimeLength: 10, maskTimeMinMasks: 3)
        #expect(zeros(masked(least, clip)).rows.count > 10)
        // Spans fill the clip at most once, and start at different places.
        let all = SpecAugment(maskTimeProb: 1, maskTimeLength: 1)
        #expect(zeros(masked(all, clip)).rows.count == 1000)
        let many = SpecAugment(maskTimeProb: 0.1, maskTimeLength: 500, maskTimeMinMasks: 99)
        #expect(zeros(masked(many, clip)).rows.count > 500)
    }

    @Test func onlyWhatIsNoPaddingIsMasked() {
        let augment = SpecAugment(
            maskTimeProb: 1, maskTimeLength: 5, maskFeatureProb: 1, maskFeatureLength: 1)
        let result = masked(augment, features(60, 8, validRows: 50))
        #expect(result.rows == 60 && result.validRows == 50 && result.width == 8)
        #expect(result.values.prefix(400).allSatisfy { $0 == 0 })
        #expect(result.values.suffix(80).allSatisfy { $0 == 1 })
    }

    @Test func whatIsTooSmallIsLeftAlone() {
        let augment = SpecAugment(
            maskTimeProb: 1, maskTimeLength: 10, maskFeatureProb: 1, maskFeatureLength: 10)
        #expect(masked(augment, features(9, 9)) == features(9, 9))
        #expect(masked(augment, features(0, 9)) == features(0, 9))
        // Samples are no features.
        #expect(masked(augment, features(500, 1)) == features(500, 1))
    }

    @Test func theGeneratorDecides() {
        let augment = SpecAugment(maskTimeProb: 0.2, maskFeatureProb: 0.2)
        let clip = features(300, 80)
        #expect(masked(augment, clip, seed: 3) == masked(augment, clip, seed: 3))
        #expect(masked(augment, clip, seed: 3) != masked(augment, clip, seed: 4))
    }
}
