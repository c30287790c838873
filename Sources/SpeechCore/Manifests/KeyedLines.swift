import Foundation

/// The lines `key value` of a text file, found by their keys.
///
/// Files that belong together mostly have their keys in one order, so the line behind the one found
/// last is tried first. The places of all lines are gathered only when that fails, as 24 bytes a line.
package final class KeyedLines {
    private let file: MappedFile
    private let separators: Set<UInt8>
    private var next: Int
    private var places: [UInt128: Int]?

    /// Maps a file whose keys end at a tab, or with `endsAtSpace` at a space as well.
    ///
    /// - Throws: `FileSystemError`.
    package init(path: String, endsAtSpace: Bool) throws {
        file = try MappedFile(path: path)
        separators = endsAtSpace ? [0x09, 0x20] : [0x09]
        next = file.withBytes(0..<file.count) { $0.starts(with: [0xEF, 0xBB, 0xBF]) } ? 3 : 0
    }

    /// The value of a key without white space around it, or nil when no line has the key.
    ///
    /// Of several lines with one key any may be found.
    ///
    /// - Throws: `ManifestError.badLines` for a value that is not UTF-8.
    package func value(_ key: String) throws -> String? {
        try file.withBytes(0..<file.count) { bytes in
            if let found = try value(key, at: next, bytes) { return found }
            if places == nil { places = index(bytes) }
            guard let place = places?[KeyHash.value(key)] else { return nil }
            return try value(key, at: place, bytes)
        }
    }

    private func value(_ key: String, at start: Int, _ bytes: UnsafeRawBufferPointer) throws
        -> String?
    {
        guard start < bytes.count else { return nil }
        let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
        let line = bytes[start..<end]
        let found = line.prefix { !separators.contains($0) && $0 != UInt8(ascii: "\r") }
        guard found.elementsEqual(key.utf8) else { return nil }
        next = end + 1
        guard let text = String(validating: line[found.endIndex...], as: UTF8.self) else {
            let number = bytes[..<start].reduce(1) { $1 == UInt8(ascii: "\n") ? $0 + 1 : $0 }
            throw ManifestError.badLines(
                path: file.path,
                faults: [.init(line: number, detail: "expected UTF-8, found other bytes")])
        }
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private func index(_ bytes: UnsafeRawBufferPointer) -> [UInt128: Int] {
        var places: [UInt128: Int] = [:]
        var start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
            let key = bytes[start..<end].prefix {
                !separators.contains($0) && $0 != UInt8(ascii: "\r")
            }
            if !key.isEmpty { places[KeyHash.value(key)] = start }
            start = end + 1
        }
        return places
    }
}

/// 128 bits that stand for a text in large tables: two of a billion texts meet with a chance of 1e-21.
package enum KeyHash {
    /// The hash of a text's UTF-8.
    package static func value(_ text: String) -> UInt128 {
        var text = text
        return text.withUTF8 { value($0) }
    }

    /// The hash of bytes (FNV-1a, 128 bits).
    package static func value(_ bytes: some Sequence<UInt8>) -> UInt128 {
        var hash = UInt128(0x6c62_272e_07bb_0142) << 64 | UInt128(0x62b8_2175_6295_c58d)
        let prime = UInt128(1) << 88 | UInt128(0x13b)
        for byte in bytes { hash = (hash ^ UInt128(byte)) &* prime }
        return hash
    }
}
