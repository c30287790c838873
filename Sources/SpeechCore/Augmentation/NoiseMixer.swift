import Foundation

/// Adds noise to a waveform.
public enum NoiseMixer {
    /// Adds noise so loud that the waveform's power is `signalToNoise` dB above the noise's.
    ///
    /// Of noise longer than the waveform a part is taken, shorter noise is repeated; both begin at a
    /// random place. Powers are means of squares over the whole waveform and over the noise that is
    /// added. Where either of them is 0 there is no such ratio, and the waveform stays as it is. Nothing
    /// is clipped.
    ///
    /// * `noise`: samples at the waveform's rate, any number of them.
    /// * `waveform`: samples [N].
    /// * `generator`: draws the place, one number.
    /// - Returns: as many samples as the waveform has.
    public static func mix(
        _ noise: [Float], into waveform: [Float], signalToNoise: Double,
        using generator: inout SeededGenerator
    ) -> [Float] {
        guard !noise.isEmpty, !waveform.isEmpty else { return waveform }
        let isCut = noise.count > waveform.count
        var place = generator.uniform(below: isCut ? noise.count - waveform.count + 1 : noise.count)
        let added = waveform.indices.map { _ in
            defer { place = place + 1 == noise.count ? 0 : place + 1 }
            return noise[place]
        }
        let ratio = power(waveform) / power(added) / pow(10, signalToNoise / 10)
        guard ratio.isFinite, ratio > 0 else { return waveform }
        let gain = ratio.squareRoot()
        return zip(waveform, added).map { Float(Double($0) + gain * Double($1)) }
    }

    /// The mean of the squares of samples, 0 of none.
    public static func power(_ samples: [Float]) -> Double {
        guard !samples.isEmpty else { return 0 }
        return samples.reduce(0) { $0 + Double($1) * Double($1) } / Double(samples.count)
    }
}
