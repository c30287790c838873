import CZlib
import Foundation

/// Reads files that gzip compressed, piece by piece; memory does not grow with the file.
///
/// Format: RFC 1952. A file may hold several members one after another, whose contents are joined, and
/// zeros behind the last one. Every member is held against its checksum and length.
package enum GzipFile {
    private static let pieceSize = 1 << 16

    /// Whether a file begins as gzip writes them.
    ///
    /// - Throws: `FileSystemError`.
    package static func isCompressed(_ path: String) throws -> Bool {
        let file = try InputFile(path: path)
        var magic: [UInt8] = [0, 0]
        let count = try magic.withUnsafeMutableBytes { try file.read(into: $0) }
        return count == 2 && magic == [0x1F, 0x8B]
    }

    /// Calls `body` with the content in pieces, in order.
    ///
    /// - Throws: `FileSystemError`, `GzipError`, or whatever `body` throws.
    package static func forEachPiece(
        path: String, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let file = try InputFile(path: path)
        let input = UnsafeMutableRawBufferPointer.allocate(byteCount: pieceSize, alignment: 16)
        let output = UnsafeMutableRawBufferPointer.allocate(
            byteCount: pieceSize * 4, alignment: 16)
        defer {
            input.deallocate()
            output.deallocate()
        }
        var stream = z_stream()
        // Adding 16 asks for the gzip header and its checks.
        let opened = inflateInit2_(
            &stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard opened == Z_OK else { throw GzipError.outOfMemory(path: path) }
        defer { inflateEnd(&stream) }
        /// Bytes of the file that were taken before this piece of input.
        var taken = 0
        var isInsideMember = false
        var hasMember = false
        while true {
            let count = try file.read(into: input)
            guard count > 0 else { break }
            stream.next_in = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
            stream.avail_in = UInt32(count)
            while stream.avail_in > 0 {
                let position = taken + count - Int(stream.avail_in)
                if !isInsideMember {
                    if hasMember, stream.next_in.pointee == 0 {
                        // Padding to a whole block of a tape.
                        stream.next_in += 1
                        stream.avail_in -= 1
                        continue
                    }
                    isInsideMember = true
                }
                stream.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
                stream.avail_out = UInt32(output.count)
                let status = inflate(&stream, Z_NO_FLUSH)
                guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else {
                    if status == Z_MEM_ERROR { throw GzipError.outOfMemory(path: path) }
                    let reason = stream.msg.map { String(cString: $0) } ?? "unknown data"
                    throw GzipError.damaged(path: path, position: position, found: reason)
                }
                let produced = output.count - Int(stream.avail_out)
                if produced > 0 {
                    try body(UnsafeRawBufferPointer(rebasing: output[..<produced]))
                }
                if status == Z_STREAM_END {
                    hasMember = true
                    isInsideMember = false
                    inflateReset(&stream)
                }
            }
            taken += count
        }
        guard hasMember, !isInsideMember else {
            throw GzipError.truncated(path: path, position: taken)
        }
    }

    /// A file that is read from its start.
    private final class InputFile {
        private let path: String
        private let descriptor: Int32

        init(path: String) throws {
            self.path = path
            descriptor = open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else {
                throw FileSystemError.cannotRead(path: path, code: errno)
            }
        }

        deinit { close(descriptor) }

        /// Fills the buffer as far as the file goes and returns how many bytes came.
        func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
            var filled = 0
            while filled < buffer.count, let start = buffer.baseAddress {
                let count = systemRead(descriptor, start + filled, buffer.count - filled)
                if count < 0, errno == EINTR { continue }
                guard count >= 0 else {
                    if errno == EISDIR { throw FileSystemError.notARegularFile(path: path) }
                    throw FileSystemError.cannotRead(path: path, code: errno)
                }
                if count == 0 { break }
                filled += count
            }
            return filled
        }
    }
}

private func systemRead(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer, _ count: Int) -> Int
{
    read(descriptor, bytes, count)
}

/// Compresses what is written to a file as gzip does (RFC 1952).
final class GzipSink {
    private let sink: FileSink
    private let path: String
    private var stream = z_stream()
    private let output: UnsafeMutableRawBufferPointer

    /// Compresses into a file that `AtomicFile` writes.
    ///
    /// - Throws: `GzipError.outOfMemory`.
    init(_ sink: FileSink, path: String) throws {
        self.sink = sink
        self.path = path
        output = .allocate(byteCount: 1 << 16, alignment: 16)
        // Adding 16 asks for the header and the checksum of gzip.
        let opened = deflateInit2_(
            &stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY,
            ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard opened == Z_OK else { throw GzipError.outOfMemory(path: path) }
    }

    deinit {
        deflateEnd(&stream)
        output.deallocate()
    }

    /// Appends text in UTF-8.
    ///
    /// - Throws: `FileSystemError`.
    func write(_ text: String) throws {
        var text = text
        try text.withUTF8 { try deflate($0, flush: Z_NO_FLUSH) }
    }

    /// Writes what is left.
    ///
    /// - Throws: `FileSystemError`.
    func finish() throws { try deflate(.init(start: nil, count: 0), flush: Z_FINISH) }

    private func deflate(_ bytes: UnsafeBufferPointer<UInt8>, flush: Int32) throws {
        stream.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress)
        stream.avail_in = UInt32(bytes.count)
        repeat {
            stream.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
            stream.avail_out = UInt32(output.count)
            let status = CZlib.deflate(&stream, flush)
            guard status != Z_STREAM_ERROR else { throw GzipError.outOfMemory(path: path) }
            let produced = output.count - Int(stream.avail_out)
            try sink.write(UnsafeRawBufferPointer(rebasing: output[..<produced]))
        } while stream.avail_out == 0
    }
}

/// What is wrong with a file that gzip compressed.
public enum GzipError: ReportedError, Equatable {
    /// The file ends inside its data; the position counts bytes from 0.
    case truncated(path: String, position: Int)
    /// The data is damaged, or is not what its checksum says, near a byte counted from 0.
    case damaged(path: String, position: Int, found: String)
    /// There is no memory to decompress with.
    case outOfMemory(path: String)

    /// What was expected and what was found, for a person to read.
    public var description: String {
        switch self {
        case .truncated(let path, let position):
            return "'\(path)' is truncated: expected more compressed data at byte \(position), "
                + "found the end of the file"
        case .damaged(let path, let position, let found):
            return "'\(path)' is damaged near byte \(position): expected data as gzip writes it, "
                + "found \(found)"
        case .outOfMemory(let path):
            return "cannot decompress '\(path)': out of memory"
        }
    }

    /// Bad input, but for lack of memory.
    public var exitStatus: ExitStatus {
        switch self {
        case .outOfMemory: return .runtimeFailure
        case .truncated, .damaged: return .badInput
        }
    }
}
