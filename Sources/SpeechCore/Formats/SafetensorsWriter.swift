public import Foundation

/// A tensor to be written, whose bytes are asked for only when its turn comes.
public struct SafetensorsEntry {
    /// The name in the file.
    public let name: String
    /// The element type in the file.
    public let dtype: SafetensorsDType
    /// The sizes, outermost first.
    public let shape: [Int]
    let provide: (_ emit: (UnsafeRawBufferPointer) throws -> Void) throws -> Void

    /// Describes a tensor.
    ///
    /// * `provide`: Called once, when everything before this tensor has been written. It passes
    ///   the little-endian bytes in row-major order to `emit`, in one piece or several.
    public init(
        name: String, dtype: SafetensorsDType, shape: [Int],
        provide: @escaping (_ emit: (UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) {
        self.name = name
        self.dtype = dtype
        self.shape = shape
        self.provide = provide
    }

    /// A tensor of `Float` values, stored as F32.
    public init(name: String, shape: [Int], floats: [Float]) {
        self.init(name: name, dtype: .float32, shape: shape, values: floats)
    }

    /// A tensor of `Double` values, stored as F64.
    public init(name: String, shape: [Int], doubles: [Double]) {
        self.init(name: name, dtype: .float64, shape: shape, values: doubles)
    }

    /// A tensor of whole numbers, stored as I64.
    public init(name: String, shape: [Int], integers: [Int]) {
        self.init(name: name, dtype: .int64, shape: shape, values: integers.map { Int64($0) })
    }

    /// A tensor of 32-bit whole numbers, stored as I32.
    public init(name: String, shape: [Int], int32s: [Int32]) {
        self.init(name: name, dtype: .int32, shape: shape, values: int32s)
    }

    /// A tensor of `Float` values, stored as F16 (rounded to nearest, ties to even).
    public init(name: String, shape: [Int], float16: [Float]) {
        self.init(
            name: name, dtype: .float16, shape: shape, values: float16.map(HalfPrecision.half))
    }

    /// A tensor of `Float` values, stored as BF16 (rounded to nearest, ties to even).
    public init(name: String, shape: [Int], bfloat16: [Float]) {
        self.init(
            name: name, dtype: .bfloat16, shape: shape, values: bfloat16.map(HalfPrecision.bfloat))
    }

    private init<S: BitwiseCopyable>(
        name: String, dtype: SafetensorsDType, shape: [Int], values: [S]
    ) {
        self.init(name: name, dtype: dtype, shape: shape) { emit in
            try values.withUnsafeBytes { try emit($0) }
        }
    }
}

/// Writes safetensors files tensor by tensor, beside the target and renamed at the end.
///
/// Tensors of wider element types come first and names are sorted within a type, as the reference
/// implementation orders them: readers that view the bytes in place need that alignment. The header is
/// padded with spaces to a multiple of eight bytes.
public enum SafetensorsWriter {
    /// Writes all entries to `url`.
    ///
    /// * `metadata`: The header's free texts; older readers insist on `format: pt`.
    /// - Throws: `SafetensorsError.duplicateTensor`, `.wrongByteCount` or `.sizeMismatch` for wrong
    ///   entries, `FileSystemError.cannotWrite` (for example a full disk), or what a provider throws.
    ///   The target then keeps its old content and no temporary file stays.
    public static func write(
        _ entries: [SafetensorsEntry], metadata: [String: String] = ["format": "pt"], to url: URL
    ) throws {
        let path = url.path
        let ordered = entries.sorted {
            ($1.dtype.byteCount, $0.dtype.rawValue, $0.name)
                < ($0.dtype.byteCount, $1.dtype.rawValue, $1.name)
        }
        let sizes = try ordered.map { entry in
            guard let size = entry.dtype.byteCount(shape: entry.shape) else {
                throw SafetensorsError.sizeMismatch(
                    path: path, tensor: entry.name,
                    expected: "sizes that fit in memory in \(entry.shape)", found: 0)
            }
            return size
        }
        let header = try headerText(ordered, sizes, metadata, path: path)
        try AtomicFile.write(to: url) { sink in
            let length = UInt64(header.utf8.count).littleEndian
            try withUnsafeBytes(of: length) { try sink.write($0) }
            try sink.write(header)
            for (entry, size) in zip(ordered, sizes) {
                let start = sink.byteCount
                try entry.provide { try sink.write($0) }
                guard sink.byteCount - start == size else {
                    throw SafetensorsError.wrongByteCount(
                        path: path, tensor: entry.name, expected: size,
                        found: sink.byteCount - start)
                }
            }
        }
    }

    private static func headerText(
        _ entries: [SafetensorsEntry], _ sizes: [Int], _ metadata: [String: String], path: String
    ) throws -> String {
        var header = JSONObject()
        if !metadata.isEmpty {
            var texts = JSONObject()
            for key in metadata.keys.sorted() { texts[key] = metadata[key].map(JSONValue.string) }
            header[SafetensorsHeader.metadataKey] = .object(texts)
        }
        var offset = 0
        for (entry, size) in zip(entries, sizes) {
            var fields = JSONObject()
            fields["dtype"] = .string(entry.dtype.rawValue)
            fields["shape"] = .array(entry.shape.map { .integer($0) })
            fields["data_offsets"] = .array([.integer(offset), .integer(offset + size)])
            let isFree = entry.name != SafetensorsHeader.metadataKey
            guard isFree, header.insert(.object(fields), forKey: entry.name) else {
                throw SafetensorsError.duplicateTensor(path: path, tensor: entry.name)
            }
            offset += size
        }
        let text = JSONValue.object(header).text()
        return text + String(repeating: " ", count: (8 - text.utf8.count % 8) % 8)
    }
}
