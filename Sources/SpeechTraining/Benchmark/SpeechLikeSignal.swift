import Foundation
import SpeechCore

/// Sound that codecs find about as hard as speech: voiced syllables with moving formants, hissing
/// consonants between them, and pauses.
enum SpeechLikeSignal {
    /// Makes `seconds` of it at a rate in Hz, the same for equal seeds.
    static func make(seconds: Double, samplingRate: Int, seed: UInt64) -> [Float] {
        var generator = SeededGenerator(seed: seed)
        let rate = Double(samplingRate)
        let count = Int((seconds * rate).rounded())
        var samples: [Float] = []
        samples.reserveCapacity(count)
        var formants = [Resonator(), Resonator(), Resonator()]
        var phase = 0.0
        while samples.count < count {
            let kind = generator.uniform()
            let length = max(1, Int((0.06 + 0.18 * generator.uniform()) * rate))
            let pitch = 90 + 130 * generator.uniform()
            let isVoiced = kind < 0.6
            let loudness = kind < 0.85 ? 0.3 + 0.7 * generator.uniform() : 0.003
            for (index, base) in [300.0, 900, 2300].enumerated() {
                let frequency = base * (0.8 + 1.2 * generator.uniform()) * (isVoiced ? 1 : 1.5)
                formants[index].tune(frequency, width: 60 + 0.08 * frequency, rate: rate)
            }
            for place in 0..<min(length, count - samples.count) {
                // Pulses of the glottis fall in pitch over a syllable; breath is noise.
                phase += pitch * (1.1 - 0.2 * Double(place) / Double(length)) / rate
                let pulse = phase >= 1 ? 1.0 : 0
                phase -= phase.rounded(.down)
                let breath = generator.uniform() - 0.5
                let source = isVoiced ? pulse + 0.02 * breath : 0.3 * breath
                let edge = sin(Double.pi * (Double(place) + 0.5) / Double(length))
                var value = 0.0
                for index in formants.indices { value += formants[index].filter(source) }
                samples.append(Float(0.12 * loudness * edge * value))
            }
        }
        let loudest = samples.reduce(Float(0.5)) { max($0, abs($1)) }
        return samples.map { $0 * 0.5 / loudest }
    }

    /// A filter of two poles.
    private struct Resonator {
        private var (first, second) = (0.0, 0.0)
        private var (a, b, gain) = (0.0, 0.0, 0.0)

        mutating func tune(_ frequency: Double, width: Double, rate: Double) {
            let radius = exp(-Double.pi * width / rate)
            a = 2 * radius * cos(2 * Double.pi * min(frequency, 0.45 * rate) / rate)
            b = -radius * radius
            gain = (1 - radius) * 8
        }

        mutating func filter(_ value: Double) -> Double {
            let output = gain * value + a * first + b * second
            (first, second) = (output, first)
            return output
        }
    }
}
