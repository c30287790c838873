/// The parts of a checkpoint that PyTorch saved: the pickle, and where its storages lie in the file.
///
/// Two layouts exist (PyTorch, `torch/serialization.py`). Since version 1.6 a file is a ZIP archive
/// with the pickle as `<name>/data.pkl` and one entry `<name>/data/<key>` per storage. Before that it
/// was a chain: the pickles of a magic number, a version and the writer's machine, the pickle itself,
/// the pickle of the storages' keys, and the storages in the order of the keys, each behind its count.
struct PickleContainer {
    /// What the file describes.
    let pickle: Pickle
    /// Where the bytes of each of the pickle's storages lie.
    let storages: [Range<Int>]
    /// The entries of the archive that hold them; empty for the older layout, which has no checksums.
    let records: [String]
    /// The archive, or nil for the older layout.
    let archive: ZipArchive?

    /// Reads either layout.
    ///
    /// - Throws: `PickleError`, `ZipArchiveError`.
    init(of file: MappedFile, dialect: PickleDialect) throws {
        let start = file.withBytes(0..<min(file.count, 64)) { [UInt8]($0) }
        if start.starts(with: Array("PK".utf8)) {
            try self.init(archive: ZipArchive(of: file), file, dialect)
        } else if start.first == 0x80 {
            try self.init(chain: file, dialect)
        } else {
            throw PickleError.notACheckpoint(path: file.path, found: Self.kind(start))
        }
    }

    private static func kind(_ start: [UInt8]) -> String {
        if start.isEmpty { return "an empty file" }
        if start.starts(with: Array("version https://git-lfs".utf8)) {
            return "a Git LFS pointer in its place"
        }
        return "other bytes at its start"
    }

    // MARK: Archive

    private init(archive: ZipArchive, _ file: MappedFile, _ dialect: PickleDialect) throws {
        let path = file.path
        let suffix = "/data.pkl"
        let candidates = archive.entries.keys.filter {
            $0.hasSuffix(suffix) && !$0.dropLast(suffix.count).contains("/")
        }
        guard candidates.count == 1, let name = candidates.first, let entry = archive.entries[name]
        else {
            throw PickleError.notACheckpoint(
                path: path, found: "a ZIP archive with \(candidates.count) entries 'data.pkl'")
        }
        let prefix = name.dropLast(suffix.count)
        if let order = archive.entries["\(prefix)/byteorder"] {
            guard file.withBytes(order.range, { $0.elementsEqual("little".utf8) }) else {
                throw PickleError.wrongContent(
                    path: path, tensor: "", expected: "numbers with the lowest byte first",
                    found: "another byte order")
            }
        }
        try archive.verify(name, entry, in: file)
        let pickle = try file.withBytes(entry.range) {
            try PickleInterpreter.read($0, path: path, dialect: dialect)
        }
        let records = pickle.storages.map { "\(prefix)/data/\($0.key)" }
        storages = try zip(pickle.storages, records).map { storage, record in
            guard let found = archive.entries[record] else {
                throw PickleError.wrongContent(
                    path: path, tensor: "", expected: "an entry '\(record)' with data",
                    found: "none of that name")
            }
            let size = try Self.byteCount(storage, path)
            guard found.range.count == size else {
                throw PickleError.truncated(
                    path: path, part: "entry '\(record)'", expected: size, found: found.range.count)
            }
            return found.range
        }
        self.archive = archive
        self.pickle = pickle
        self.records = records
    }

    private static func byteCount(_ storage: PickleStorage, _ path: String) throws -> Int {
        guard let size = storage.dtype.byteCount(shape: [storage.count]) else {
            throw PickleError.wrongContent(
                path: path, tensor: "", expected: "a storage that fits in memory",
                found: "\(storage.count) elements")
        }
        return size
    }

    // MARK: Chain

    /// 0x1950a86a20f9469cfc6c, lowest byte first.
    private static let magic: [UInt8] = [
        0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19,
    ]

    private init(chain file: MappedFile, _ dialect: PickleDialect) throws {
        let path = file.path
        var position = 0
        func next(_ dialect: PickleDialect = .tensors) throws -> Pickle {
            let pickle = try file.withBytes(0..<file.count) {
                try PickleInterpreter.read($0, from: position, path: path, dialect: dialect)
            }
            position += pickle.byteCount
            return pickle
        }
        guard try next().root == .largeInteger(Self.magic) else {
            throw PickleError.notACheckpoint(
                path: path, found: "a pickle without PyTorch's magic number")
        }
        let version = try next().root
        guard version == .integer(1001) else {
            throw PickleError.notACheckpoint(
                path: path, found: "\(version.summary) as version of the layout")
        }
        let machine = try next()
        guard machine.member("little_endian") == .bool(true) else {
            throw PickleError.wrongContent(
                path: path, tensor: "", expected: "numbers with the lowest byte first",
                found: "another byte order")
        }
        pickle = try next(dialect)
        let keys = try next()
        var known: [String: PickleStorage] = [:]
        for storage in pickle.storages {
            guard known.updateValue(storage, forKey: storage.key) ?? storage == storage else {
                throw PickleError.wrongContent(
                    path: path, tensor: "", expected: "one description of storage '\(storage.key)'",
                    found: "two")
            }
        }
        var ranges: [String: Range<Int>] = [:]
        for key in keys.items(keys.root) ?? [] {
            guard case .string(let key) = key, let storage = known[key], ranges[key] == nil else {
                throw PickleError.wrongContent(
                    path: path, tensor: "", expected: "the key of a storage, each once",
                    found: key.summary)
            }
            ranges[key] = try Self.range(of: storage, in: file, from: &position)
        }
        storages = try pickle.storages.map {
            guard let range = ranges[$0.key] else {
                throw PickleError.wrongContent(
                    path: path, tensor: "", expected: "data of storage '\($0.key)'", found: "none")
            }
            return range
        }
        guard position == file.count else {
            throw PickleError.wrongContent(
                path: path, tensor: "", expected: "the end of the file behind the last storage",
                found: "\(file.count - position) bytes more")
        }
        records = []
        archive = nil
    }

    private static func range(
        of storage: PickleStorage, in file: MappedFile, from position: inout Int
    ) throws -> Range<Int> {
        let size = try byteCount(storage, file.path)
        let rest = file.count - position
        guard rest >= 8, size <= rest - 8 else {
            throw PickleError.truncated(
                path: file.path, part: "storage '\(storage.key)'", expected: size,
                found: max(0, rest - 8))
        }
        let count = file.withBytes(position..<position + 8) {
            Int64(littleEndian: $0.loadUnaligned(as: Int64.self))
        }
        guard count == storage.count else {
            throw PickleError.wrongContent(
                path: file.path, tensor: "",
                expected: "\(storage.count) elements of storage '\(storage.key)'", found: "\(count)"
            )
        }
        position += 8 + size
        return position - size..<position
    }
}

extension Pickle {
    /// The items of a tuple or list.
    package func items(_ value: PickleValue) -> [PickleValue]? {
        guard case .sequence(let place) = value else { return nil }
        return sequences[place]
    }

    /// The members of a dictionary, in order.
    package func members(_ value: PickleValue) -> [(key: PickleValue, value: PickleValue)]? {
        guard case .dictionary(let place) = value else { return nil }
        return dictionaries[place].members
    }

    /// The member of that name, the last one where there are several; of the root where no value is
    /// given.
    package func member(_ name: String, of value: PickleValue? = nil) -> PickleValue? {
        members(value ?? root)?.last { $0.key == .string(name) }?.value
    }
}
