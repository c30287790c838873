import Foundation

/// A safetensors file, mapped into memory and checked in full when it is opened.
///
/// Every rule of the format holds once `init` returns: known element types, sizes that match, data
/// without holes or overlaps up to the end of the file, no duplicate names. Values convert on reading;
/// nothing is kept, so a checkpoint larger than memory can be read tensor by tensor. The file must not
/// be truncated while it is open; replacing it by renaming is safe.
public final class SafetensorsFile: Sendable {
    /// The path as given.
    public let path: String
    /// The free-text entries of the header, often `format: pt`.
    public let metadata: [String: String]
    /// The names of the tensors, sorted.
    public let names: [String]
    private let file: MappedFile
    private let entries: [String: SafetensorsHeader.Entry]

    /// Opens and checks a file.
    ///
    /// - Throws: `FileSystemError` when it cannot be read, `SafetensorsError` when it is malformed.
    public init(path: String) throws {
        self.path = path
        file = try MappedFile(path: path)
        let header = try SafetensorsHeader(of: file)
        metadata = header.metadata
        entries = header.entries
        names = header.entries.keys.sorted()
    }

    /// What the file says about a tensor, or nil when it has none of that name.
    public func entry(_ name: String) -> SafetensorsTensorInfo? { entries[name]?.info }

    private func found(_ name: String) throws -> SafetensorsHeader.Entry {
        guard let entry = entries[name] else {
            throw SafetensorsError.missingTensor(path: path, tensor: name)
        }
        return entry
    }

    /// Calls `body` with the little-endian bytes of a tensor, which may be unaligned.
    ///
    /// - Throws: `SafetensorsError.missingTensor`, or whatever `body` throws.
    public func withBytes<R>(
        of name: String, _ body: (UnsafeRawBufferPointer) throws -> R
    ) throws -> R {
        try file.withBytes(try found(name).range, body)
    }

    /// The elements in row-major order as `Float`, converted from any element type.
    ///
    /// - Throws: `SafetensorsError.missingTensor`.
    public func floats(_ name: String) throws -> [Float] {
        try elements(name, as: Float.self) {
            Float($0)
        } whole: {
            Float($0)
        } half: {
            $0
        }
    }

    /// The elements in row-major order as `Double`, converted from any element type.
    ///
    /// - Throws: `SafetensorsError.missingTensor`.
    public func doubles(_ name: String) throws -> [Double] {
        try elements(name, as: Double.self) {
            $0
        } whole: {
            Double($0)
        } half: {
            Double($0)
        }
    }

    /// The elements in row-major order as `Int`.
    ///
    /// - Throws: `SafetensorsError.missingTensor`, or `.notConvertible` when the tensor is of a
    ///   floating-point type and holds something other than whole numbers.
    public func integers(_ name: String) throws -> [Int] {
        let entry = try found(name)
        guard entry.info.dtype.isFloatingPoint else {
            return try elements(name, as: Int.self) {
                Int($0)
            } whole: {
                $0
            } half: {
                Int($0)
            }
        }
        return try doubles(name).map {
            guard let whole = Int(exactly: $0) else {
                throw SafetensorsError.notConvertible(
                    path: path, tensor: name, expected: "whole numbers", found: "\($0)")
            }
            return whole
        }
    }

    /// Gives the memory of a tensor's pages back to the system; reading it again works.
    ///
    /// Loading a large checkpoint calls this after each tensor, so that the file's pages do not add to
    /// the peak memory of the copies made of them.
    ///
    /// - Throws: `SafetensorsError.missingTensor`.
    public func releasePages(of name: String) throws {
        file.releasePages(try found(name).range)
    }

    /// Gives the memory of all pages of the file back to the system.
    public func releasePages() {
        file.releasePages(0..<file.count)
    }

    private func elements<R>(
        _ name: String, as type: R.Type, double: (Double) -> R, whole: (Int) -> R,
        half: (Float) -> R
    ) throws -> [R] {
        let entry = try found(name)
        return file.withBytes(entry.range) { bytes in
            switch entry.info.dtype {
            case .float64:
                return R.self == Double.self
                    ? Self.copy(bytes) : Self.convert(bytes) { double(Double(bitPattern: $0)) }
            case .float32:
                return R.self == Float.self
                    ? Self.copy(bytes) : Self.convert(bytes) { half(Float(bitPattern: $0)) }
            case .float16: return Self.convert(bytes) { half(HalfPrecision.float(half: $0)) }
            case .bfloat16: return Self.convert(bytes) { half(HalfPrecision.float(bfloat: $0)) }
            case .int64: return Self.convert(bytes) { (value: Int64) in whole(Int(value)) }
            case .int32: return Self.convert(bytes) { (value: Int32) in whole(Int(value)) }
            case .int16: return Self.convert(bytes) { (value: Int16) in whole(Int(value)) }
            case .int8: return Self.convert(bytes) { (value: Int8) in whole(Int(value)) }
            case .uint8: return Self.convert(bytes) { (value: UInt8) in whole(Int(value)) }
            case .bool: return Self.convert(bytes) { (value: UInt8) in whole(value == 0 ? 0 : 1) }
            }
        }
    }

    /// Copies elements stored in the layout of `R` itself (every supported platform is little endian).
    private static func copy<R>(_ bytes: UnsafeRawBufferPointer) -> [R] {
        let count = bytes.count / MemoryLayout<R>.stride
        return [R](unsafeUninitializedCapacity: count) { buffer, filled in
            UnsafeMutableRawBufferPointer(buffer).copyMemory(
                from: UnsafeRawBufferPointer(rebasing: bytes.prefix(count * MemoryLayout<R>.stride))
            )
            filled = count
        }
    }

    @inline(__always)
    private static func convert<S: FixedWidthInteger & BitwiseCopyable, R>(
        _ bytes: UnsafeRawBufferPointer, _ value: (S) -> R
    ) -> [R] {
        let size = MemoryLayout<S>.size
        let count = bytes.count / size
        return [R](unsafeUninitializedCapacity: count) { buffer, filled in
            for index in 0..<count {
                let stored = S(
                    littleEndian: bytes.loadUnaligned(fromByteOffset: index * size, as: S.self))
                buffer.initializeElement(at: index, to: value(stored))
            }
            filled = count
        }
    }
}
