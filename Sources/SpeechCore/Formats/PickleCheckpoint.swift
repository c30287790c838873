import Synchronization

/// A checkpoint that PyTorch saved as a pickle (`pytorch_model.bin`), read without running any of it.
///
/// Takes dictionaries of tensors in both of PyTorch's layouts. Everything is checked when the file is
/// opened: only the callables that tensors need occur, and every tensor lies inside its storage. The
/// file is mapped into memory; a storage is checked against its checksum when a tensor of it is first
/// read.
public final class PickleCheckpoint: TensorFile {
    /// The path as given.
    public let path: String
    /// The names of the tensors, sorted.
    public let names: [String]
    private let file: MappedFile
    private let archive: ZipArchive?
    private let entries: [String: Entry]
    private let verified = Mutex<Set<String>>([])

    private struct Entry {
        let info: SafetensorsTensorInfo
        /// The bytes of the file from the first element to the last.
        let range: Range<Int>
        /// The elements between neighbours along each dimension, or nil where they follow one
        /// another in row-major order.
        let strides: [Int]?
        /// The bytes of the file that hold the whole storage.
        let storage: Range<Int>
        /// The archive's entry that holds the storage.
        let record: String?
    }

    /// Tensors that repeat elements of their storage may be up to this many bytes larger than it, so
    /// that a small file cannot ask for any amount of memory.
    static let expansionLimit = 16 << 20

    /// Opens and checks a file.
    ///
    /// - Throws: `FileSystemError` when it cannot be read, `PickleError` or `ZipArchiveError` when it
    ///   is malformed or holds anything but tensors.
    public convenience init(path: String) throws {
        let file = try MappedFile(path: path)
        let container = try PickleContainer(of: file, dialect: .tensors)
        let pickle = container.pickle
        guard let members = pickle.members(pickle.root) else {
            throw PickleError.wrongContent(
                path: path, tensor: "", expected: "a dictionary of tensors",
                found: pickle.root.summary)
        }
        try self.init(members, of: container, file: file)
    }

    /// Takes members of a dictionary, all of which must be tensors.
    init(
        _ members: [(key: PickleValue, value: PickleValue)], of container: PickleContainer,
        file: MappedFile
    ) throws {
        path = file.path
        self.file = file
        archive = container.archive
        entries = try Self.entries(members, of: container, path: file.path)
        names = entries.keys.sorted()
    }

    /// What the file says about a tensor, or nil when it has none of that name.
    public func entry(_ name: String) -> SafetensorsTensorInfo? { entries[name]?.info }

    private func found(_ name: String) throws -> Entry {
        guard let entry = entries[name] else {
            throw TensorFileError.missingTensor(paths: [path], tensor: name)
        }
        return entry
    }

    /// Calls `body` with the little-endian bytes of a tensor in row-major order, which may be
    /// unaligned.
    ///
    /// - Throws: `TensorFileError.missingTensor`, `ZipArchiveError.damaged`, or whatever `body`
    ///   throws.
    public func withBytes<R>(
        of name: String, _ body: (UnsafeRawBufferPointer) throws -> R
    ) throws -> R {
        let entry = try found(name)
        try verify(entry)
        return try file.withBytes(entry.range) { bytes in
            guard let strides = entry.strides else { return try body(bytes) }
            let ordered = UnsafeMutableRawBufferPointer.allocate(
                byteCount: entry.info.byteCount, alignment: 8)
            defer { ordered.deallocate() }
            Self.gather(
                bytes, entry.info.shape, strides, elementSize: entry.info.dtype.byteCount,
                into: ordered)
            return try body(UnsafeRawBufferPointer(ordered))
        }
    }

    /// Gives the memory of a tensor's storage back to the system; reading it again works.
    ///
    /// - Throws: `TensorFileError.missingTensor`.
    public func releasePages(of name: String) throws {
        file.releasePages(try found(name).storage)
    }

    /// Gives the memory of all pages of the file back to the system.
    public func releasePages() {
        file.releasePages(0..<file.count)
    }

    private func verify(_ entry: Entry) throws {
        guard let archive, let record = entry.record, let stored = archive.entries[record],
            !verified.withLock({ $0.contains(record) })
        else { return }
        try archive.verify(record, stored, in: file)
        verified.withLock { _ = $0.insert(record) }
    }

    // MARK: Views

    private static func entries(
        _ members: [(key: PickleValue, value: PickleValue)], of container: PickleContainer,
        path: String
    ) throws -> [String: Entry] {
        var result: [String: Entry] = [:]
        for (key, value) in members {
            guard case .string(let name) = key else {
                throw PickleError.wrongContent(
                    path: path, tensor: "", expected: "names of tensors", found: key.summary)
            }
            guard case .tensor(let place) = value else {
                throw PickleError.wrongContent(
                    path: path, tensor: name, expected: "a tensor", found: value.summary)
            }
            let entry = try entry(
                container.pickle.tensors[place], of: container, path: path, name: name)
            guard result.updateValue(entry, forKey: name) == nil else {
                throw PickleError.wrongContent(
                    path: path, tensor: name, expected: "one tensor of that name", found: "two")
            }
        }
        return result
    }

    private static func entry(
        _ tensor: PickleTensor, of container: PickleContainer, path: String, name: String
    ) throws -> Entry {
        let storage = container.pickle.storages[tensor.storage]
        let bytes = container.storages[tensor.storage]
        let size = storage.dtype.byteCount
        guard let byteCount = storage.dtype.byteCount(shape: tensor.shape),
            let extent = extent(tensor), tensor.offset >= 0,
            tensor.offset <= storage.count, extent <= storage.count - tensor.offset
        else {
            throw PickleError.wrongContent(
                path: path, tensor: name,
                expected: "a tensor inside its storage of \(storage.count) elements",
                found: "sizes \(tensor.shape) with strides \(tensor.strides) from element "
                    + "\(tensor.offset)")
        }
        guard byteCount <= bytes.count + expansionLimit else {
            throw PickleError.wrongContent(
                path: path, tensor: name,
                expected: "at most \(expansionLimit) bytes more than its storage of \(bytes.count)",
                found: "\(byteCount)")
        }
        let start = bytes.lowerBound + tensor.offset * size
        let records = container.records
        return Entry(
            info: SafetensorsTensorInfo(
                dtype: storage.dtype, shape: tensor.shape, byteCount: byteCount),
            range: start..<start + extent * size,
            strides: isRowMajor(tensor) ? nil : tensor.strides, storage: bytes,
            record: records.isEmpty ? nil : records[tensor.storage])
    }

    /// The elements from a tensor's first to its last, or nil where that is no number or a size or
    /// stride is negative.
    private static func extent(_ tensor: PickleTensor) -> Int? {
        guard tensor.shape.allSatisfy({ $0 >= 0 }), tensor.strides.allSatisfy({ $0 >= 0 }) else {
            return nil
        }
        if tensor.shape.contains(0) { return 0 }
        var last = 0
        for (size, stride) in zip(tensor.shape, tensor.strides) {
            let (distance, isTooFar) = (size - 1).multipliedReportingOverflow(by: stride)
            let (sum, isTooLarge) = last.addingReportingOverflow(distance)
            guard !isTooFar, !isTooLarge else { return nil }
            last = sum
        }
        return last == .max ? nil : last + 1
    }

    /// Strides of dimensions of one element mean nothing.
    private static func isRowMajor(_ tensor: PickleTensor) -> Bool {
        if tensor.shape.contains(0) { return true }
        var expected = 1
        for (size, stride) in zip(tensor.shape, tensor.strides).reversed() where size > 1 {
            if stride != expected { return false }
            expected *= size
        }
        return true
    }

    /// Copies elements that stand apart into row-major order.
    private static func gather(
        _ source: UnsafeRawBufferPointer, _ shape: [Int], _ strides: [Int], elementSize: Int,
        into target: UnsafeMutableRawBufferPointer
    ) {
        // What follows one another in the innermost dimensions is copied at once.
        var outer = shape.count
        var run = 1
        while outer > 0, shape[outer - 1] == 1 || strides[outer - 1] == run {
            outer -= 1
            run *= shape[outer]
        }
        let bytes = run * elementSize
        var index = [Int](repeating: 0, count: outer)
        var offset = 0
        for position in stride(from: 0, to: target.count, by: bytes) {
            target.baseAddress?.advanced(by: position).copyMemory(
                from: source.baseAddress! + offset * elementSize, byteCount: bytes)
            for dimension in (0..<outer).reversed() {
                index[dimension] += 1
                offset += strides[dimension]
                if index[dimension] < shape[dimension] { break }
                offset -= index[dimension] * strides[dimension]
                index[dimension] = 0
            }
        }
    }
}
