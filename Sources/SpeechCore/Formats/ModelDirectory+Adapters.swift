public import Foundation

extension ModelDirectory {
    /// The languages that have an adapter of their own, sorted.
    ///
    /// - Throws: `FileSystemError` where the directory cannot be listed.
    public var adapterLanguages: [String] {
        get throws { try adapterFiles.keys.sorted() }
    }

    /// The files `adapter.<language>.safetensors` by language; where there is none of a language,
    /// `adapter.<language>.bin`.
    ///
    /// - Throws: `FileSystemError` where the directory cannot be listed.
    public var adapterFiles: [String: URL] {
        get throws {
            let names = try fileNames
            let prefix = "adapter."
            var files: [String: URL] = [:]
            for ending in [".bin", ".safetensors"] {
                for name in names where name.hasPrefix(prefix) && name.hasSuffix(ending) {
                    let language = name.dropFirst(prefix.count).dropLast(ending.count)
                    guard !language.isEmpty else { continue }
                    files[String(language)] = url.appendingPathComponent(name)
                }
            }
            return files
        }
    }

    /// Opens the adapter of a language: tensors that take the place of the checkpoint's own.
    ///
    /// - Throws: `ModelDirectoryError.unknownLanguage` listing the languages that there are,
    ///   `FileSystemError`, and the errors of the format (`SafetensorsError`; `PickleError` and
    ///   `ZipArchiveError`).
    public func openAdapter(language: String) throws -> TensorShards {
        let files = try adapterFiles
        guard let path = files[language]?.path else {
            throw ModelDirectoryError.unknownLanguage(
                path: url.path, found: language, known: files.keys.sorted())
        }
        return try TensorShards([
            path.hasSuffix(".bin") ? PickleCheckpoint(path: path) : SafetensorsFile(path: path)
        ])
    }
}
