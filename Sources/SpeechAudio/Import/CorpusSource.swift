public import Foundation
internal import SpeechCore

/// What is imported, and what its files do not say themselves.
public struct CorpusSource: Sendable {
    /// The absolute path of a folder or a file; shards may have braces in it.
    public let path: String
    /// The folder that relative paths of audio start from, and that commands run in.
    public var root: URL?
    /// The language to write instead of the corpus' own.
    public var language: String?
    /// The language of translations.
    public var targetLanguage: String?
    /// The column of the transcript, where a corpus has several.
    public var textColumn: String?
    /// Whether commands that stand for audio files are run.
    public var allowsPipes = false

    /// A corpus at a place.
    public init(path: String) {
        self.path = URL(fileURLWithPath: path).standardizedFileURL.path
    }

    /// Whether the place is a folder.
    var isFolder: Bool { CorpusFolder.isFolder(path) }

    /// The absolute path that a path in a table in `folder` means.
    ///
    /// Relative paths start from `root`; without it from the folder, or else from where the process
    /// runs, as the tables of Kaldi and Lhotse do.
    func resolve(_ written: String, in folder: String) -> String {
        if let root { return ManifestPath.resolve(written, in: root) }
        let own = ManifestPath.resolve(written, in: URL(fileURLWithPath: folder, isDirectory: true))
        guard !written.hasPrefix("/"), !CorpusFolder.exists(own) else { return own }
        let here = FileManager.default.currentDirectoryPath
        let other = ManifestPath.resolve(written, in: URL(fileURLWithPath: here, isDirectory: true))
        return CorpusFolder.exists(other) ? other : own
    }

    /// The folder itself when it is of a kind, or else the folders in it that are.
    func folders(where isKind: (String) -> Bool) -> [String] {
        guard isFolder else { return [] }
        if isKind(path) { return [path] }
        return CorpusFolder.names(in: path).map { path + "/" + $0 }.filter(isKind)
    }
}

/// What lies in the folders of a corpus.
enum CorpusFolder {
    /// The names in a folder, sorted, without hidden ones; none when it cannot be listed.
    static func names(in folder: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { !$0.hasPrefix(".") }.sorted()
    }

    /// Whether anything has this path.
    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// Whether a folder, or a link to one, has this path.
    static func isFolder(_ path: String) -> Bool { kind(path) == S_IFDIR }

    /// Whether a file, or a link to one, has this path.
    static func isFile(_ path: String) -> Bool { kind(path) == S_IFREG }

    private static func kind(_ path: String) -> mode_t? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return status.st_mode & S_IFMT
    }

    /// Makes a folder with those that it lies in, where they are missing.
    static func create(_ folder: URL) throws {
        do {
            try FileManager.default.createDirectory(
                at: folder, withIntermediateDirectories: true)
        } catch {
            throw FileSystemError.cannotWrite(
                path: folder.path, operation: "create", code: FileSystemError.code(of: error))
        }
    }

    /// The last part of a path.
    static func name(_ path: String) -> String { (path as NSString).lastPathComponent }

    /// The path without its last part.
    static func parent(_ path: String) -> String { (path as NSString).deletingLastPathComponent }
}
