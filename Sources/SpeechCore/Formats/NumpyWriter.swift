public import Foundation

/// Writes arrays as NumPy's `.npy` files, version 1.0 of the format, little endian and row-major.
///
/// Format: the magic string, the version, the length of the header in two bytes, the header as a
/// Python dictionary padded with spaces so that the values begin at a multiple of 64 bytes
/// (numpy/numpy, `numpy/lib/format.py`).
public enum NumpyWriter {
    /// Writes one array to `url`, beside it and renamed at the end.
    ///
    /// The entry's name is not part of the file.
    ///
    /// - Throws: `NumpyError`, `FileSystemError.cannotWrite` (for example a full disk), or what the
    ///   entry's provider throws. The target then keeps its old content.
    public static func write(_ entry: SafetensorsEntry, to url: URL) throws {
        guard let type = typeString(entry.dtype) else {
            throw NumpyError.unsupportedDType(
                path: url.path, array: entry.name, found: entry.dtype.rawValue)
        }
        guard let size = entry.dtype.byteCount(shape: entry.shape) else {
            throw NumpyError.wrongByteCount(
                path: url.path, array: entry.name, expected: "a size that fits in memory",
                found: 0)
        }
        try AtomicFile.write(to: url) { sink in
            try sink.write(header(type: type, shape: entry.shape))
            let start = sink.byteCount
            try entry.provide { try sink.write($0) }
            guard sink.byteCount - start == size else {
                throw NumpyError.wrongByteCount(
                    path: url.path, array: entry.name, expected: "\(size) bytes",
                    found: sink.byteCount - start)
            }
        }
    }

    /// NumPy's name of an element type; nil for bfloat16, which NumPy does not have.
    static func typeString(_ dtype: SafetensorsDType) -> String? {
        switch dtype {
        case .float64: "<f8"
        case .float32: "<f4"
        case .float16: "<f2"
        case .bfloat16: nil
        case .int64: "<i8"
        case .int32: "<i4"
        case .int16: "<i2"
        case .int8: "|i1"
        case .uint8: "|u1"
        case .bool: "|b1"
        }
    }

    private static func header(type: String, shape: [Int]) -> Data {
        // A tuple of one needs its comma.
        let sizes = shape.map { "\($0)," }.joined(separator: " ")
        let tuple = shape.count > 1 ? String(sizes.dropLast()) : sizes
        var text = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(tuple)), }"
        let prefix = 10
        let unpadded = prefix + text.utf8.count + 1
        text += String(repeating: " ", count: (64 - unpadded % 64) % 64) + "\n"
        let length = UInt16(text.utf8.count)
        let magic: [UInt8] = [
            0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0, UInt8(length & 0xFF), UInt8(length >> 8),
        ]
        return Data(magic) + Data(text.utf8)
    }
}

/// Why an array cannot be written for NumPy.
public enum NumpyError: ReportedError, Equatable {
    /// NumPy has no such element type.
    case unsupportedDType(path: String, array: String, found: String)
    /// The source of an array gave another number of bytes than its shape demands.
    case wrongByteCount(path: String, array: String, expected: String, found: Int)

    /// What was expected and what was found, for a person to read.
    public var description: String {
        switch self {
        case .unsupportedDType(let path, let array, let found):
            "cannot write '\(path)', array '\(array)': expected an element type that NumPy has, "
                + "found \(found)"
        case .wrongByteCount(let path, let array, let expected, let found):
            "cannot write '\(path)', array '\(array)': expected \(expected) from its source, "
                + "found \(found) bytes"
        }
    }

    /// Bad input where the type cannot be stored, else a failure.
    public var exitStatus: ExitStatus {
        switch self {
        case .unsupportedDType: .badInput
        case .wrongByteCount: .runtimeFailure
        }
    }
}
