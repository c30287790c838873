package import Foundation

/// Writes a tar archive, the same bytes for the same members (POSIX ustar; pax for long names).
///
/// Every member is a plain file with mode 644, owner 0 and the time 0.
package struct TarWriter {
    private let sink: FileSink
    private static let block = 512

    /// Writes to a sink that nothing was written to yet.
    package init(_ sink: FileSink) {
        precondition(sink.byteCount == 0, "an archive begins with its first member")
        self.sink = sink
    }

    /// The size so far in bytes, without the end mark.
    package var byteCount: Int { sink.byteCount }

    /// Adds a file.
    ///
    /// * `name`: a relative path without `..`.
    /// - Returns: the bytes of the archive that hold its data.
    /// - Throws: `FileSystemError.cannotWrite`.
    package func add(_ name: String, _ data: Data) throws -> Range<Int> {
        precondition(
            !name.isEmpty && !name.hasPrefix("/") && !name.split(separator: "/").contains(".."),
            "a member named '\(name)'")
        if name.utf8.count > 100 {
            let record = Self.paxRecord("path", name)
            try write(header: "PaxHeader", type: "x", size: record.count)
            try write(padded: record)
        }
        try write(header: name, type: "0", size: data.count)
        let start = sink.byteCount
        try write(padded: data)
        return start..<start + data.count
    }

    /// Writes the end mark.
    ///
    /// - Throws: `FileSystemError.cannotWrite`.
    package func finish() throws {
        try sink.write(Data(count: 2 * Self.block))
    }

    private func write(padded data: Data) throws {
        try sink.write(data)
        try sink.write(Data(count: (Self.block - data.count % Self.block) % Self.block))
    }

    private func write(header name: String, type: String, size: Int) throws {
        var header = Data()
        func field(_ text: String, _ width: Int) {
            let bytes = Array(text.utf8.prefix(width))
            header.append(contentsOf: bytes)
            header.append(Data(count: width - bytes.count))
        }
        func number(_ value: Int, _ width: Int) -> String {
            let digits = String(value, radix: 8)
            return String(repeating: "0", count: max(0, width - 1 - digits.count)) + digits
        }
        precondition(size < 1 << 33, "a member of \(size) bytes")
        field(name, 100)
        field(number(0o644, 8), 8)
        field(number(0, 8), 8)
        field(number(0, 8), 8)
        field(number(size, 12), 12)
        field(number(0, 12), 12)
        // The checksum counts its own field as spaces.
        field("        ", 8)
        field(type, 1)
        field("", 100)
        field("ustar\u{0}00", 8)
        field("", 32)
        field("", 32)
        field(number(0, 8), 8)
        field(number(0, 8), 8)
        field("", 155)
        header.append(Data(count: Self.block - header.count))
        let sum = header.reduce(0) { $0 + Int($1) }
        header.replaceSubrange(148..<156, with: Data((number(sum, 7) + "\u{0} ").utf8))
        try sink.write(header)
    }

    /// `<length> key=value\n`, where the length counts itself.
    private static func paxRecord(_ key: String, _ value: String) -> Data {
        let rest = " \(key)=\(value)\n"
        var length = rest.utf8.count + 1
        while "\(length)".utf8.count + rest.utf8.count != length {
            length = "\(length)".utf8.count + rest.utf8.count
        }
        return Data("\(length)\(rest)".utf8)
    }
}
