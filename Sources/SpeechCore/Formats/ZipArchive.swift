/// The directory of a ZIP archive whose entries are stored as they are, as PyTorch writes them.
///
/// Format: PKWARE's APPNOTE 6.3.10, with the 64-bit extensions. Everything is checked when the
/// directory is read: entries lie inside the file, do not overlap and are neither compressed nor
/// encrypted, so that reading one can take no more than the file itself.
package struct ZipArchive: Sendable {
    /// Where an entry's bytes are.
    package struct Entry: Sendable, Equatable {
        /// The bytes of the file that hold the data.
        package let range: Range<Int>
        /// The checksum, or nil where the writer left it out.
        let checksum: UInt32?
    }

    /// More entries than any checkpoint has.
    static let entryLimit = 1 << 20

    /// The entries by name.
    package let entries: [String: Entry]
    /// The file.
    package let path: String

    /// Reads the directory of a mapped file.
    ///
    /// - Throws: `ZipArchiveError`.
    package init(of file: MappedFile) throws {
        path = file.path
        entries = try file.withBytes(0..<file.count) {
            try ZipDirectoryReader(path: file.path, bytes: $0).entries()
        }
    }

    /// Checks an entry's bytes against its checksum.
    ///
    /// PyTorch can be told to leave checksums out and then writes 0, which is taken for none.
    ///
    /// - Throws: `ZipArchiveError.damaged`.
    package func verify(_ name: String, _ entry: Entry, in file: MappedFile) throws {
        guard let expected = entry.checksum else { return }
        let found = file.withBytes(entry.range) { CRC32.checksum($0) }
        guard found == expected else {
            throw ZipArchiveError.damaged(path: path, entry: name, expected: expected, found: found)
        }
    }
}

/// What is wrong with a ZIP archive.
public enum ZipArchiveError: ReportedError, Equatable {
    /// The file has no end-of-directory record: it is cut off or something else.
    case noDirectory(path: String)
    /// A record or the data of an entry lies outside the file or over another.
    case misplaced(path: String, part: String, range: String)
    /// A record is not what the format demands.
    case malformed(path: String, part: String, expected: String, found: String)
    /// An entry is stored in a way that is not read.
    case unsupported(path: String, entry: String, found: String)
    /// The bytes of an entry do not have its checksum.
    case damaged(path: String, entry: String, expected: UInt32, found: UInt32)

    /// What was expected and what was found, for a person to read.
    public var description: String {
        switch self {
        case .noDirectory(let path):
            return "'\(path)' is not a whole ZIP archive: expected a directory at its end, found "
                + "none (the file may be truncated)"
        case .misplaced(let path, let part, let range):
            return
                "'\(path)' is not a valid ZIP archive: expected \(part) inside the file and apart "
                + "from others, found it at \(range)"
        case .malformed(let path, let part, let expected, let found):
            return "'\(path)' is not a valid ZIP archive: \(part): expected \(expected), found "
                + found
        case .unsupported(let path, let entry, let found):
            return "'\(path)', entry '\(entry)': expected data stored as it is, found \(found)"
        case .damaged(let path, let entry, let expected, let found):
            return "'\(path)' is damaged: entry '\(entry)': expected the checksum "
                + "\(String(expected, radix: 16)), found \(String(found, radix: 16))"
        }
    }

    /// The exit code that this error ends the command with.
    public var exitStatus: ExitStatus { .badInput }
}

/// Reads the records at the end of an archive.
private struct ZipDirectoryReader {
    let path: String
    let bytes: UnsafeRawBufferPointer

    /// An entry as the directory tells it.
    private struct Header {
        var name: String
        var checksum: UInt32
        var size: Int
        var offset: Int
    }

    func entries() throws -> [String: ZipArchive.Entry] {
        let directory = try locateDirectory()
        var headers: [Header] = []
        var position = directory.range.lowerBound
        for _ in 0..<directory.count {
            headers.append(try header(at: &position, end: directory.range.upperBound))
        }
        headers.sort { ($0.offset, $0.size) < ($1.offset, $1.size) }
        var result: [String: ZipArchive.Entry] = [:]
        var free = 0
        for header in headers {
            let range = try dataRange(header, limit: directory.range.lowerBound)
            guard header.offset >= free else {
                throw ZipArchiveError.misplaced(
                    path: path, part: "entry '\(header.name)'",
                    range: "bytes \(header.offset)..<\(range.upperBound)")
            }
            free = range.upperBound
            let entry = ZipArchive.Entry(
                range: range, checksum: header.checksum == 0 ? nil : header.checksum)
            guard result.updateValue(entry, forKey: header.name) == nil else {
                throw malformed("the directory", "every name once", "'\(header.name)' twice")
            }
        }
        return result
    }

    private func malformed(_ part: String, _ expected: String, _ found: String) -> ZipArchiveError {
        .malformed(path: path, part: part, expected: expected, found: found)
    }

    /// A number at an offset that was checked.
    private func number<T: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, _: T.Type) -> T {
        T(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
    }

    private func offset(_ value: UInt64, _ part: String) throws -> Int {
        guard value <= UInt64(bytes.count) else {
            throw ZipArchiveError.misplaced(path: path, part: part, range: "byte \(value)")
        }
        return Int(value)
    }

    /// The range of `count` bytes from `start`, which must lie before `limit`.
    private func span(
        _ start: Int, _ count: Int, before limit: Int, _ part: @autoclosure () -> String
    ) throws -> Range<Int> {
        // All three are at most the size of the file, so nothing overflows.
        guard start >= 0, count >= 0, start + count <= limit else {
            throw ZipArchiveError.misplaced(
                path: path, part: part(), range: "\(count) bytes from byte \(start)")
        }
        return start..<start + count
    }

    private func locateDirectory() throws -> (range: Range<Int>, count: Int) {
        let size = 22
        let lowest = max(0, bytes.count - size - 0xFFFF)
        // A comment of any length may stand behind the record, and may hold its signature.
        let found = stride(from: bytes.count - size, through: lowest, by: -1).first {
            number($0, UInt32.self) == 0x0605_4b50
                && $0 + size + Int(number($0 + 20, UInt16.self)) == bytes.count
        }
        guard let end = found else { throw ZipArchiveError.noDirectory(path: path) }
        var disks = [number(end + 4, UInt16.self), number(end + 6, UInt16.self)].map(UInt32.init)
        var count = UInt64(number(end + 10, UInt16.self))
        var directorySize = UInt64(number(end + 12, UInt32.self))
        var start = UInt64(number(end + 16, UInt32.self))
        var limit = end
        if end >= 20, number(end - 20, UInt32.self) == 0x0706_4b50 {
            let part = "the 64-bit end of the directory"
            let record = try offset(number(end - 12, UInt64.self), part)
            _ = try span(record, 56, before: end - 20, part)
            guard number(record, UInt32.self) == 0x0606_4b50 else {
                throw malformed(part, "its signature", "other bytes")
            }
            disks = [number(record + 16, UInt32.self), number(record + 20, UInt32.self)]
            count = number(record + 32, UInt64.self)
            directorySize = number(record + 40, UInt64.self)
            start = number(record + 48, UInt64.self)
            limit = record
        }
        guard disks.allSatisfy({ $0 == 0 }) else {
            throw malformed("the directory", "an archive in one file", "one of several disks")
        }
        let range = try span(
            try offset(start, "the directory"), try offset(directorySize, "the directory"),
            before: limit, "the directory")
        guard count <= UInt64(ZipArchive.entryLimit), Int(count) * 46 <= range.count else {
            throw malformed(
                "the directory", "as many entries as fit into \(range.count) bytes", "\(count)")
        }
        return (range, Int(count))
    }

    /// Reads the directory's record of one entry.
    private func header(at position: inout Int, end: Int) throws -> Header {
        let part = "a record of the directory"
        let start = position
        _ = try span(start, 46, before: end, part)
        guard number(start, UInt32.self) == 0x0201_4b50 else {
            throw malformed(part, "its signature", "other bytes at byte \(start)")
        }
        let lengths = [28, 30, 32].map { Int(number(start + $0, UInt16.self)) }
        _ = try span(start, 46 + lengths.reduce(0, +), before: end, part)
        position = start + 46 + lengths.reduce(0, +)
        let nameEnd = start + 46 + lengths[0]
        guard let name = String(validating: bytes[start + 46..<nameEnd], as: UTF8.self) else {
            throw malformed(part, "a name in UTF-8", "other bytes")
        }
        let flags = number(start + 8, UInt16.self)
        let method = number(start + 10, UInt16.self)
        if flags & 1 != 0 || method != 0 {
            throw ZipArchiveError.unsupported(
                path: path, entry: name,
                found: flags & 1 != 0 ? "encrypted data" : "compression method \(method)")
        }
        var sizes = [24, 20, 42].map { UInt64(number(start + $0, UInt32.self)) }
        try readWideSizes(&sizes, name, nameEnd..<nameEnd + lengths[1])
        guard sizes[0] == sizes[1] else {
            throw malformed("entry '\(name)'", "one size", "\(sizes[1]) stored as \(sizes[0])")
        }
        return Header(
            name: name, checksum: number(start + 16, UInt32.self),
            size: try offset(sizes[0], "entry '\(name)'"),
            offset: try offset(sizes[2], "entry '\(name)'"))
    }

    /// Replaces those of size, stored size and offset that do not fit 32 bits.
    private func readWideSizes(_ sizes: inout [UInt64], _ name: String, _ extra: Range<Int>) throws
    {
        let wide = sizes.indices.filter { sizes[$0] == 0xFFFF_FFFF }
        if wide.isEmpty { return }
        var position = extra.lowerBound
        while position + 4 <= extra.upperBound {
            let length = Int(number(position + 2, UInt16.self))
            let field = try span(
                position + 4, length, before: extra.upperBound, "a field of entry '\(name)'")
            if number(position, UInt16.self) == 1, length >= 8 * wide.count {
                for (order, index) in wide.enumerated() {
                    sizes[index] = number(field.lowerBound + 8 * order, UInt64.self)
                }
                return
            }
            position = field.upperBound
        }
        throw malformed("entry '\(name)'", "its sizes in 64 bits", "nothing")
    }

    /// Where the data lies, behind the entry's own copy of its record.
    private func dataRange(_ header: Header, limit: Int) throws -> Range<Int> {
        let part = "entry '\(header.name)'"
        let start = header.offset
        _ = try span(start, 30, before: limit, part)
        guard number(start, UInt32.self) == 0x0403_4b50 else {
            throw malformed(part, "its signature", "other bytes at byte \(start)")
        }
        let nameLength = Int(number(start + 26, UInt16.self))
        let extraLength = Int(number(start + 28, UInt16.self))
        let name = try span(start + 30, nameLength, before: limit, part)
        guard bytes[name].elementsEqual(header.name.utf8) else {
            throw malformed(part, "the name of the directory", "another at its data")
        }
        return try span(name.upperBound + extraLength, header.size, before: limit, part)
    }
}
