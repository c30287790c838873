/// Plays a waveform faster or slower, with its pitch, by resampling.
///
/// Ko and others, "Audio augmentation for speech recognition" (2015), as Kaldi's recipes and `sox speed`
/// do: the samples are taken for samples at `factor` times the rate. Frames of features move, so all
/// who hear a clip have to hear it at the same speed.
public enum SpeedPerturbation {
    /// The factors that there are.
    public static let factors = 0.5...2.0

    /// Parts of 1 that factors count.
    private static let resolution = 1000

    /// The number of samples that `count` samples become: ⌈count / factor⌉.
    public static func outputCount(of count: Int, factor: Double) -> Int {
        Resampler.outputCount(of: count, from: thousandths(factor), to: resolution)
    }

    /// Returns `samples` [N] at another speed, ⌈N / factor⌉ samples.
    ///
    /// * `factor`: within `factors`, counted in thousandths: 0.9 is slower, 1.1 faster; 1 returns
    ///   the samples as they are.
    /// - Throws: `AudioError.resamplingFailed` when libsoxr refuses, for example for lack of memory.
    public static func apply(
        _ samples: [Float], factor: Double, quality: Resampler.Quality = .high
    ) throws -> [Float] {
        try Resampler.resample(
            samples, from: thousandths(factor), to: resolution, quality: quality)
    }

    private static func thousandths(_ factor: Double) -> Int {
        precondition(factors.contains(factor), "a speed of \(factor)")
        return Int((factor * Double(resolution)).rounded())
    }
}
