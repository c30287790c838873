package import Foundation

/// The lines of a text file, as bytes and numbered from 1.
///
/// A byte order mark is skipped, CR LF ends a line as LF does, and a file may lack its last line end.
package struct ManifestLines {
    private let file: MappedFile

    /// Maps a file.
    ///
    /// - Throws: `FileSystemError`.
    package init(path: String) throws {
        file = try MappedFile(path: path)
    }

    /// Calls `body` with each line without its end.
    package func forEach(
        _ body: (_ number: Int, _ bytes: UnsafeRawBufferPointer) throws -> Void
    ) rethrows {
        try file.withBytes(0..<file.count) { bytes in
            var start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
            var number = 1
            while start < bytes.count {
                let rest = bytes[start...]
                let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
                var line = bytes[start..<end]
                if line.last == UInt8(ascii: "\r") { line = line.dropLast() }
                try body(number, UnsafeRawBufferPointer(rebasing: line))
                start = end + 1
                number += 1
            }
        }
    }

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

    /// All lines as text.
    ///
    /// - Throws: `ManifestError.badLines` for lines that are not UTF-8.
    func texts(path: String) throws -> [String] {
        var texts: [String] = []
        var faults: [ManifestError.LineFault] = []
        forEach { number, bytes in
            if let text = String(validating: bytes, as: UTF8.self) {
                texts.append(text)
            } else {
                faults.append(.init(line: number, detail: "expected UTF-8, found other bytes"))
            }
        }
        guard faults.isEmpty else { throw ManifestError.badLines(path: path, faults: faults) }
        return texts
    }
}

extension UnsafeRawBufferPointer {
    /// Whether there is nothing but spaces and tabs.
    package var isBlank: Bool { allSatisfy { $0 == 0x20 || $0 == 0x09 } }
}

/// Paths of audio files as manifests write them.
package enum ManifestPath {
    /// The absolute path that `path` means in a manifest in `folder`.
    package static func resolve(_ path: String, in folder: URL) -> String {
        let expanded = path.hasPrefix("~/") ? (path as NSString).expandingTildeInPath : path
        if expanded.hasPrefix("/") { return expanded }
        return folder.appendingPathComponent(expanded).standardizedFileURL.path
    }

    /// `path` relative to `folder` when it lies below it, else unchanged.
    package static func relative(_ path: String, to folder: URL) -> String {
        let root = folder.standardizedFileURL.path
        let prefix = root.hasSuffix("/") ? root : root + "/"
        return path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : path
    }

    /// The absolute folder that a manifest lies in.
    package static func folder(of manifest: URL) -> URL {
        manifest.absoluteURL.standardizedFileURL.deletingLastPathComponent()
    }
}
