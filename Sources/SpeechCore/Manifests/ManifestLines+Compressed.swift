extension ManifestLines {
    /// Calls `body` with each line of a file, which gzip may have compressed.
    ///
    /// - Throws: `FileSystemError`, `GzipError`, `ManifestError.badLines` for a line of a compressed
    ///   file that is longer than any real one, or whatever `body` throws.
    package static func forEach(
        path: String, _ body: (_ number: Int, _ bytes: UnsafeRawBufferPointer) throws -> Void
    ) throws {
        guard try GzipFile.isCompressed(path) else {
            return try ManifestLines(path: path).forEach(body)
        }
        /// A line that the pieces so far have not ended.
        var rest: [UInt8] = []
        var number = 1
        func finish(_ line: UnsafeRawBufferPointer) throws {
            var line = line[...]
            if number == 1, line.starts(with: [0xEF, 0xBB, 0xBF]) { line = line.dropFirst(3) }
            if line.last == UInt8(ascii: "\r") { line = line.dropLast() }
            try body(number, UnsafeRawBufferPointer(rebasing: line))
            number += 1
        }
        try GzipFile.forEachPiece(path: path) { piece in
            var start = 0
            while let end = piece[start...].firstIndex(of: UInt8(ascii: "\n")) {
                let part = UnsafeRawBufferPointer(rebasing: piece[start..<end])
                if rest.isEmpty {
                    try finish(part)
                } else {
                    rest.append(contentsOf: part)
                    try rest.withUnsafeBytes(finish)
                    rest.removeAll(keepingCapacity: true)
                }
                start = end + 1
            }
            rest.append(contentsOf: piece[start...])
            // A few bytes of a hostile file can stand for gigabytes without a line end.
            guard rest.count <= lineLimit else {
                throw ManifestError.badLines(
                    path: path,
                    faults: [
                        .init(
                            line: number,
                            detail: "expected at most \(lineLimit) bytes, found more")
                    ])
            }
        }
        if !rest.isEmpty { try rest.withUnsafeBytes(finish) }
    }

    private static let lineLimit = 64 << 20
}
