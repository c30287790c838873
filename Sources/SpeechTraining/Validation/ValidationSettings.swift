internal import Foundation

/// What an utterance must be like to be kept.
public struct ValidationSettings: Sendable, Equatable, Encodable {
    /// Whether audio is read; without it durations are taken from the manifest.
    public var checksAudio = true
    /// Whether an utterance without a text is lost.
    public var requiresText = false
    /// The shortest utterance, in seconds, as `dataset.min_duration` has it.
    public var minDuration = 0.5
    /// The longest utterance, in seconds; nil for any length: training takes a window of long ones.
    public var maxDuration: Double?
    /// Seconds that a file may be longer than the manifest says, where it is not cut into segments.
    ///
    /// It may not be shorter by more than `AudioReader.segmentTolerance`: loading would fail.
    public var durationTolerance = 0.1
    /// Frames below this many dBFS are silent: what 16 bits hold as ±33 steps.
    public var silenceLevel = -60.0
    /// The largest share of silent samples, 0 to 1.
    public var maxSilence = 0.9
    /// The largest share of samples in runs at full scale, 0 to 1.
    public var maxClipping = 0.01
    /// The largest share of letters in scripts that the language is not written in, 0 to 1.
    public var maxForeign = 0.5
    /// Reasons that cost no utterance; nothing is checked for them.
    public var ignored: Set<ValidationReason> = []

    /// The defaults.
    public init() {}

    private enum CodingKeys: String, CodingKey {
        case checksAudio = "checks_audio"
        case requiresText = "requires_text"
        case minDuration = "min_duration"
        case maxDuration = "max_duration"
        case durationTolerance = "duration_tolerance"
        case silenceLevel = "silence_level"
        case maxSilence = "max_silence"
        case maxClipping = "max_clipping"
        case maxForeign = "max_foreign"
        case ignored
    }

    /// Writes every setting, ignored reasons in their order.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(checksAudio, forKey: .checksAudio)
        try container.encode(requiresText, forKey: .requiresText)
        try container.encode(minDuration, forKey: .minDuration)
        try container.encode(maxDuration, forKey: .maxDuration)
        try container.encode(durationTolerance, forKey: .durationTolerance)
        try container.encode(silenceLevel, forKey: .silenceLevel)
        try container.encode(maxSilence, forKey: .maxSilence)
        try container.encode(maxClipping, forKey: .maxClipping)
        try container.encode(maxForeign, forKey: .maxForeign)
        try container.encode(
            ValidationReason.allCases.filter(ignored.contains), forKey: .ignored)
    }
}

/// A number in a message: as many digits as it needs, up to three behind the point.
func plain(_ value: Double) -> String {
    let text = String(format: "%.3f", value)
    let trimmed = text.contains(".") ? text.reversed().drop { $0 == "0" } : text.reversed()[...]
    let digits = String(trimmed.first == "." ? trimmed.dropFirst().reversed() : trimmed.reversed())
    return digits == "-0" ? "0" : digits
}
