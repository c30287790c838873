public import SpeechCore

/// Why ONNX Runtime cannot be used.
public enum ONNXRuntimeError: ReportedError, Equatable {
    /// A place where the library was looked for, and what happened there.
    public struct Attempt: Sendable, Equatable {
        /// The path or library name that was opened.
        public let place: String
        /// What the loader answered.
        public let reason: String

        /// Records an attempt.
        public init(place: String, reason: String) {
            self.place = place
            self.reason = reason
        }
    }

    /// The library is in none of the places where it is looked for.
    case notFound(attempts: [Attempt])
    /// A library was opened that is not ONNX Runtime: it lacks the entry point.
    case foreignLibrary(path: String, missingSymbol: String)
    /// The library is older than the function table that this package uses.
    case tooOld(path: String, found: String, needed: Int)

    /// The message that a person reads.
    public var description: String {
        switch self {
        case .notFound(let attempts):
            let places = attempts.map { "\n  \($0.place): \($0.reason)" }.joined()
            return "ONNX Runtime was not found; set COLLD_ORT_LIB to the path of libonnxruntime, "
                + "or put the library beside the program. Tried:" + places
        case .foreignLibrary(let path, let symbol):
            return "'\(path)' is not ONNX Runtime: expected the function \(symbol), found none"
        case .tooOld(let path, let found, let needed):
            return "ONNX Runtime '\(path)' is too old: expected 1.\(needed) or later, "
                + "found \(found)"
        }
    }

    /// A failure of this machine's set-up, not of the input.
    public var exitStatus: ExitStatus { .runtimeFailure }
}
