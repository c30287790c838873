/// The containers and codecs that are read.
public enum AudioFormat: String, Sendable, CaseIterable {
    case wav
    case flac
    case mp3
    /// Vorbis in an OGG container.
    case vorbis
    /// Opus in an OGG container.
    case opus
}

/// What the header of an audio file says.
public struct AudioInfo: Sendable, Equatable {
    /// The container and codec.
    public let format: AudioFormat
    /// Samples per second of one channel, in Hz.
    public let samplingRate: Int
    /// The number of channels.
    public let channels: Int
    /// Samples of one channel, at the file's own rate.
    public let frames: Int

    /// The length in seconds.
    public var duration: Double { Double(frames) / Double(samplingRate) }

    /// Describes a file.
    public init(format: AudioFormat, samplingRate: Int, channels: Int, frames: Int) {
        self.format = format
        self.samplingRate = samplingRate
        self.channels = channels
        self.frames = frames
    }
}
