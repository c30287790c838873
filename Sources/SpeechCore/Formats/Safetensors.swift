/// A safetensors file, mapped into memory and checked in full when it is opened.
///
/// Every rule of the format holds once `init` returns: known element types, sizes that match, data
/// without holes or overlaps up to the end of the file, no duplicate names.
public final class SafetensorsFile: TensorFile {
    /// The path as given.
    public let path: String
    /// The free-text entries of the header, often `format: pt`.
    public let metadata: [String: String]
    /// The names of the tensors, sorted.
    public let names: [String]
    private let file: MappedFile
    private let entries: [String: SafetensorsHeader.Entry]

    /// Opens and checks a file.
    ///
    /// - Throws: `FileSystemError` when it cannot be read, `SafetensorsError` when it is malformed.
    public init(path: String) throws {
        self.path = path
        file = try MappedFile(path: path)
        let header = try SafetensorsHeader(of: file)
        metadata = header.metadata
        entries = header.entries
        names = header.entries.keys.sorted()
    }

    /// What the file says about a tensor, or nil when it has none of that name.
    public func entry(_ name: String) -> SafetensorsTensorInfo? { entries[name]?.info }

    private func found(_ name: String) throws -> SafetensorsHeader.Entry {
        guard let entry = entries[name] else {
            throw TensorFileError.missingTensor(paths: [path], tensor: name)
        }
        return entry
    }

    /// Calls `body` with the little-endian bytes of a tensor in row-major order, which may be
    /// unaligned.
    ///
    /// - Throws: `TensorFileError.missingTensor`, or whatever `body` throws.
    public func withBytes<R>(
        of name: String, _ body: (UnsafeRawBufferPointer) throws -> R
    ) throws -> R {
        try file.withBytes(try found(name).range, body)
    }

    /// Copies the little-endian bytes of a tensor in row-major order into a buffer of their size.
    ///
    /// - Throws: `TensorFileError.missingTensor`, or `FileSystemError` when the file was truncated.
    public func read(_ name: String, into buffer: UnsafeMutableRawBufferPointer) throws {
        try file.read(try found(name).range, into: buffer)
    }

    /// Gives the memory of a tensor's pages back to the system; reading it again works.
    ///
    /// - Throws: `TensorFileError.missingTensor`.
    public func releasePages(of name: String) throws {
        file.releasePages(try found(name).range)
    }

    /// Gives the memory of all pages of the file back to the system.
    public func releasePages() {
        file.releasePages(0..<file.count)
    }
}
