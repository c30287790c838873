import SpeechCore
import TestSupport
import Testing

@Suite struct SegmentShuffleTests {
    private func shuffle(
        _ count: Int, rate: Int = 16_000, seconds: ClosedRange<Double> = 0.08...0.2,
        seed: UInt64 = 1
    ) -> [Float] {
        var generator = SeededGenerator(seed: seed)
        return SegmentShuffle.apply(
            (0..<count).map(Float.init), samplingRate: rate, seconds: seconds, using: &generator)
    }

    /// Runs of neighbouring samples: where each begins and its length.
    private func segments(_ waveform: [Float]) -> [(start: Int, count: Int)] {
        var segments: [(start: Int, count: Int)] = []
        for (index, sample) in waveform.enumerated() {
            if index > 0, sample == waveform[index - 1] + 1 {
                segments[segments.count - 1].count += 1
            } else {
                segments.append((Int(sample), 1))
            }
        }
        return segments
    }

    @Test func everySampleStays() {
        let shuffled = shuffle(48_000)
        #expect(shuffled.sorted() == (0..<48_000).map(Float.init))
        let segments = segments(shuffled).sorted { $0.start < $1.start }
        // Two that happen to stay together look like one.
        #expect((15...38).contains(segments.count))
        #expect(segments.dropLast().allSatisfy { $0.count >= 1280 })
        #expect(segments.filter { $0.count > 3201 }.count <= 3)
        #expect(Set(segments.map(\.count)).count > 10)
    }

    @Test func theSeedDecides() {
        #expect(shuffle(20_000) == shuffle(20_000))
        #expect(shuffle(20_000) != shuffle(20_000, seed: 2))
    }

    /// The same clip at another sampling rate is cut at the same times.
    @Test func samplingRatesAgree() {
        let fast = segments(shuffle(48_000)).map { Double($0.start) / 16_000 }
        let slow = segments(shuffle(24_000, rate: 8_000)).map { Double($0.start) / 8_000 }
        expectClose(slow, fast, within: 2e-4)
    }

    @Test func shortClipsStayAsTheyAre() {
        #expect(shuffle(0).isEmpty)
        #expect(shuffle(1) == [0])
        #expect(shuffle(1200) == (0..<1200).map(Float.init))
        // Segments of one length: only the rest is shorter.
        let even = segments(shuffle(10_000, seconds: 0.1...0.1))
        #expect(even.allSatisfy { $0.count % 1600 == 0 || $0.start + $0.count == 10_000 })
    }
}
