/// Why an utterance is not fit for training.
///
/// The order is that of the list: hours are counted as lost to the first reason that an utterance has.
public enum ValidationReason: String, Sendable, CaseIterable, Codable, CodingKeyRepresentable {
    /// The line of the manifest cannot be read.
    case badLine = "bad-line"
    /// The audio is missing, damaged, cut short or of no format that is read.
    case unreadable
    /// The manifest gives another duration than the file has, or a segment beyond its end.
    case wrongDuration = "wrong-duration"
    /// Shorter than `minDuration`.
    case tooShort = "too-short"
    /// Longer than `maxDuration`.
    case tooLong = "too-long"
    /// Nothing, or almost nothing, is to be heard.
    case silence
    /// Much of the waveform is cut off at full scale.
    case clipping
    /// A text without a letter or number, or none where one is required.
    case emptyText = "empty-text"
    /// A text in another script than its language has.
    case foreignScript = "foreign-script"
    /// A word with letters of several alphabets that look alike.
    case mixedScript = "mixed-script"
    /// A character that the vocabulary lacks.
    case unknownSymbol = "unknown-symbol"
    /// More targets than CTC can place on the frames of the clip.
    case tooManyTargets = "too-many-targets"
    /// An id that an earlier utterance has.
    case duplicateID = "duplicate-id"
    /// The very audio of an earlier utterance, whatever the file.
    case duplicateAudio = "duplicate-audio"

    /// The place in the list.
    var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

/// One thing that is wrong with an utterance.
public struct ValidationFinding: Sendable, Equatable, Encodable {
    /// What is wrong.
    public let reason: ValidationReason
    /// What was expected.
    public let expected: String
    /// What was found.
    public let found: String

    /// Names what was expected and found.
    public init(_ reason: ValidationReason, expected: String, found: String) {
        self.reason = reason
        self.expected = expected
        self.found = found
    }
}
