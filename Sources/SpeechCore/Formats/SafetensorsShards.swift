/// One view over the tensors of one or several safetensors files.
public struct SafetensorsShards: Sendable {
    /// The files, in the order given.
    public let files: [SafetensorsFile]
    /// The names of all tensors, sorted.
    public let names: [String]
    private let fileOfName: [String: SafetensorsFile]

    /// Joins files that are already open.
    ///
    /// - Throws: `SafetensorsError.duplicateTensor` when two files hold a tensor of one name.
    public init(_ files: [SafetensorsFile]) throws {
        var fileOfName: [String: SafetensorsFile] = [:]
        for file in files {
            for name in file.names {
                if let other = fileOfName.updateValue(file, forKey: name) {
                    throw SafetensorsError.duplicateTensor(
                        path: "\(other.path)' and '\(file.path)", tensor: name)
                }
            }
        }
        self.files = files
        self.fileOfName = fileOfName
        names = fileOfName.keys.sorted()
    }

    /// Opens and joins files.
    ///
    /// - Throws: `FileSystemError` or `SafetensorsError`.
    public init(paths: [String]) throws {
        try self.init(paths.map { try SafetensorsFile(path: $0) })
    }

    /// What its file says about a tensor, or nil when no file has it.
    public func entry(_ name: String) -> SafetensorsTensorInfo? { fileOfName[name]?.entry(name) }

    /// The file that holds a tensor, or nil when none does.
    public func file(of name: String) -> SafetensorsFile? { fileOfName[name] }

    /// The file that holds a tensor.
    ///
    /// - Throws: `SafetensorsError.missingTensor` naming all files.
    public func requiredFile(of name: String) throws -> SafetensorsFile {
        guard let file = fileOfName[name] else {
            throw SafetensorsError.missingTensor(
                path: files.map(\.path).joined(separator: "', '"), tensor: name)
        }
        return file
    }

    /// The elements of a tensor as `Float`; see `SafetensorsFile.floats`.
    public func floats(_ name: String) throws -> [Float] {
        try requiredFile(of: name).floats(name)
    }
}
