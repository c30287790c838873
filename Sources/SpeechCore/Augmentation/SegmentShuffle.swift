/// Plays the segments of a clip in another order, which takes words away and leaves sounds.
///
/// DistilXLSR (arXiv 2306.01303) shuffles phonemes, so that one language's speech can stand in for
/// many; segments of 80 to 200 ms need no alignment and are an approximation of that.
public enum SegmentShuffle {
    /// Shuffles a waveform [N]; every sample stays in it.
    ///
    /// * `samplingRate`: of the waveform, in Hz.
    /// * `seconds`: the lengths that segments may have, all equally likely; what remains at the end
    ///   is shorter.
    public static func apply(
        _ waveform: [Float], samplingRate: Int, seconds: ClosedRange<Double>,
        using generator: inout SeededGenerator
    ) -> [Float] {
        // Drawn as times, so that other sampling rates of the same clip are cut at the same places.
        let duration = Double(waveform.count) / Double(samplingRate)
        var ends: [Int] = []
        var time = 0.0
        while time < duration {
            time +=
                seconds.lowerBound
                + generator.uniform() * (seconds.upperBound - seconds.lowerBound)
            ends.append(min(waveform.count, Int((time * Double(samplingRate)).rounded())))
        }
        var result: [Float] = []
        result.reserveCapacity(waveform.count)
        for segment in generator.permutation(ends.count) {
            result += waveform[(segment == 0 ? 0 : ends[segment - 1])..<ends[segment]]
        }
        return result
    }
}
