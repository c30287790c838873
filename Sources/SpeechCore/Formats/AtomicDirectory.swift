public import Foundation

/// Writes whole folders so that a final name never stands for half a folder.
///
/// The content is made in `<name>.tmp` beside the target, flushed to the disk and renamed. An existing
/// target is exchanged in one step where the system can do that; elsewhere it is first renamed to
/// `<name>.tmp-old`, and `recover` puts it back should the process die between the two renames.
public enum AtomicDirectory {
    /// Creates or replaces the folder `url` with what `fill` puts into the folder it is given.
    ///
    /// On failure the temporary folder is removed and an existing `url` keeps its content.
    ///
    /// - Throws: `FileSystemError.cannotWrite`, or whatever `fill` throws.
    @discardableResult
    public static func write<R>(to url: URL, _ fill: (URL) throws -> R) throws -> R {
        let target = url.path
        let parent = url.deletingLastPathComponent()
        let temporary = parent.appendingPathComponent(url.lastPathComponent + ".tmp")
        try recover(url)
        try removeIfPresent(temporary)
        guard mkdir(temporary.path, 0o777) == 0 else {
            throw FileSystemError.cannotWrite(path: target, operation: "create", code: errno)
        }
        let result: R
        do {
            result = try fill(temporary)
            try synchronizeTree(temporary)
            try replace(target, with: temporary.path)
        } catch {
            try? removeIfPresent(temporary)
            throw error
        }
        try AtomicFile.synchronizeFolder(parent.path)
        // After an exchange the temporary name stands for the old content.
        try removeIfPresent(temporary)
        return result
    }

    /// Puts back the folder that an interrupted replacement had set aside as `<name>.tmp-old`.
    ///
    /// Does nothing when there is none. Readers of a folder that may have been replaced call it first.
    ///
    /// - Throws: `FileSystemError.cannotWrite`.
    public static func recover(_ url: URL) throws {
        let target = url.path
        let old = target + ".tmp-old"
        guard exists(old) else { return }
        if exists(target) {
            try removeIfPresent(URL(fileURLWithPath: old))
        } else if rename(old, target) != 0 {
            throw FileSystemError.cannotWrite(path: target, operation: "restore", code: errno)
        }
    }

    private static func replace(_ target: String, with source: String) throws {
        func move(_ from: String, _ to: String) throws {
            guard rename(from, to) == 0 else {
                throw FileSystemError.cannotWrite(path: target, operation: "replace", code: errno)
            }
        }
        // rename() replaces an empty folder, but not one with files in it.
        guard exists(target) else { return try move(source, target) }
        if exchange(source, target) { return }
        let old = target + ".tmp-old"
        try move(target, old)
        do {
            try move(source, target)
        } catch {
            try move(old, target)
            throw error
        }
        try removeIfPresent(URL(fileURLWithPath: old))
    }

    /// Swaps two names in one step; false where the system or file system cannot.
    private static func exchange(_ first: String, _ second: String) -> Bool {
        #if canImport(Darwin)
            return renamex_np(first, second, UInt32(RENAME_SWAP)) == 0
        #else
            // Looked up by name, because the C library's headers hide it from Swift.
            typealias Rename =
                @convention(c) (
                    Int32, UnsafePointer<CChar>, Int32, UnsafePointer<CChar>, UInt32
                ) -> Int32
            guard let symbol = dlsym(nil, "renameat2") else { return false }
            let exchangeFlag: UInt32 = 2
            let rename = unsafeBitCast(symbol, to: Rename.self)
            return rename(AT_FDCWD, first, AT_FDCWD, second, exchangeFlag) == 0
        #endif
    }

    private static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    private static func removeIfPresent(_ url: URL) throws {
        guard exists(url.path) else { return }
        do {
            try FileManager.default.removeItem(at: url)
        } catch {
            throw FileSystemError.cannotWrite(
                path: url.path, operation: "remove", code: FileSystemError.code(of: error))
        }
    }

    private static func synchronizeTree(_ root: URL) throws {
        try AtomicFile.synchronizeFolder(root.path)
        let names: [String]
        do {
            names = try FileManager.default.subpathsOfDirectory(atPath: root.path)
        } catch {
            throw FileSystemError.cannotWrite(
                path: root.path, operation: "flush", code: FileSystemError.code(of: error))
        }
        for name in names {
            let path = root.appendingPathComponent(name).path
            var status = stat()
            guard lstat(path, &status) == 0 else { continue }
            let kind = status.st_mode & S_IFMT
            if kind == S_IFREG || kind == S_IFDIR { try AtomicFile.synchronizeFolder(path) }
        }
    }
}
