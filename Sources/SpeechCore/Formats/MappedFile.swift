import Foundation

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

    /// Maps the whole file.
    ///
    /// - Throws: `FileSystemError` when the file cannot be opened, is not a regular file, or cannot
    ///   be mapped.
    package init(path: String) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileSystemError.cannotRead(path: path, code: errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw FileSystemError.cannotRead(path: path, code: errno)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw FileSystemError.notARegularFile(path: path)
        }
        let size = Int(status.st_size)
        self.path = path
        self.count = size
        guard size > 0 else {
            address = 0
            return
        }
        let pages = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0)
        guard let pages, pages != MAP_FAILED else {
            throw FileSystemError.cannotRead(path: path, code: errno)
        }
        address = UInt(bitPattern: pages)
    }

    deinit {
        if address != 0 { munmap(UnsafeMutableRawPointer(bitPattern: address), count) }
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
