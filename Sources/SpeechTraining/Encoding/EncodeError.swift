public import SpeechCore

/// What can be wrong with what is to be encoded.
public enum EncodeError: ReportedError, Equatable {
    /// Layers that the model does not have.
    case unknownLayers(path: String, found: [Int], last: Int)
    /// A tensor of the input file that does not fit the model.
    case invalidInput(path: String, tensor: String, expected: String, found: String)
    /// A clip that gives no frame.
    case clipTooShort(path: String, samples: Int, minimum: Int, samplingRate: Int)
    /// A clip that is longer than what the model hears at a time.
    case clipTooLong(path: String, samples: Int, maximum: Int, samplingRate: Int)
    /// An output that overflowed.
    case notFinite(tensor: String, precision: String)

    /// What was expected and what was found, for a person to read.
    public var description: String {
        switch self {
        case .unknownLayers(let path, let found, let last):
            "--layers: expected numbers from 0 to \(last), the layers of '\(path)'; found "
                + found.map(String.init).joined(separator: ", ")
        case .invalidInput(let path, let tensor, let expected, let found):
            "'\(path)', tensor '\(tensor)': expected \(expected); found \(found)"
        case .clipTooShort(let path, let samples, let minimum, let rate):
            "audio file '\(path)' is too short: expected at least \(minimum) samples at \(rate) Hz; "
                + "found \(samples)"
        case .clipTooLong(let path, let samples, let maximum, let rate):
            "audio file '\(path)' is too long: expected at most \(maximum) samples at \(rate) Hz, "
                + "the \(Double(maximum) / Double(rate)) s that the model hears at a time; "
                + "found \(samples)"
        case .notFinite(let tensor, let precision):
            "'\(tensor)' is not finite when computed in \(precision); try --precision fp32"
        }
    }

    /// Bad input, but for what overflows.
    public var exitStatus: ExitStatus {
        if case .notFinite = self { return .runtimeFailure }
        return .badInput
    }
}
