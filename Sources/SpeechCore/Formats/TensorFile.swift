/// A checkpoint file in any format, seen as named tensors.
///
/// Element types and shapes are told in the terms of safetensors, whose types include all that the
/// other formats hold. Values are read when they are asked for and nothing is kept, so a checkpoint
/// larger than memory can be read tensor by tensor. The file must not be truncated while it is open;
/// replacing it by renaming is safe.
public protocol TensorFile: Sendable {
    /// The path as given.
    var path: String { get }
    /// The names of the tensors, sorted.
    var names: [String] { get }

    /// What the file says about a tensor, or nil when it has none of that name.
    func entry(_ name: String) -> SafetensorsTensorInfo?

    /// Calls `body` with the little-endian bytes of a tensor in row-major order, which may be
    /// unaligned.
    ///
    /// - Throws: `TensorFileError.missingTensor`, an error of the format, or whatever `body` throws.
    func withBytes<R>(
        of name: String, _ body: (UnsafeRawBufferPointer) throws -> R
    ) throws -> R

    /// Copies the little-endian bytes of a tensor in row-major order into a buffer of their size.
    ///
    /// - Throws: as `withBytes`, and `FileSystemError`.
    func read(_ name: String, into buffer: UnsafeMutableRawBufferPointer) throws

    /// Gives the memory of a tensor's pages back to the system; reading it again works.
    ///
    /// Loading a large checkpoint calls this after each tensor, so that the file's pages do not add to
    /// the peak memory of the copies made of them.
    ///
    /// - Throws: `TensorFileError.missingTensor`.
    func releasePages(of name: String) throws

    /// Gives the memory of all pages of the file back to the system.
    func releasePages()
}

extension TensorFile {
    /// Copies what `withBytes` gives.
    public func read(_ name: String, into buffer: UnsafeMutableRawBufferPointer) throws {
        try withBytes(of: name) { buffer.copyMemory(from: $0) }
    }
}

/// What can be wrong with the tensors asked of a checkpoint, whatever its format.
public enum TensorFileError: ReportedError, Equatable {
    /// A tensor was asked for that no file holds.
    case missingTensor(paths: [String], tensor: String)
    /// Two shards hold a tensor of one name.
    case duplicateTensor(paths: [String], tensor: String)
    /// A value cannot be given as the type asked for.
    case notConvertible(path: String, tensor: String, expected: String, found: String)

    /// What was expected and what was found, for a person to read.
    public var description: String {
        func list(_ paths: [String]) -> String { paths.map { "'\($0)'" }.joined(separator: ", ") }
        switch self {
        case .missingTensor(let paths, let tensor):
            return "\(list(paths)): expected a tensor '\(tensor)', found none of that name"
        case .duplicateTensor(let paths, let tensor):
            return "\(list(paths)): expected each tensor in one file, found '\(tensor)' in both"
        case .notConvertible(let path, let tensor, let expected, let found):
            return "'\(path)', tensor '\(tensor)': expected \(expected), found \(found)"
        }
    }

    /// The exit code that this error ends the command with.
    public var exitStatus: ExitStatus { .badInput }
}
