public import SpeechCore

/// What can end a run.
public enum RunError: ReportedError, Equatable {
    /// A folder, link or log cannot be written.
    case cannotCreate(path: String, reason: String)
    /// The output folder holds a run already.
    case outputExists(path: String)
    /// Something that no run made stands where a folder is to be written.
    case occupied(path: String)
    /// A resumed run differs from the one that was started.
    case differs(path: String, changes: [String])
    /// A file of a checkpoint does not belong to this run.
    case foreignCheckpoint(path: String, key: String, expected: String, found: String)
    /// A device that this machine does not have.
    case noDevice(name: String, available: [String])
    /// A model or what belongs to it does not fit into memory.
    case cannotBuild(name: String, reason: String)
    /// Gradients stayed infinite or not a number.
    case notFinite(step: Int, updates: Int)
    /// Memory ran out in a step.
    case outOfMemory(step: Int, seconds: Double, reason: String)
    /// An operator failed.
    case engine(step: Int, reason: String)
    /// A signal ended the run after a checkpoint.
    case stopped(signal: Int32, step: Int, path: String)
    /// A signal ended the encoding of a folder; what it holds is whole.
    case interrupted(signal: Int32, done: Int, total: Int, path: String)

    /// What happened and what helps.
    public var description: String {
        switch self {
        case .cannotCreate(let path, let reason):
            "\(path): cannot be written: \(reason)"
        case .outputExists(let path):
            "\(path): expected a new folder; found a run. Go on with --resume, or name another"
        case .occupied(let path):
            "\(path): expected a new or empty folder; found something that would be lost. Move it "
                + "away, or name another output"
        case .differs(let path, let changes):
            "\(path): a resumed run must be the run that was started:\n"
                + changes.map { "  \($0)" }.joined(separator: "\n")
        case .foreignCheckpoint(let path, let key, let expected, let found):
            "\(path): \(key): expected \(expected); found \(found)"
        case .noDevice(let name, let available):
            "--device: expected one of \(available.joined(separator: ", ")); found '\(name)'"
        case .cannotBuild(let name, let reason):
            "the \(name) cannot be built here: \(reason)"
        case .notFinite(let step, let updates):
            "step \(step): gradients were not finite for \(updates) updates in a row; a lower "
                + "optimizer.lr or trainer.precision=fp32 may help"
        case .outOfMemory(let step, let seconds, let reason):
            "step \(step): out of memory with a batch of \(Int(seconds)) s; lower "
                + "dataset.max_seconds and raise trainer.accumulation instead (\(reason))"
        case .engine(let step, let reason):
            "step \(step): \(reason)"
        case .stopped(let signal, let step, let path):
            "stopped by signal \(signal) after step \(step); \(path) is written, go on with "
                + "--resume"
        case .interrupted(let signal, let done, let total, let path):
            "stopped by signal \(signal) with \(done) of \(total) clips in \(path); the same "
                + "command goes on from there"
        }
    }

    /// 2 for wrong input, 1 for what failed while running, 75 for a run that can be resumed.
    public var exitStatus: ExitStatus {
        switch self {
        case .outputExists, .occupied, .differs, .foreignCheckpoint, .noDevice: .badInput
        case .cannotCreate, .cannotBuild, .notFinite, .outOfMemory, .engine: .runtimeFailure
        case .stopped, .interrupted: .resumable
        }
    }
}
