/// One view over the tensors of one or several checkpoint files.
public struct TensorShards: Sendable {
    /// The files, in the order given.
    public let files: [any TensorFile]
    /// The names of all tensors, sorted.
    public let names: [String]
    private let fileOfName: [String: any TensorFile]

    /// Joins files that are already open.
    ///
    /// - Throws: `TensorFileError.duplicateTensor` when two files hold a tensor of one name.
    public init(_ files: [any TensorFile]) throws {
        var fileOfName: [String: any TensorFile] = [:]
        for file in files {
            for name in file.names {
                if let other = fileOfName.updateValue(file, forKey: name) {
                    throw TensorFileError.duplicateTensor(
                        paths: [other.path, file.path], tensor: name)
                }
            }
        }
        self.files = files
        self.fileOfName = fileOfName
        names = fileOfName.keys.sorted()
    }

    /// What its file says about a tensor, or nil when no file has it.
    public func entry(_ name: String) -> SafetensorsTensorInfo? { fileOfName[name]?.entry(name) }

    /// The file that holds a tensor, or nil when none does.
    public func file(of name: String) -> (any TensorFile)? { fileOfName[name] }

    /// The file that holds a tensor.
    ///
    /// - Throws: `TensorFileError.missingTensor` naming all files.
    public func requiredFile(of name: String) throws -> any TensorFile {
        guard let file = fileOfName[name] else {
            throw TensorFileError.missingTensor(paths: files.map(\.path), tensor: name)
        }
        return file
    }

    /// The elements of a tensor as `Float`; see `TensorFile.floats`.
    ///
    /// - Throws: `TensorFileError.missingTensor`, or as `TensorFile.withBytes`.
    public func floats(_ name: String) throws -> [Float] {
        try requiredFile(of: name).floats(name)
    }
}
