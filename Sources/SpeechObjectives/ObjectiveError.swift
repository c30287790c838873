public import SpeechCore

/// What can be wrong with the settings of an objective or a student.
public enum ObjectiveError: ReportedError, Equatable {
    /// A setting that does not fit the models.
    case invalidSetting(key: String, expected: String, found: String)
    /// No frame of a batch could be predicted.
    case nothingToPredict(frames: [Int], needed: Int)

    /// Key, what was expected and what was found.
    public var description: String {
        switch self {
        case .invalidSetting(let key, let expected, let found):
            "\(key): expected \(expected); found \(found)"
        case .nothingToPredict(let frames, let needed):
            "no utterance of the batch is long enough for masked prediction: expected at least "
                + "\(needed) frames; found \(frames)"
        }
    }

    /// Always bad input.
    public var exitStatus: ExitStatus { .badInput }
}
