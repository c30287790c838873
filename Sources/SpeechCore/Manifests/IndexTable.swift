import Dispatch
import Foundation
import Synchronization

/// The table behind an `UtteranceIndex`: columns of equal length, in memory or in a mapped file.
///
/// The file, all numbers little-endian: 96 bytes of header (`Header`); then, for n utterances, the
/// columns line start (n x u64), duration in seconds (n x f64), line length (n x u32), shard
/// (n x u32), utterances by ascending duration (n x u32), language (n x u16); then the languages, a
/// JSON array of texts and nulls.
struct IndexTable: Sendable {
    /// Where the line of an utterance stands, and the length that it states.
    struct Line {
        let start: Int
        let count: Int
        let duration: Double
    }

    /// From this many utterances on a table is worth a file.
    static let storedFrom = 10_000
    static let noShard = UInt32.max

    let count: Int
    let fingerprint: UInt64
    let languages: [String?]
    let shardCount: Int
    private let storage: Storage

    private enum Storage: Sendable {
        case memory([UInt8])
        case file(MappedFile)

        func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
            switch self {
            case .memory(let bytes): return try bytes.withUnsafeBytes(body)
            case .file(let file): return try file.withBytes(0..<file.count, body)
            }
        }
    }

    // MARK: Reading

    func line(_ number: Int) -> Line {
        precondition(number >= 0 && number < count, "utterance \(number) of \(count)")
        return storage.withBytes { bytes in
            Line(
                start: Int(Self.load(UInt64.self, bytes, Columns(count).start, number)),
                count: Int(Self.load(UInt32.self, bytes, Columns(count).length, number)),
                duration: Double(
                    bitPattern: Self.load(UInt64.self, bytes, Columns(count).duration, number)))
        }
    }

    func durations() -> [Double] {
        column(UInt64.self, Columns(count).duration) { Double(bitPattern: $0) }
    }
    func shardNumbers() -> [UInt32] { column(UInt32.self, Columns(count).shard) { $0 } }
    func ascending() -> [UInt32] { column(UInt32.self, Columns(count).ascending) { $0 } }
    func languageNumbers() -> [UInt16] { column(UInt16.self, Columns(count).language) { $0 } }

    private func column<Stored: FixedWidthInteger, Value>(
        _ type: Stored.Type, _ start: Int, _ convert: (Stored) -> Value
    ) -> [Value] {
        storage.withBytes { bytes in
            [Value](unsafeUninitializedCapacity: count) { values, filled in
                for number in 0..<count {
                    values.initializeElement(
                        at: number, to: convert(Self.load(type, bytes, start, number)))
                }
                filled = count
            }
        }
    }

    private static func load<Stored: FixedWidthInteger>(
        _ type: Stored.Type, _ bytes: UnsafeRawBufferPointer, _ start: Int, _ number: Int
    ) -> Stored {
        Stored(
            littleEndian: bytes.loadUnaligned(
                fromByteOffset: start + number * MemoryLayout<Stored>.size, as: type))
    }

    /// Where the columns begin.
    private struct Columns {
        let start: Int
        let duration: Int
        let length: Int
        let shard: Int
        let ascending: Int
        let language: Int
        let end: Int

        init(_ count: Int) {
            start = Header.size
            duration = start + count * 8
            length = duration + count * 8
            shard = length + count * 4
            ascending = shard + count * 4
            language = ascending + count * 4
            end = language + count * 2
        }
    }

    // MARK: Files

    /// What stands before the columns, twelve words of 64 bits.
    private struct Header {
        static let size = 96
        static let magic: UInt64 = 0x3178_6449_444C_4C6F  // "oLLDIdx1"

        var state: LineReader.State
        var fingerprint: UInt64
        var count: Int
        var shardCount: Int
        var languageBytes: Int

        var words: [UInt64] {
            [
                Self.magic, UInt64(state.size), UInt64(bitPattern: Int64(state.modified)),
                state.sample, fingerprint, UInt64(count), UInt64(shardCount),
                UInt64(languageBytes), 0, 0, 0,
            ]
        }

        var bytes: [UInt8] {
            let bytes = words.flatMap { word in
                (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
            }
            let checksum = UInt64(bytes.withUnsafeBytes { CRC32.checksum($0) })
            return bytes + (0..<8).map { UInt8(truncatingIfNeeded: checksum >> (8 * $0)) }
        }

        init(
            state: LineReader.State, fingerprint: UInt64, count: Int, shardCount: Int,
            languageBytes: Int
        ) {
            self.state = state
            self.fingerprint = fingerprint
            self.count = count
            self.shardCount = shardCount
            self.languageBytes = languageBytes
        }

        /// Nil for what is no header, or a damaged one.
        init?(_ bytes: UnsafeRawBufferPointer) {
            guard bytes.count >= Self.size else { return nil }
            let words = (0..<12).map { IndexTable.load(UInt64.self, bytes, 0, $0) }
            let checksum = CRC32.checksum(
                UnsafeRawBufferPointer(rebasing: bytes[..<(Self.size - 8)]))
            guard words[0] == Self.magic, words[11] == UInt64(checksum) else { return nil }
            // Sums of these cannot overflow.
            let limit = UInt64(1) << 48
            guard words[1] < limit, (1...UInt64(UInt32.max)).contains(words[5]),
                words[6] <= words[5], words[7] < limit
            else { return nil }
            state = LineReader.State(
                size: Int(words[1]), modified: Int(Int64(bitPattern: words[2])), sample: words[3])
            fingerprint = words[4]
            count = Int(words[5])
            shardCount = Int(words[6])
            languageBytes = Int(words[7])
        }
    }

    /// Maps a stored table; nil when there is none, or one of another manifest, or a damaged one.
    init?(contentsOf url: URL, ifOf state: LineReader.State) {
        guard let file = try? MappedFile(path: url.path) else { return nil }
        storage = .file(file)
        let header = storage.withBytes { Header($0) }
        guard let header, header.state == state else { return nil }
        let end = Columns(header.count).end
        guard file.count == end + header.languageBytes,
            let languages = file.withBytes(end..<file.count, Self.languages)
        else { return nil }
        count = header.count
        fingerprint = header.fingerprint
        shardCount = header.shardCount
        self.languages = languages
        guard isConsistent else { return nil }
    }

    private static func languages(_ bytes: UnsafeRawBufferPointer) -> [String?]? {
        guard case .array(let values)? = try? JSONValue(parsing: bytes) else { return nil }
        return values.map {
            if case .string(let text) = $0 { return text }
            return nil
        }
    }

    /// Whether no number leads outside: the rest of the program relies on it.
    private var isConsistent: Bool {
        storage.withBytes { bytes in
            let columns = Columns(count)
            return (0..<count).allSatisfy { number in
                let duration = Double(
                    bitPattern: Self.load(UInt64.self, bytes, columns.duration, number))
                let shard = Self.load(UInt32.self, bytes, columns.shard, number)
                return duration > 0 && duration.isFinite
                    && Self.load(UInt32.self, bytes, columns.ascending, number) < count
                    && Self.load(UInt16.self, bytes, columns.language, number) < languages.count
                    && (shard < shardCount || shard == Self.noShard)
            }
        }
    }

    /// Where a table of a manifest may lie, the best place first.
    static func places(for manifest: URL, cache: URL) -> [URL] {
        let path = manifest.absoluteURL.standardizedFileURL.path
        var name = Fingerprint()
        name.add(path.utf8)
        return [
            URL(fileURLWithPath: path + ".idx"), cache.appendingPathComponent(name.text + ".idx"),
        ]
    }

    /// Stores the table.
    ///
    /// - Throws: `FileSystemError`, also when somebody else stores it at the moment.
    func write(to url: URL) throws {
        // The cache's folder may not be there; the manifest's always is.
        try? FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try AtomicFile.write(to: url) { sink in try storage.withBytes { try sink.write($0) } }
    }

    // MARK: Making

    /// Of utterances in memory.
    init(_ utterances: [Utterance]) {
        var rows = IndexRows()
        for utterance in utterances { rows.add(utterance, start: 0, length: 0) }
        self.init(rows, state: .init(size: 0, modified: 0, sample: 0))
    }

    /// Reads all lines of a manifest, on all cores.
    ///
    /// - Throws: `ManifestError` with every line at fault, `FileSystemError`.
    init(readingLinesOf manifest: URL, state: LineReader.State) throws {
        let lines = try ManifestLines(path: manifest.path)
        let folder = ManifestPath.folder(of: manifest)
        let parts = lines.parts(ofBytes: 4 << 20)
        let results = Mutex([IndexRows?](repeating: nil, count: parts.count))
        DispatchQueue.concurrentPerform(iterations: parts.count) { part in
            var rows = IndexRows()
            lines.forEach(in: parts[part]) { number, start, bytes in
                rows.lineCount = number
                if bytes.isBlank { return }
                switch JSONLinesManifest.utterance(bytes, folder: folder) {
                case .success(let utterance):
                    rows.add(utterance, start: start, length: bytes.count)
                case .failure(let fault):
                    rows.faults.append(.init(line: number, detail: fault.detail))
                }
            }
            results.withLock { $0[part] = rows }
        }
        var all = IndexRows()
        for rows in results.withLock({ $0 }) { if let rows { all.append(rows) } }
        guard all.faults.isEmpty else {
            throw ManifestError.badLines(path: manifest.path, faults: all.faults)
        }
        guard !all.starts.isEmpty else { throw ManifestError.empty(path: manifest.path) }
        precondition(all.starts.count < UInt32.max, "more utterances than a table can hold")
        try all.requireUniqueIDs(lines, folder: folder, path: manifest.path)
        self.init(all, state: state)
    }

    private init(_ rows: IndexRows, state: LineReader.State) {
        count = rows.starts.count
        shardCount = rows.shards.count
        languages = rows.languages.isEmpty ? [nil] : rows.languages
        var hash = Fingerprint()
        for (id, duration) in zip(rows.ids, rows.durations) {
            withUnsafeBytes(of: id.littleEndian) { hash.add($0) }
            withUnsafeBytes(of: duration.bitPattern.littleEndian) { hash.add($0) }
        }
        fingerprint = hash.value
        let names = JSONValue.array(languages.map { $0.map(JSONValue.string) ?? .null }).text()
        let header = Header(
            state: state, fingerprint: fingerprint, count: count, shardCount: shardCount,
            languageBytes: names.utf8.count)
        var bytes = header.bytes
        bytes.reserveCapacity(Columns(count).end + names.utf8.count)
        func append<Value: FixedWidthInteger>(_ values: some Sequence<Value>) {
            for value in values {
                withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
            }
        }
        append(rows.starts)
        append(rows.durations.lazy.map(\.bitPattern))
        append(rows.lengths)
        append(rows.shardNumbers)
        append(rows.ascending())
        append(rows.languageNumbers)
        bytes += names.utf8
        storage = .memory(bytes)
    }
}
