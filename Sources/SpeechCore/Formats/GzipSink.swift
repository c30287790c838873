import CZlib
import Foundation

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
