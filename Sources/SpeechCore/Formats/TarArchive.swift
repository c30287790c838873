import Foundation

/// The members of a tar archive that is not compressed, with the place of their bytes.
///
/// Formats: POSIX ustar and pax (IEEE 1003.1-2017, "pax Interchange Format"), GNU's long names and
/// binary sizes, and archives older than these. Only headers are read, so that a shard of a gigabyte
/// costs milliseconds. Folders are passed over; links, devices and sparse files are refused by name,
/// as are names that are absolute or lead out of their folder by `..`.
package struct TarArchive: Sendable {
    /// A file in the archive.
    package struct Member: Sendable, Equatable {
        /// The name, without a leading `./`.
        package let name: String
        /// The bytes of the archive that hold its data.
        package let range: Range<Int>
    }

    /// The archive's path.
    package let path: String
    /// The files in the order of the archive; a name may occur twice.
    package let members: [Member]

    /// Reads all headers.
    ///
    /// - Throws: `FileSystemError` or `TarArchiveError`.
    package init(path: String) throws {
        var members: [Member] = []
        try Self.forEachMember(path: path) { members.append($0) }
        self.path = path
        self.members = members
    }

    /// Calls `body` with each file in the order of the archive.
    ///
    /// - Throws: `FileSystemError`, `TarArchiveError`, or whatever `body` throws.
    package static func forEachMember(path: String, _ body: (Member) throws -> Void) throws {
        let reader = try TarHeaderReader(path: path)
        while let member = try reader.next() { try body(member) }
    }
}

/// What is wrong with a tar archive; positions are bytes from 0.
public enum TarArchiveError: ReportedError, Equatable {
    /// The archive ends inside a member or before its end mark of zeros.
    case truncated(path: String, position: Int, expected: String)
    /// A header is not what the format demands.
    case malformed(path: String, position: Int, expected: String, found: String)
    /// A name is absolute or leads out of its folder.
    case unsafeName(path: String, position: Int, name: String)
    /// A member is of a kind that is not read.
    case unsupported(path: String, member: String, found: String)

    /// What was expected and what was found, for a person to read.
    public var description: String {
        switch self {
        case .truncated(let path, let position, let expected):
            return "'\(path)' is truncated: expected \(expected) at byte \(position), found the "
                + "end of the file"
        case .malformed(let path, let position, let expected, let found):
            return "'\(path)' is not a valid tar archive: byte \(position): expected \(expected), "
                + "found \(found)"
        case .unsafeName(let path, let position, let name):
            return "'\(path)', byte \(position): expected names inside the archive's folder, "
                + "found '\(name)'"
        case .unsupported(let path, let member, let found):
            return "'\(path)', member '\(member)': expected a file, found \(found)"
        }
    }

    /// The exit code that this error ends the command with.
    public var exitStatus: ExitStatus { .badInput }
}

/// Goes from header to header.
private final class TarHeaderReader {
    private static let block = 512
    /// Longer names and lists of attributes than any archive has.
    private static let extensionLimit = 1 << 20

    private let path: String
    private let descriptor: Int32
    private let size: Int
    private var position = 0
    /// Attributes of pax headers that hold for all that follow.
    private var shared: [String: String] = [:]

    init(path: String) throws {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileSystemError.cannotRead(path: path, code: errno) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            let code = errno
            close(descriptor)
            throw FileSystemError.cannotRead(path: path, code: code)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw FileSystemError.notARegularFile(path: path)
        }
        size = Int(status.st_size)
    }

    deinit { close(descriptor) }

    /// The next file, or nil at the end mark.
    func next() throws -> TarArchive.Member? {
        var longName: String?
        var own: [String: String] = [:]
        while true {
            let start = position
            let header = try bytes(
                start, Self.block, "a header or two blocks of zeros")
            if header.allSatisfy({ $0 == 0 }) {
                try checkEnd(after: start)
                return nil
            }
            try checkSum(header, at: start)
            let kind = header[156]
            // The attribute replaces a size that the header's twelve bytes cannot hold.
            let isExtension = [
                UInt8(ascii: "L"), UInt8(ascii: "K"), UInt8(ascii: "x"),
                UInt8(ascii: "X"), UInt8(ascii: "g"),
            ].contains(kind)
            let stated = isExtension ? nil : own["size"] ?? shared["size"]
            let count =
                try stated.map { try decimal($0, at: start) }
                ?? number(header, 124..<136, at: start)
            let data = start + Self.block
            guard count <= size - data else {
                throw TarArchiveError.truncated(
                    path: path, position: size, expected: "\(count - (size - data)) more bytes")
            }
            // Not beyond the file by more than a block, so nothing overflows.
            position = data + (count + Self.block - 1) / Self.block * Self.block
            if isExtension {
                guard count <= Self.extensionLimit else {
                    throw malformed(
                        start, "at most \(Self.extensionLimit) bytes of name or attributes",
                        "\(count)")
                }
                let content = try bytes(data, count, "a name or attributes")
                switch kind {
                case UInt8(ascii: "L"): longName = try text(content[...], at: data)
                case UInt8(ascii: "g"):
                    try shared.merge(attributes(content, at: data)) { $1 }
                case UInt8(ascii: "K"): break
                default: try own.merge(attributes(content, at: data)) { $1 }
                }
                continue
            }
            let written = try own["path"] ?? shared["path"] ?? longName ?? name(header, at: start)
            (longName, own) = (nil, [:])
            let name = try checked(written, at: start)
            switch kind {
            // A folder; writers before POSIX marked them by a slash alone.
            case UInt8(ascii: "5"): continue
            case 0, UInt8(ascii: "0"), UInt8(ascii: "7"):
                if written.hasSuffix("/") { continue }
                guard !name.isEmpty else { throw malformed(start, "the name of a file", "none") }
                return TarArchive.Member(name: name, range: data..<data + count)
            default:
                throw TarArchiveError.unsupported(
                    path: path, member: name, found: Self.words(for: kind))
            }
        }
    }

    private static func words(for kind: UInt8) -> String {
        switch kind {
        case UInt8(ascii: "1"), UInt8(ascii: "2"): return "a link"
        case UInt8(ascii: "3"), UInt8(ascii: "4"), UInt8(ascii: "6"): return "a device or a pipe"
        case UInt8(ascii: "S"): return "a sparse file"
        default: return "a member of type '\(Character(Unicode.Scalar(kind)))'"
        }
    }

    private func malformed(
        _ position: Int, _ expected: String, _ found: String
    ) -> TarArchiveError {
        .malformed(path: path, position: position, expected: expected, found: found)
    }

    /// Reads `count` bytes, all of which must be there.
    private func bytes(_ start: Int, _ count: Int, _ expected: String) throws -> [UInt8] {
        guard start <= size, count <= size - start else {
            throw TarArchiveError.truncated(path: path, position: size, expected: expected)
        }
        return try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let found = pread(
                    descriptor, buffer.baseAddress! + filled, count - filled,
                    off_t(start + filled))
                if found < 0, errno == EINTR { continue }
                guard found > 0 else {
                    throw FileSystemError.cannotRead(path: path, code: found < 0 ? errno : EIO)
                }
                filled += found
            }
        }
    }

    /// A lone block of zeros may end the file; anything else behind it is no archive.
    private func checkEnd(after start: Int) throws {
        let second = start + Self.block
        guard second + Self.block <= size else { return }
        guard try bytes(second, Self.block, "zeros").allSatisfy({ $0 == 0 }) else {
            throw malformed(second, "a second block of zeros", "other bytes")
        }
    }

    private func checkSum(_ header: [UInt8], at start: Int) throws {
        let field = 148..<156
        let expected = try number(header, field, at: start)
        var unsigned = 0
        var signed = 0
        for (index, byte) in header.enumerated() {
            let counted = field.contains(index) ? 0x20 : byte
            unsigned += Int(counted)
            // Some old writers summed signed bytes.
            signed += Int(Int8(bitPattern: counted))
        }
        guard expected == unsigned || expected == signed else {
            throw malformed(start, "a header with the sum \(unsigned)", "\(expected)")
        }
    }

    /// An octal number, or one of GNU's binary ones whose first bit is set.
    private func number(_ header: [UInt8], _ field: Range<Int>, at start: Int) throws -> Int {
        let digits = header[field]
        if digits.first == 0x80 {
            var value = 0
            for byte in digits.dropFirst() {
                let (shifted, overflow) = value.multipliedReportingOverflow(by: 256)
                guard !overflow else {
                    throw malformed(start + field.lowerBound, "a size", "an overlong number")
                }
                value = shifted | Int(byte)
            }
            return value
        }
        let text = digits.drop { $0 == 0x20 }.prefix { $0 != 0 && $0 != 0x20 }
        var value = 0
        for byte in text {
            guard (0x30...0x37).contains(byte) else {
                throw malformed(
                    start + field.lowerBound, "an octal number",
                    "\"\(String(decoding: text, as: UTF8.self))\"")
            }
            // Twelve digits cannot overflow.
            value = value << 3 | Int(byte - 0x30)
        }
        return value
    }

    private func decimal(_ text: String, at start: Int) throws -> Int {
        guard let value = Int(text), value >= 0 else {
            throw malformed(start, "a size in decimal digits", "\"\(text)\"")
        }
        return value
    }

    /// The records `length key=value` of a pax header.
    private func attributes(_ content: [UInt8], at start: Int) throws -> [String: String] {
        var attributes: [String: String] = [:]
        var rest = content[...]
        while let first = rest.first, first != 0 {
            let digits = rest.prefix { (0x30...0x39).contains($0) }
            let length = Int(String(decoding: digits, as: UTF8.self)) ?? 0
            guard length > digits.count + 2, length <= rest.count,
                rest[rest.startIndex + digits.count] == 0x20,
                rest[rest.startIndex + length - 1] == 0x0A
            else {
                throw malformed(
                    start + rest.startIndex, "an attribute 'length key=value'", "other bytes")
            }
            let record = rest.prefix(length).dropFirst(digits.count + 1).dropLast()
            guard let separator = record.firstIndex(of: UInt8(ascii: "=")) else {
                throw malformed(
                    start + record.startIndex, "an attribute 'key=value'", "no '='")
            }
            let key = String(decoding: record[..<separator], as: UTF8.self)
            if key.hasPrefix("GNU.sparse.") {
                throw TarArchiveError.unsupported(
                    path: path, member: attributes["path"] ?? "", found: "a sparse file")
            }
            // Values of other keys may be in any encoding.
            if key == "path" || key == "size" {
                attributes[key] = try text(record[(separator + 1)...], at: start)
            }
            rest = rest.dropFirst(length)
        }
        return attributes
    }

    private func name(_ header: [UInt8], at start: Int) throws -> String {
        let name = try text(header[0..<100], at: start)
        // GNU's own format keeps other things where POSIX has the first part of the name.
        guard header[257..<263].elementsEqual(Array("ustar\0".utf8)), header[345] != 0 else {
            return name
        }
        return try text(header[345..<500], at: start + 345) + "/" + name
    }

    /// The text up to the first zero.
    private func text(_ bytes: ArraySlice<UInt8>, at start: Int) throws -> String {
        guard let text = String(validating: bytes.prefix { $0 != 0 }, as: UTF8.self) else {
            throw malformed(start, "a name in UTF-8", "other bytes")
        }
        return text
    }

    private func checked(_ name: String, at start: Int) throws -> String {
        let parts = name.split(separator: "/")
        guard !name.isEmpty, !name.hasPrefix("/"), !parts.contains("..") else {
            throw TarArchiveError.unsafeName(path: path, position: start, name: name)
        }
        return parts.filter { $0 != "." }.joined(separator: "/")
    }
}
