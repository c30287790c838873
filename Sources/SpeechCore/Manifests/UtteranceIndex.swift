public import Foundation

/// The utterances of a manifest by number, ready for any number of them.
///
/// Of a JSON Lines manifest only a table is kept, 30 bytes an utterance: where its line stands, its
/// length and language. Big manifests get the table as a file beside them (`train.jsonl.idx`, or in
/// the cache where the folder cannot be written), which later runs map into memory; it is made anew
/// when the manifest changed. An utterance itself is read from its line when it is asked for.
public final class UtteranceIndex: Sendable {
    /// The manifest.
    public let manifest: URL
    /// The same for manifests whose utterances have the same ids and lengths in the same order.
    public let fingerprint: UInt64
    /// The codes that `languageNumbers` refers to; nil stands for utterances without a language.
    public let languages: [String?]
    /// The number of different files that hold more than one recording, such as tar shards.
    public let shardCount: Int

    private let table: IndexTable
    private let source: Source

    private enum Source: Sendable {
        case lines(LineReader)
        case list([Utterance])
    }

    /// The number of utterances, at least 1.
    public var count: Int { table.count }

    private init(manifest: URL, table: IndexTable, source: Source) {
        self.manifest = manifest
        self.table = table
        self.source = source
        fingerprint = table.fingerprint
        languages = table.languages
        shardCount = table.shardCount
    }

    /// Opens a manifest of any format, checked as a whole.
    ///
    /// Other formats than JSON Lines are kept in memory.
    ///
    /// - Throws: `FileSystemError`, or `ManifestError` listing every line at fault.
    public static func open(_ manifest: URL) throws -> UtteranceIndex {
        try open(
            manifest, cache: UserCache.folder().appendingPathComponent("colld/manifests"))
    }

    /// Opens a manifest; `cache` is the folder for tables that cannot lie beside it.
    package static func open(_ manifest: URL, cache: URL) throws -> UtteranceIndex {
        guard try ManifestFormat.detect(manifest).hasUtteranceLines else {
            return UtteranceIndex(try ManifestFormat.read(manifest), of: manifest)
        }
        let reader = try LineReader(manifest)
        let state = try reader.state()
        let places = IndexTable.places(for: manifest, cache: cache)
        for place in places {
            if let table = IndexTable(contentsOf: place, ifOf: state) {
                return UtteranceIndex(manifest: manifest, table: table, source: .lines(reader))
            }
        }
        let table = try IndexTable(readingLinesOf: manifest, state: state)
        if table.count >= IndexTable.storedFrom { store(table, at: places) }
        return UtteranceIndex(manifest: manifest, table: table, source: .lines(reader))
    }

    /// Stores a table at the first place that takes it.
    private static func store(_ table: IndexTable, at places: [URL]) {
        for place in places {
            do {
                return try table.write(to: place)
            } catch FileSystemError.busy {
                // Whoever is at work there writes the same table.
                return
            } catch {
                // The table in memory does as well: a full disk is no failure.
                continue
            }
        }
    }

    /// An index over utterances in memory.
    ///
    /// * `manifest`: The file that messages name.
    public convenience init(_ utterances: [Utterance], of manifest: URL) {
        self.init(
            manifest: manifest, table: IndexTable(utterances), source: .list(utterances))
    }

    /// Reads an utterance.
    ///
    /// - Throws: `FileSystemError`, or `ManifestError.changed` when somebody writes into the manifest.
    public func utterance(_ number: Int) throws -> Utterance {
        switch source {
        case .list(let utterances): return utterances[number]
        case .lines(let reader): return try reader.utterance(table.line(number))
        }
    }

    /// The length of each utterance in seconds, above 0.
    public func durations() -> [Double] { table.durations() }

    /// The utterances by ascending length, equal ones by number.
    public func ascending() -> [UInt32] { table.ascending() }

    /// The language of each utterance, a place in `languages`.
    public func languageNumbers() -> [UInt16] { table.languageNumbers() }

    /// The shard of each utterance, from 0; `UInt32.max` for one whose file holds nothing else.
    public func shardNumbers() -> [UInt32] { table.shardNumbers() }
}

/// Reads single lines of a manifest that stays open.
///
/// A manifest that is replaced while it is open stays what it was for this reader.
struct LineReader: Sendable {
    /// What tells a manifest that was changed from what it was.
    struct State: Equatable {
        var size: Int
        var modified: Int
        /// Of the beginning, the end and places between.
        var sample: UInt64
    }

    private final class Descriptor: Sendable {
        let number: Int32

        init(_ number: Int32) { self.number = number }
        deinit { close(number) }
    }

    private let url: URL
    private let folder: URL
    private let file: Descriptor

    init(_ url: URL) throws {
        let number = Foundation.open(url.path, O_RDONLY | O_CLOEXEC)
        guard number >= 0 else {
            throw FileSystemError.cannotRead(path: url.path, code: errno)
        }
        file = Descriptor(number)
        self.url = url
        folder = ManifestPath.folder(of: url)
    }

    /// - Throws: `ManifestError.changed` when the line is not the utterance that the table knows.
    func utterance(_ line: IndexTable.Line) throws -> Utterance {
        let bytes = try read(line.start, count: line.count)
        let changed = ManifestError.changed(path: url.path, position: line.start)
        guard bytes.count == line.count else { throw changed }
        let utterance = bytes.withUnsafeBytes {
            try? JSONLinesManifest.utterance($0, folder: folder).get()
        }
        guard let utterance, utterance.duration == line.duration else { throw changed }
        return utterance
    }

    /// The state of the manifest at present.
    func state() throws -> State {
        var status = stat()
        guard fstat(file.number, &status) == 0 else {
            throw FileSystemError.cannotRead(path: url.path, code: errno)
        }
        let size = Int(status.st_size)
        #if canImport(Darwin)
            let time = status.st_mtimespec
        #else
            let time = status.st_mtim
        #endif
        let pieces = 16
        let length = 4096
        var hash = Fingerprint()
        for piece in 0...pieces {
            let start = max(0, size - length) / pieces * piece
            hash.add(try read(start, count: min(length, size - start)))
        }
        hash.add(try read(max(0, size - length), count: min(length, size)))
        return State(
            size: size, modified: Int(time.tv_sec) * 1_000_000_000 + Int(time.tv_nsec),
            sample: hash.value)
    }

    private func read(_ start: Int, count: Int) throws -> [UInt8] {
        var failure: Int32?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let read = pread(
                    file.number, buffer.baseAddress! + filled, count - filled,
                    off_t(start + filled))
                if read < 0 && errno == EINTR { continue }
                if read < 0 { failure = errno }
                guard read > 0 else { return }
                filled += read
            }
        }
        if let failure { throw FileSystemError.cannotRead(path: url.path, code: failure) }
        return bytes
    }
}
