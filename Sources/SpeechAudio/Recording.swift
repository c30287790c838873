/// Audio as it was decoded, at the rate of its file.
public struct Recording: Sendable, Equatable {
    /// The mean of the channels [samples], full scale ±1.
    public let samples: [Float]
    /// Samples per second, in Hz.
    public let samplingRate: Int
    /// Frames of the whole file, of which `samples` may be a segment.
    public let fileFrames: Int

    /// The length of `samples` in seconds.
    public var duration: Double { Double(samples.count) / Double(samplingRate) }
    /// The length of the file in seconds.
    public var fileDuration: Double { Double(fileFrames) / Double(samplingRate) }

    /// Joins samples and what is known of their file.
    public init(samples: [Float], samplingRate: Int, fileFrames: Int) {
        precondition(samplingRate > 0, "a sampling rate of \(samplingRate)")
        self.samples = samples
        self.samplingRate = samplingRate
        self.fileFrames = fileFrames
    }
}
