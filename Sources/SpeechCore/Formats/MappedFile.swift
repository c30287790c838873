import Dispatch
import Foundation
import Synchronization

/// A file mapped into memory for reading.
///
/// The mapping is private and read-only, so nothing the process does can change the file. It stays
/// valid when the file is renamed over or deleted; only truncating the file in place breaks it.
package final class MappedFile: Sendable {
    /// The path as given.
    package let path: String
    /// The size of the file in bytes.
    package let count: Int
    // The address and not the pointer: raw pointers are not Sendable, and the mapping never moves.
    private let address: UInt
    // Stays open, for what lies at the path may be another file by now.
    private let descriptor: Int32

    /// Maps the whole file.
    ///
    /// - Throws: `FileSystemError` when the file cannot be opened, is not a regular file, or cannot
    ///   be mapped.
    package init(path: String) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileSystemError.cannotRead(path: path, code: errno) }
        do {
            (count, address) = try Self.map(descriptor, path: path)
        } catch {
            close(descriptor)
            throw error
        }
        self.path = path
        self.descriptor = descriptor
    }

    private static func map(
        _ descriptor: Int32, path: String
    ) throws -> (count: Int, address: UInt) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw FileSystemError.cannotRead(path: path, code: errno)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw FileSystemError.notARegularFile(path: path)
        }
        let size = Int(status.st_size)
        guard size > 0 else { return (0, 0) }
        let pages = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0)
        guard let pages, pages != MAP_FAILED else {
            throw FileSystemError.cannotRead(path: path, code: errno)
        }
        return (size, UInt(bitPattern: pages))
    }

    deinit {
        if address != 0 { munmap(UnsafeMutableRawPointer(bitPattern: address), count) }
        close(descriptor)
    }

    /// Calls `body` with the bytes of a range, which must lie inside the file.
    package func withBytes<R>(
        _ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> R
    ) rethrows -> R {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "range outside the file")
        return try withExtendedLifetime(self) {
            guard let start = UnsafeRawPointer(bitPattern: address) else {
                return try body(UnsafeRawBufferPointer(start: nil, count: 0))
            }
            return try body(
                UnsafeRawBufferPointer(start: start + range.lowerBound, count: range.count))
        }
    }

    /// Reads a range, which must lie inside the file, into a buffer of its size.
    ///
    /// Large ranges are read in pieces on all cores and without touching the mapping, whose pages
    /// would have to be found one by one.
    ///
    /// - Throws: `FileSystemError` when the file cannot be read or was truncated.
    package func read(_ range: Range<Int>, into buffer: UnsafeMutableRawBufferPointer) throws {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "range outside the file")
        precondition(range.count == buffer.count, "\(buffer.count) bytes for \(range.count)")
        guard let base = buffer.baseAddress else { return }
        let piece = 8 << 20
        let address = UInt(bitPattern: base)
        let failure = Mutex<Int32?>(nil)
        DispatchQueue.concurrentPerform(iterations: (range.count + piece - 1) / piece) { index in
            var start = index * piece
            let end = min(start + piece, range.count)
            while start < end {
                let count = pread(
                    descriptor, UnsafeMutableRawPointer(bitPattern: address + UInt(start)),
                    end - start, off_t(range.lowerBound + start))
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else {
                    // The end of the file where there was none before: it was truncated.
                    let code = count < 0 ? errno : EIO
                    return failure.withLock { $0 = code }
                }
                start += count
            }
        }
        if let code = failure.withLock({ $0 }) {
            throw FileSystemError.cannotRead(path: path, code: code)
        }
    }

    /// Gives the memory of the whole pages inside a range back to the system.
    ///
    /// The bytes stay readable: the next access reads them from the file again.
    package func releasePages(_ range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "range outside the file")
        let page = Int(getpagesize())
        let start = (range.lowerBound + page - 1) / page * page
        // The last page of the file belongs to the file alone, so it may go although it is not full.
        let end = range.upperBound == count ? count : range.upperBound / page * page
        guard address != 0, start < end else { return }
        madvise(
            UnsafeMutableRawPointer(bitPattern: address + UInt(start)), end - start, MADV_DONTNEED)
    }
}
