package import Foundation

/// The lines of a text file, as bytes and numbered from 1.
///
/// A byte order mark is skipped, CR LF ends a line as LF does, and a file may lack its last line end.
struct ManifestLines {
    private let file: MappedFile

    init(path: String) throws {
        file = try MappedFile(path: path)
    }

    /// Calls `body` with each line without its end.
    func forEach(_ body: (_ number: Int, _ bytes: UnsafeRawBufferPointer) throws -> Void) rethrows {
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
    var isBlank: Bool { allSatisfy { $0 == 0x20 || $0 == 0x09 } }
}

/// Paths of audio files as manifests write them.
package enum ManifestPath {
    /// The absolute path that `path` means in a manifest in `folder`.
    static func resolve(_ path: String, in folder: URL) -> String {
        let expanded = path.hasPrefix("~/") ? (path as NSString).expandingTildeInPath : path
        if expanded.hasPrefix("/") { return expanded }
        return folder.appendingPathComponent(expanded).standardizedFileURL.path
    }

    /// `path` relative to `folder` when it lies below it, else unchanged.
    static func relative(_ path: String, to folder: URL) -> String {
        let root = folder.standardizedFileURL.path
        let prefix = root.hasSuffix("/") ? root : root + "/"
        return path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : path
    }

    /// The absolute folder that a manifest lies in.
    package static func folder(of manifest: URL) -> URL {
        manifest.absoluteURL.standardizedFileURL.deletingLastPathComponent()
    }
}
