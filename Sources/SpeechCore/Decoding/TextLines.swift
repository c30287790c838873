/// The lines of text files.
enum TextLines {
    /// Calls `body` with each line of a file, which gzip may have compressed.
    ///
    /// - Throws: `FileSystemError`, `GzipError`, `ManifestError.badLines` for a line that is not UTF-8,
    ///   or whatever `body` throws.
    static func forEach(path: String, _ body: (_ number: Int, _ line: String) throws -> Void) throws
    {
        try ManifestLines.forEach(path: path) { number, bytes in
            guard let line = String(validating: bytes, as: UTF8.self) else {
                throw ManifestError.badLines(
                    path: path,
                    faults: [.init(line: number, detail: "expected UTF-8, found other bytes")])
            }
            try body(number, line)
        }
    }
}
