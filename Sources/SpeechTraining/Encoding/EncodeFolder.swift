import Foundation
import SpeechCore

/// A line of `index.jsonl`: one clip and where its result stands.
struct EncodedClip: Codable, Equatable {
    /// The clip's id.
    var id: String
    /// Its only file, relative to the folder.
    var file: String?
    /// Its files by tensor, where there are several.
    var files: [String: String]?
    /// Valid frames of hidden states and feed-forward features.
    var frames: Int
    /// Valid frames of the last hidden state, where an adapter makes them fewer.
    var outputFrames: Int?
    /// Samples at the model's sampling rate.
    var samples: Int
    /// The absolute path of the audio file.
    var source: String
    /// Where the clip begins in it, in seconds.
    var offset: Double?
    /// The length that was asked for, in seconds.
    var duration: Double?
    /// The language.
    var lang: String?

    private enum CodingKeys: String, CodingKey {
        case id, file, files, frames, samples, source, offset, duration, lang
        case outputFrames = "output_frames"
    }

    init(
        _ clip: EncodeClip, files: [String: String], samples: Int, result: EncodedBatch
    ) {
        id = clip.id
        file = files[""]
        self.files = file == nil ? files : nil
        frames = result.lengths[0]
        outputFrames = result.isShortened ? result.outputLengths[0] : nil
        self.samples = samples
        source = Self.source(of: clip)
        offset = clip.offset == 0 ? nil : clip.offset
        duration = clip.duration
        lang = clip.language
    }

    /// All files, relative to the folder.
    var paths: [String] { file.map { [$0] } ?? (files ?? [:]).values.sorted() }

    /// Whether this is the result of the same part of the same file.
    func belongs(to clip: EncodeClip) -> Bool {
        source == Self.source(of: clip) && (offset ?? 0) == clip.offset
            && duration == clip.duration
    }

    private static func source(of clip: EncodeClip) -> String {
        URL(fileURLWithPath: clip.path).standardizedFileURL.path
    }

    /// A line of JSON.
    var line: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
        }
    }
}

/// The folder that results are written to, one clip after another, and what stands in it already.
///
/// `encode.json` holds the settings, `index.jsonl` the clips, `skipped.jsonl` what could not be used.
/// Until the last clip is there, clips are listed in `index.jsonl.part`, line by line: a line is written
/// when its files are whole, so whatever ends the process, what the list names is there.
final class EncodeFolder {
    let url: URL
    /// What stands in the folder, by id.
    private(set) var clips: [String: EncodedClip] = [:]
    private var order: [String] = []
    private var list: FileHandle?
    private let lock: Int32

    private var settingsFile: URL { url.appendingPathComponent("encode.json") }
    private var index: URL { url.appendingPathComponent("index.jsonl") }
    private var partialIndex: URL { url.appendingPathComponent("index.jsonl.part") }
    /// The list of clips that could not be used.
    var skipped: URL { url.appendingPathComponent("skipped.jsonl") }

    /// Opens a folder, made if need be, for results of `settings`.
    ///
    /// * `startsOver`: removes the results that another run left there.
    /// - Throws: `EncodeError.differs` for results of other settings, `.busy` while another process
    ///   writes there, `RunError.occupied` for a folder of something else, `FileSystemError`.
    init(_ url: URL, settings: EncodeSettings, startsOver: Bool) throws {
        self.url = url
        let settingsFile = url.appendingPathComponent("encode.json")
        let isNew = !FileManager.default.fileExists(atPath: settingsFile.path)
        if isNew {
            try Self.requireEmpty(url)
            try Self.create(url)
        }
        // A lock on the folder itself: it needs no file, and the system lets go of it.
        lock = open(url.path, O_RDONLY | O_CLOEXEC)
        guard lock >= 0 else {
            throw FileSystemError.cannotWrite(path: url.path, operation: "open", code: errno)
        }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else {
            throw EncodeError.busy(path: url.path)
        }
        if !isNew {
            try load()
            if startsOver { try removeResults() }
            let stored = startsOver ? settings : try EncodeSettings.read(from: settingsFile)
            let changes = stored.differences(to: settings)
            guard changes.isEmpty else {
                throw EncodeError.differs(path: settingsFile.path, changes: changes)
            }
        }
        if isNew || startsOver { try settings.write(to: settingsFile) }
    }

    deinit { close(lock) }

    /// Whether a clip's result stands here, whole and not older than its audio.
    func holds(_ clip: EncodeClip) -> Bool {
        guard let known = clips[clip.id], known.belongs(to: clip), !known.paths.isEmpty else {
            return false
        }
        let changed = Self.modified(clip.path)
        return known.paths.allSatisfy { path in
            guard let written = Self.modified(url.appendingPathComponent(path).path) else {
                return false
            }
            return changed.map { $0 <= written } ?? true
        }
    }

    /// Names of files for clips; a clip that was here keeps its name.
    func names(for ids: [String], output: EncodeOutput) -> [String] {
        func name(_ known: EncodedClip) -> String? {
            if let file = known.file { return (file as NSString).deletingPathExtension }
            guard let (tensor, file) = known.files?.first else { return nil }
            return String(file.dropLast(tensor.count + ".\(output.format.rawValue)".count + 1))
        }
        var known: [String: String] = [:]
        for clip in clips.values { known[clip.id] = name(clip) }
        var names = ClipNames(taken: known.values)
        let new = ids.filter { known[$0] == nil }
        for (id, name) in zip(new, names.names(for: new)) { known[id] = name }
        return ids.map { known[$0] ?? $0 }
    }

    /// Makes the folder of a clip's files.
    func prepare(_ files: some Sequence<String>) throws {
        for file in files where file.contains("/") {
            try Self.create(url.appendingPathComponent(file).deletingLastPathComponent())
        }
    }

    /// Lists a clip whose files are whole.
    ///
    /// - Throws: `FileSystemError.cannotWrite`.
    func add(_ clip: EncodedClip) throws {
        if list == nil { try openList() }
        do {
            try list?.write(contentsOf: Data(try clip.line.utf8))
        } catch {
            throw FileSystemError.cannotWrite(
                path: partialIndex.path, operation: "write", code: errno)
        }
        if clips.updateValue(clip, forKey: clip.id) == nil { order.append(clip.id) }
    }

    /// Removes the result of a clip, if there is one: its audio has become unusable.
    func remove(_ id: String) {
        guard let clip = clips.removeValue(forKey: id) else { return }
        for path in clip.paths { unlink(url.appendingPathComponent(path).path) }
    }

    /// Writes `index.jsonl`: these clips in their order, then what else stands in the folder.
    ///
    /// - Throws: `FileSystemError.cannotWrite`.
    func finish(_ ids: [String]) throws {
        let first = Set(ids)
        let text = try (ids + order.filter { !first.contains($0) })
            .compactMap { try clips[$0]?.line }.joined()
        try AtomicFile.write(text, to: index)
        try list?.close()
        list = nil
        unlink(partialIndex.path)
    }

    private func load() throws {
        for file in [index, partialIndex] {
            guard let data = FileManager.default.contents(atPath: file.path) else { continue }
            let decoder = JSONDecoder()
            // What ended the process may have cut the last line.
            for line in data.split(separator: UInt8(ascii: "\n")) {
                guard let clip = try? decoder.decode(EncodedClip.self, from: Data(line)) else {
                    continue
                }
                if clips.updateValue(clip, forKey: clip.id) == nil { order.append(clip.id) }
            }
        }
    }

    private func openList() throws {
        let descriptor = open(partialIndex.path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else {
            throw FileSystemError.cannotWrite(
                path: partialIndex.path, operation: "create", code: errno)
        }
        let list = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        // A line cut in the middle is ended, so that the next one stands alone.
        let end = try list.seekToEnd()
        if end > 0 {
            try list.seek(toOffset: end - 1)
            if try list.read(upToCount: 1) != Data("\n".utf8) {
                try list.write(contentsOf: Data("\n".utf8))
            }
        }
        self.list = list
    }

    private func removeResults() throws {
        for clip in clips.values {
            for path in clip.paths { unlink(url.appendingPathComponent(path).path) }
        }
        for file in [index, partialIndex, skipped] { unlink(file.path) }
        clips = [:]
        order = []
    }

    private static func requireEmpty(_ folder: URL) throws {
        // A process that ended within its first moment leaves this.
        unlink(folder.appendingPathComponent("encode.json.tmp").path)
        try RunDirectory.requireFree(folder)
    }

    private static func create(_ folder: URL) throws {
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw RunError.cannotCreate(path: folder.path, reason: error.localizedDescription)
        }
    }

    /// When a file was changed, in nanoseconds; nil where there is none.
    private static func modified(_ path: String) -> Int? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        #if os(Linux)
            return status.st_mtim.tv_sec * 1_000_000_000 + status.st_mtim.tv_nsec
        #else
            return status.st_mtimespec.tv_sec * 1_000_000_000 + status.st_mtimespec.tv_nsec
        #endif
    }
}
