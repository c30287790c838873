import Foundation

/// A failure of the operating system on one file or folder.
public enum FileSystemError: ReportedError, Equatable {
    /// A file cannot be opened, measured or mapped; `code` is the `errno` of the call.
    case cannotRead(path: String, code: Int32)
    /// The path names something that is not a regular file.
    case notARegularFile(path: String)
    /// A file or folder cannot be written; `code` is the `errno` of `operation`.
    case cannotWrite(path: String, operation: String, code: Int32)

    /// Another process, or another thread, is writing the file.
    case busy(path: String)

    /// The text of an `errno` value.
    public static func message(for code: Int32) -> String { String(cString: strerror(code)) }

    /// The `errno` behind an error that Foundation throws.
    package static func code(of error: any Error) -> Int32 {
        ((error as? CocoaError)?.underlying as? POSIXError)?.code.rawValue ?? EIO
    }

    /// What was expected and what was found, for a person to read.
    public var description: String {
        switch self {
        case .cannotRead(let path, let code):
            return "cannot read '\(path)': \(Self.message(for: code))"
        case .notARegularFile(let path):
            return "cannot read '\(path)': expected a file, found a folder or a device"
        case .cannotWrite(let path, let operation, let code):
            return "cannot \(operation) '\(path)': \(Self.message(for: code))"
        case .busy(let path):
            return "cannot write '\(path)': expected to be its only writer, found another at work"
        }
    }

    /// The exit code that this error ends the command with.
    public var exitStatus: ExitStatus {
        switch self {
        case .cannotRead, .notARegularFile: return .badInput
        case .cannotWrite, .busy: return .runtimeFailure
        }
    }
}
