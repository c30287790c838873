public import Foundation

/// Writes files so that a final name never stands for half a file.
///
/// The bytes go to `<name>.tmp` beside the target, are flushed to the disk, and the temporary file is
/// renamed over the target. On any failure the temporary file is removed and the target keeps its old
/// content. A leftover of a killed process is overwritten by the next attempt; of two that write the
/// same target at once the second gets an error. A target that exists and is no regular file (a pipe,
/// `/dev/null`) is written in place, because renaming over a device would destroy it.
public enum AtomicFile {
    /// Writes `data` as the whole content of `url`.
    ///
    /// - Throws: `FileSystemError.cannotWrite` naming the file, what failed and why.
    public static func write(_ data: Data, to url: URL) throws {
        try write(to: url) { try $0.write(data) }
    }

    /// Writes `text` in UTF-8 as the whole content of `url`.
    ///
    /// - Throws: `FileSystemError.cannotWrite` naming the file, what failed and why.
    public static func write(_ text: String, to url: URL) throws {
        try write(to: url) { try $0.write(text) }
    }

    /// Writes what `body` sends to the sink as the whole content of `url`.
    ///
    /// - Throws: `FileSystemError.cannotWrite`, or whatever `body` throws.
    public static func write(to url: URL, _ body: (FileSink) throws -> Void) throws {
        let target = url.path
        let inPlace = isSpecialFile(target)
        let path = inPlace ? target : target + ".tmp"
        let sink = try FileSink(path: path, reportedAs: target)
        do {
            try body(sink)
            try sink.finish()
            guard !inPlace else { return }
            guard rename(path, target) == 0 else {
                throw FileSystemError.cannotWrite(path: target, operation: "rename to", code: errno)
            }
        } catch {
            sink.abandon()
            if !inPlace { unlink(path) }
            throw error
        }
        try synchronizeFolder(url.deletingLastPathComponent().path)
    }

    private static func isSpecialFile(_ path: String) -> Bool {
        var status = stat()
        guard stat(path, &status) == 0 else { return false }
        let kind = status.st_mode & S_IFMT
        return kind != S_IFREG && kind != S_IFDIR
    }

    /// Makes a rename inside a folder durable.
    static func synchronizeFolder(_ path: String) throws {
        let descriptor = open(path.isEmpty ? "." : path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw FileSystemError.cannotWrite(path: path, operation: "flush", code: errno)
        }
        defer { close(descriptor) }
        try flush(descriptor, path: path)
    }

    static func flush(_ descriptor: Int32, path: String) throws {
        while fsync(descriptor) != 0 {
            if errno == EINTR { continue }
            // Pipes, devices and some network file systems have nothing to flush.
            if errno == EINVAL || errno == ENOTSUP || errno == EROFS { return }
            throw FileSystemError.cannotWrite(path: path, operation: "flush", code: errno)
        }
    }
}

/// The open end of a file that `AtomicFile` is writing.
public final class FileSink {
    /// The number of bytes written so far.
    public private(set) var byteCount = 0
    private let reportedPath: String
    private var descriptor: Int32
    // Small writes are gathered, so that a header made of pieces costs one system call.
    private var pending: [UInt8] = []
    private static let pendingLimit = 1 << 16

    init(path: String, reportedAs reportedPath: String) throws {
        self.reportedPath = reportedPath
        // Not emptied before it is known that nobody else writes it.
        descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else {
            throw FileSystemError.cannotWrite(path: reportedPath, operation: "create", code: errno)
        }
        do {
            try claim(path)
        } catch {
            abandon()
            throw error
        }
    }

    deinit { abandon() }

    /// Takes the file for this writer alone, and empties it.
    private func claim(_ path: String) throws {
        var opened = stat()
        guard fstat(descriptor, &opened) == 0 else {
            throw FileSystemError.cannotWrite(path: reportedPath, operation: "create", code: errno)
        }
        // Pipes and devices may have many writers.
        guard opened.st_mode & S_IFMT == S_IFREG else { return }
        // A file system without locks leaves it to the user that there is one writer.
        if flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK {
            throw FileSystemError.busy(path: reportedPath)
        }
        var named = stat()
        guard stat(path, &named) == 0, opened.st_ino == named.st_ino,
            opened.st_dev == named.st_dev
        else {
            // Another writer finished between the opening and the lock, and this is its file now.
            throw FileSystemError.busy(path: reportedPath)
        }
        while ftruncate(descriptor, 0) != 0 {
            if errno == EINTR { continue }
            throw FileSystemError.cannotWrite(path: reportedPath, operation: "create", code: errno)
        }
    }

    /// Appends bytes.
    ///
    /// - Throws: `FileSystemError.cannotWrite`, for example when the disk is full.
    public func write(_ bytes: UnsafeRawBufferPointer) throws {
        byteCount += bytes.count
        if pending.count + bytes.count <= Self.pendingLimit {
            pending.append(contentsOf: bytes)
        } else {
            try drain()
            try send(bytes)
        }
    }

    /// Appends bytes.
    ///
    /// - Throws: `FileSystemError.cannotWrite`, for example when the disk is full.
    public func write(_ data: Data) throws {
        try data.withUnsafeBytes { try write($0) }
    }

    /// Appends text in UTF-8.
    ///
    /// - Throws: `FileSystemError.cannotWrite`, for example when the disk is full.
    public func write(_ text: String) throws {
        var text = text
        try text.withUTF8 { try write(UnsafeRawBufferPointer($0)) }
    }

    func finish() throws {
        try drain()
        try AtomicFile.flush(descriptor, path: reportedPath)
        // A network file system may report a full disk only here.
        let closed = close(descriptor)
        descriptor = -1
        guard closed == 0 else {
            throw FileSystemError.cannotWrite(path: reportedPath, operation: "close", code: errno)
        }
    }

    func abandon() {
        guard descriptor >= 0 else { return }
        close(descriptor)
        descriptor = -1
    }

    private func drain() throws {
        guard !pending.isEmpty else { return }
        try pending.withUnsafeBytes { try send($0) }
        pending.removeAll(keepingCapacity: true)
    }

    private func send(_ bytes: UnsafeRawBufferPointer) throws {
        precondition(descriptor >= 0, "a file sink was used after its file was finished")
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = UnsafeRawBufferPointer(rebasing: rest)
            // The name alone would find the method of this class.
            let written = systemWrite(descriptor, part.baseAddress, min(part.count, 1 << 30))
            if written < 0 {
                if errno == EINTR { continue }
                throw FileSystemError.cannotWrite(
                    path: reportedPath, operation: "write", code: errno)
            }
            rest = rest.dropFirst(written)
        }
    }
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
