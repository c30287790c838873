import Foundation
import SpeechAudio
import SpeechCore
import Testing

@Suite("Recording conditions")
struct RecordingConditionsTests {
    private func conditions(
        noise: Double, rooms: Double, snr: ClosedRange<Double> = 10...10, seed: UInt64 = 1
    ) -> RecordingConditions {
        RecordingConditions(
            CorpusDesign(
                languages: ["es"], minutesPerLanguage: 1, noise: noise, signalToNoise: snr,
                rooms: rooms),
            SeededGenerator(seed: seed))
    }

    private func power(_ samples: some Sequence<Float>) -> Double {
        samples.reduce(0) { $0 + Double($1) * Double($1) }
    }

    /// A second and a half of a tone.
    private let tone = (0..<24_000).map { 0.3 * sin(Float($0) * 0.13) }

    @Test("without a room and noise the samples stay as they are")
    func dry() {
        let none = conditions(noise: 0, rooms: 0)
        #expect(none.room == nil && none.noise == nil)
        #expect(none.apply(tone, samplingRate: 16_000) == tone)
    }

    @Test("noise has the ratio that was asked for")
    func ratio() {
        let noisy = conditions(noise: 1, rooms: 0)
        let heard = noisy.apply(tone, samplingRate: 16_000)
        #expect(heard.count == tone.count)
        let noise = zip(heard, tone).map { $0 - $1 }
        #expect(abs(10 * log10(power(tone) / power(noise)) - 10) < 0.01)
        #expect(noisy.apply(tone, samplingRate: 16_000) == heard)
        let other = conditions(noise: 1, rooms: 0, seed: 2).apply(tone, samplingRate: 16_000)
        #expect(other != heard)
    }

    @Test("loud noise is not clipped")
    func loud() {
        let heard = conditions(noise: 1, rooms: 1, snr: -20 ... -20)
            .apply(tone, samplingRate: 16_000)
        let peak = heard.reduce(0) { max($0, abs($1)) }
        #expect(peak > 0.9 && peak < 1)
    }

    @Test("shares are those of the design, and noise does not depend on rooms")
    func shares() {
        var rooms = 0
        var both = 0
        for seed in UInt64(0)..<400 {
            let drawn = conditions(noise: 0.5, rooms: 0.25, snr: 0...20, seed: seed)
            rooms += drawn.room == nil ? 0 : 1
            both += drawn.room != nil && drawn.noise != nil ? 1 : 0
            #expect((drawn.noise?.signalToNoise).map { (0...20).contains($0) } ?? true)
            let without = conditions(noise: 0.5, rooms: 0, snr: 0...20, seed: seed)
            #expect(without.noise == drawn.noise)
        }
        #expect((75...125).contains(rooms) && (30...70).contains(both))
    }

    @Test("noise falls with its slope", arguments: [0, 0.75, 1.5] as [Double])
    func slope(expected: Double) throws {
        // A slope that is near the one asked for; the sequence of seeds is fixed.
        let seed = try #require(
            (UInt64(0)..<400).first { seed in
                let slope = conditions(noise: 1, rooms: 0, seed: seed).noise?.slope ?? 9
                return abs(slope - expected) < 0.02
            })
        let noise = try #require(conditions(noise: 1, rooms: 0, seed: seed).noise)
        var generator = SeededGenerator(seed: 5)
        let count = 16_384
        // A window, as the low frequencies of brown noise would leak into the others.
        let samples = noise.samples(count, samplingRate: 16_000, &generator).enumerated().map {
            Double($1) * (1 - cos(2 * .pi * Double($0) / Double(count)))
        }
        // The power near 250 Hz over that near 1000 Hz: two octaves.
        func level(_ center: Double) -> Double {
            (0..<40).reduce(0) { sum, index in
                let frequency = center * (0.7 + 0.015 * Double(index)) * 2 * .pi / 16_000
                var (real, imaginary) = (0.0, 0.0)
                for (place, sample) in samples.enumerated() {
                    real += sample * cos(frequency * Double(place))
                    imaginary += sample * sin(frequency * Double(place))
                }
                return sum + real * real + imaginary * imaginary
            }
        }
        let found = log2(level(250) / level(1000)) / 2
        #expect(abs(found - expected) < 0.35, "\(found)")
    }

    @Test("echoes of a room decay by 60 dB in its reverberation time")
    func decay() throws {
        for seed in UInt64(0)..<20 {
            let room = try #require(conditions(noise: 0, rooms: 1, seed: seed).room)
            var generator = SeededGenerator(seed: seed)
            let response = room.impulseResponse(samplingRate: 16_000, &generator)
            #expect(response[0] == 1 && response.dropFirst().allSatisfy { abs($0) < 1 })
            // The energy that is still to come (Schroeder), between a quarter and a half of the time.
            let count = Double(response.count)
            let early = power(response.dropFirst(Int(0.25 * count)))
            let late = power(response.dropFirst(Int(0.5 * count)))
            #expect(abs(10 * log10(early / late) - 15) < 2)
            // Reflections come on top of the late echoes, whose level is known.
            let echoes = power(response.dropFirst())
            #expect(-10 * log10(echoes) < room.directToReverberant + 0.5)
        }
    }
}
