/// The exit codes that the command promises.
public enum ExitStatus: Int32, Sendable {
    /// Something failed while running: no disk space, out of memory, a device that went away.
    case runtimeFailure = 1
    /// A configuration, data file or checkpoint is wrong; running again changes nothing.
    case badInput = 2
    /// A result lies outside its tolerance.
    case gateFailed = 3
    /// The command line itself is wrong.
    case usage = 64
    /// Stopped early; `--resume` goes on from the last checkpoint.
    case resumable = 75
}

/// An error that a person reads.
///
/// Its description names the file, the key, what was expected and what was found; the command
/// prints it and exits with `exitStatus`.
public protocol ReportedError: Error, CustomStringConvertible {
    /// The exit code that this error ends the command with.
    var exitStatus: ExitStatus { get }
}
