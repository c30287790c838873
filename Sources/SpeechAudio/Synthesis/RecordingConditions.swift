internal import Foundation
package import SpeechCore

/// The room and the noise that one utterance is recorded in.
package struct RecordingConditions: Sendable {
    /// Noise whose power falls with the frequency f as 1 / f^slope.
    package struct Noise: Sendable, Equatable {
        /// dB over the whole utterance.
        package let signalToNoise: Double
        /// 0 for white noise, 1 for pink; at most 1.5.
        package let slope: Double
    }

    /// A room as its impulse response.
    package struct Room: Sendable, Equatable {
        /// Seconds in which an echo falls by 60 dB.
        package let reverberationTime: Double
        /// dB by which the direct sound has more energy than the late echoes.
        package let directToReverberant: Double
    }

    package let room: Room?
    package let noise: Noise?
    private let generator: SeededGenerator

    /// Draws the conditions of one utterance; the same numbers whichever of the two there is.
    package init(_ design: CorpusDesign, _ source: SeededGenerator) {
        var generator = source
        let hasRoom = generator.uniform() < design.rooms
        let hasNoise = generator.uniform() < design.noise
        func between(_ range: ClosedRange<Double>) -> Double {
            range.lowerBound + (range.upperBound - range.lowerBound) * generator.uniform()
        }
        let room = Room(
            reverberationTime: between(0.2...0.8), directToReverberant: between(0...12))
        let noise = Noise(signalToNoise: between(design.signalToNoise), slope: between(0...1.5))
        self.room = hasRoom ? room : nil
        self.noise = hasNoise ? noise : nil
        self.generator = generator
    }

    /// Puts speech [N] into the room and adds the noise; N samples that are not clipped.
    package func apply(_ speech: [Float], samplingRate: Int) -> [Float] {
        guard room != nil || noise != nil else { return speech }
        var generator = generator
        var samples = speech
        if let room {
            let response = room.impulseResponse(samplingRate: samplingRate, &generator)
            if let reverberation = Reverberation(impulseResponse: response) {
                samples = reverberation(samples)
            }
        }
        if let noise {
            samples = NoiseMixer.mix(
                noise.samples(samples.count, samplingRate: samplingRate, &generator),
                into: samples, signalToNoise: noise.signalToNoise, using: &generator)
        }
        let peak = samples.reduce(0) { max($0, abs($1)) }
        let limit: Float = 0.98
        return peak > limit ? samples.map { $0 * (limit / peak) } : samples
    }
}

extension RecordingConditions.Room {
    /// The impulse response: the direct sound, 1, then single reflections, and noise that decays
    /// exponentially.
    package func impulseResponse(samplingRate: Int, _ generator: inout SeededGenerator) -> [Float] {
        let rate = Double(samplingRate)
        let count = max(1, Int(reverberationTime * rate))
        // ln(1000): 60 dB are a factor of 1000 in amplitude.
        let decay = (0..<count).map {
            exp(-6.907755278982137 * Double($0) / rate / reverberationTime)
        }

        // Late echoes lose their high frequencies, and set in over 20 ms.
        var late = [Double](repeating: 0, count: count)
        let damping = 0.2 + 0.5 * generator.uniform()
        var state = 0.0
        for index in 0..<count {
            state = damping * state + (1 - damping) * generator.gaussian()
            late[index] = state * decay[index] * min(1, Double(index) / (0.02 * rate))
        }
        let energy = late.reduce(0) { $0 + $1 * $1 }
        let gain =
            energy > 0 ? (pow(10, -directToReverberant / 10) / energy).squareRoot() : 0
        var response = late.map { Float($0 * gain) }
        // Walls, floor and ceiling: as first echoes come 1 to 30 ms after the direct sound.
        for _ in 0..<6 {
            let place = Int((0.001 + 0.029 * generator.uniform()) * rate)
            let level = (0.1 + 0.4 * generator.uniform()) * (generator.uniform() < 0.5 ? -1 : 1)
            guard place > 0, place < count else { continue }
            response[place] += Float(level * decay[place])
        }
        // The loudest of all, by which the room is aligned.
        let loudest = response.reduce(0) { max($0, abs($1)) }
        if loudest >= 0.95 { response = response.map { $0 * 0.95 / loudest } }
        response[0] = 1
        return response
    }
}

extension RecordingConditions.Noise {
    /// `count` samples of any level.
    ///
    /// White noise, and low-passes of it whose corners lie two octaves apart. At each corner the gain
    /// grows by the factor by which noise of this slope does over two octaves.
    package func samples(
        _ count: Int, samplingRate: Int, _ generator: inout SeededGenerator
    ) -> [Float] {
        struct Band {
            let pole: Double
            let gain: Double
            var state = 0.0
        }
        let step = pow(2, slope)
        var bands = (0..<5).map { index -> Band in
            let corner = Double(samplingRate) / 8 * pow(0.25, Double(index))
            let pole = exp(-2 * Double.pi * corner / Double(samplingRate))
            return Band(pole: pole, gain: (1 - pole) * (step - 1) * pow(step, Double(index)))
        }
        return (0..<count).map { _ in
            let white = generator.gaussian()
            var sum = white
            for index in bands.indices {
                bands[index].state = bands[index].pole * bands[index].state + white
                sum += bands[index].gain * bands[index].state
            }
            return Float(sum)
        }
    }
}

extension SeededGenerator {
    /// About normally distributed, with mean 0 and variance 1: the sum of four numbers of 16 bits.
    fileprivate mutating func gaussian() -> Double {
        let bits = next()
        let sum = (bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + (bits >> 48)
        // Each has mean 32767.5 and variance (65536² − 1) / 12.
        return (Double(sum) - 131_070) / 37_837.2
    }
}
