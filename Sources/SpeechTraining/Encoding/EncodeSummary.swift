import Foundation

/// What the encoding of clips did.
public struct EncodeSummary: Encodable, Sendable, CustomStringConvertible {
    /// The file or folder that was written.
    public let output: String
    /// Clips asked for.
    public let clips: Int
    /// Clips encoded.
    public let encoded: Int
    /// Clips whose results stood in the folder already.
    public let kept: Int
    /// Clips that could not be used.
    public let skipped: Int
    /// Seconds of audio encoded.
    public let audioSeconds: Double
    /// Valid frames written.
    public let frames: Int
    /// Seconds that it took, without loading the model.
    public let seconds: Double
    /// The pace.
    public let audioSecondsPerSecond: Double

    private enum CodingKeys: String, CodingKey {
        case output, clips, encoded, kept, skipped, frames, seconds
        case audioSeconds = "audio_seconds"
        case audioSecondsPerSecond = "audio_seconds_per_second"
    }

    /// The figures; the pace follows from them.
    public init(
        output: String, clips: Int, encoded: Int, kept: Int = 0, skipped: Int = 0,
        audioSeconds: Double, frames: Int, seconds: Double
    ) {
        self.output = output
        self.clips = clips
        self.encoded = encoded
        self.kept = kept
        self.skipped = skipped
        self.audioSeconds = audioSeconds
        self.frames = frames
        self.seconds = seconds
        audioSecondsPerSecond = seconds > 0 ? audioSeconds / seconds : 0
    }

    /// One line for a person.
    public var description: String {
        var text = "\(encoded) clips encoded, \(ProgressState.duration(audioSeconds)) of audio in "
        text += ProgressState.duration(seconds)
        text += String(format: " (%.1f audio-s/s)", audioSecondsPerSecond)
        if kept > 0 { text += ", \(kept) kept" }
        if skipped > 0 { text += ", \(skipped) skipped (skipped.jsonl)" }
        return text + ": \(output)"
    }
}
