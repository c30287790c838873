package import Foundation

/// The lines of a text file, as bytes and numbered from 1.
///
/// A byte order mark is skipped, CR LF ends a line as LF does, and a file may lack its last line end.
package struct ManifestLines: Sendable {
    private let file: MappedFile

    init(path: String) throws {
        file = try MappedFile(path: path)
    }

    /// Calls `body` with each line of a range without its end, until it returns false.
    private func lines(
        in range: Range<Int>,
        _ body: (_ number: Int, _ start: Int, _ bytes: UnsafeRawBufferPointer) throws -> Bool
    ) rethrows {
        try file.withBytes(0..<file.count) { bytes in
            var start = range.lowerBound
            if start == 0, bytes.starts(with: [0xEF, 0xBB, 0xBF]) { start = 3 }
            var number = 1
            while start < range.upperBound {
                let end = Self.end(ofLineAt: start, in: bytes)
                var line = bytes[start..<end]
                if line.last == UInt8(ascii: "\r") { line = line.dropLast() }
                guard try body(number, start, UnsafeRawBufferPointer(rebasing: line)) else {
                    return
                }
                start = end + 1
                number += 1
            }
        }
    }

    /// Calls `body` with each line without its end, numbered from 1 within the part.
    ///
    /// * `part`: one of `parts`.
    func forEach(
        in part: Range<Int>,
        _ body: (_ number: Int, _ start: Int, _ bytes: UnsafeRawBufferPointer) throws -> Void
    ) rethrows {
        try lines(in: part) { number, start, bytes in
            try body(number, start, bytes)
            return true
        }
    }

    /// Calls `body` with each line without its end.
    func forEach(_ body: (_ number: Int, _ bytes: UnsafeRawBufferPointer) throws -> Void) rethrows {
        try lines(in: 0..<file.count) { number, _, bytes in
            try body(number, bytes)
            return true
        }
    }

    /// The first line that is not blank, at most 4096 bytes of it.
    var firstText: String? {
        var first: String?
        lines(in: 0..<file.count) { _, _, bytes in
            if bytes.isBlank { return true }
            first = String(decoding: bytes.prefix(4096), as: UTF8.self)
                .trimmingCharacters(in: .whitespaces)
            return false
        }
        return first
    }

    /// Cuts the file into parts of whole lines, about `bytes` each.
    func parts(ofBytes size: Int) -> [Range<Int>] {
        file.withBytes(0..<file.count) { bytes in
            var parts: [Range<Int>] = []
            var start = 0
            while start < bytes.count {
                let wanted = min(bytes.count, start + size)
                let end =
                    wanted == bytes.count
                    ? wanted : min(bytes.count, Self.end(ofLineAt: wanted, in: bytes) + 1)
                parts.append(start..<end)
                start = end
            }
            return parts
        }
    }

    /// Calls `body` with the bytes of a range.
    func withBytes<R>(
        _ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> R
    ) rethrows -> R {
        try file.withBytes(range, body)
    }

    /// The number of the line that holds a byte, from 1.
    func number(ofLineAt position: Int) -> Int {
        file.withBytes(0..<position) { bytes in
            bytes.reduce(1) { $1 == UInt8(ascii: "\n") ? $0 + 1 : $0 }
        }
    }

    private static func end(ofLineAt start: Int, in bytes: UnsafeRawBufferPointer) -> Int {
        guard start < bytes.count, let base = bytes.baseAddress,
            let found = memchr(base + start, Int32(UInt8(ascii: "\n")), bytes.count - start)
        else { return bytes.count }
        return UnsafeRawPointer(found) - base
    }

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
        if expanded.utf8.first == UInt8(ascii: "/") { return expanded }
        // Only such parts need Foundation, which would take longer than reading the line.
        let needsStandardizing = expanded.utf8.split(
            separator: UInt8(ascii: "/"), omittingEmptySubsequences: false
        ).contains { $0.isEmpty || $0.first == UInt8(ascii: ".") }
        let root = folder.path
        guard needsStandardizing || !root.hasPrefix("/") else {
            return root.utf8.last == UInt8(ascii: "/") ? root + expanded : root + "/" + expanded
        }
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
