/// The element types of safetensors files that this package reads and writes.
public enum SafetensorsDType: String, Sendable, Hashable, CaseIterable {
    case float64 = "F64"
    case float32 = "F32"
    case float16 = "F16"
    case bfloat16 = "BF16"
    case int64 = "I64"
    case int32 = "I32"
    case int16 = "I16"
    case int8 = "I8"
    case uint8 = "U8"
    case bool = "BOOL"

    /// The size of one element in bytes.
    public var byteCount: Int {
        switch self {
        case .float64, .int64: return 8
        case .float32, .int32: return 4
        case .float16, .bfloat16, .int16: return 2
        case .int8, .uint8, .bool: return 1
        }
    }

    /// Whether the elements are floating-point numbers.
    public var isFloatingPoint: Bool {
        switch self {
        case .float64, .float32, .float16, .bfloat16: return true
        case .int64, .int32, .int16, .int8, .uint8, .bool: return false
        }
    }

    /// The number of bytes of a tensor, or nil when it does not fit an `Int` or a size is negative.
    func byteCount(shape: [Int]) -> Int? {
        var total = byteCount
        for size in shape {
            guard size >= 0 else { return nil }
            let (product, overflow) = total.multipliedReportingOverflow(by: size)
            guard !overflow else { return nil }
            total = product
        }
        return total
    }
}

/// What a checkpoint file says about one tensor.
public struct SafetensorsTensorInfo: Sendable, Hashable {
    /// The element type.
    public let dtype: SafetensorsDType
    /// The sizes, outermost first; empty for a scalar.
    public let shape: [Int]
    /// The size of the data in bytes.
    public let byteCount: Int

    /// The number of elements.
    public var elementCount: Int { byteCount / dtype.byteCount }
}

/// What is wrong with a safetensors file, or with what should become one.
public enum SafetensorsError: ReportedError, Equatable {
    /// The file ends before the header or the data it announces.
    case truncated(path: String, part: String, expected: Int, found: Int)
    /// The header is longer than any real one (the file is something else).
    case headerTooLong(path: String, limit: Int, found: UInt64)
    /// The header is not the JSON that the format demands.
    case malformedHeader(path: String, detail: String)
    /// The entry of one tensor in the header is wrong.
    case malformedEntry(path: String, tensor: String, expected: String, found: String)
    /// A tensor has an element type that this package does not read.
    case unsupportedDType(path: String, tensor: String, found: String)
    /// Shape and element type ask for another number of bytes than the offsets span.
    case sizeMismatch(path: String, tensor: String, expected: String, found: Int)
    /// The data of the tensors overlaps, leaves a hole or does not reach the end of the file.
    case brokenLayout(path: String, tensor: String, expected: Int, found: Int)
    /// Two tensors to be written have one name.
    case duplicateTensor(path: String, tensor: String)
    /// The source of a tensor gave another number of bytes than its shape demands.
    case wrongByteCount(path: String, tensor: String, expected: Int, found: Int)

    /// What was expected and what was found, for a person to read.
    public var description: String {
        switch self {
        case .truncated(let path, let part, let expected, let found):
            return "'\(path)' is truncated: its \(part) needs \(expected) bytes, found \(found)"
        case .headerTooLong(let path, let limit, let found):
            return "'\(path)' is not a safetensors file: expected a header of at most \(limit) "
                + "bytes, found a length of \(found)"
        case .malformedHeader(let path, let detail):
            return "'\(path)' has a malformed safetensors header: \(detail)"
        case .malformedEntry(let path, let tensor, let expected, let found):
            return "'\(path)', tensor '\(tensor)': expected \(expected), found \(found)"
        case .unsupportedDType(let path, let tensor, let found):
            let known = SafetensorsDType.allCases.map(\.rawValue).joined(separator: ", ")
            return "'\(path)', tensor '\(tensor)': expected a dtype of \(known), found '\(found)'"
        case .sizeMismatch(let path, let tensor, let expected, let found):
            return "'\(path)', tensor '\(tensor)': expected \(expected), found \(found) bytes"
        case .brokenLayout(let path, let tensor, let expected, let found):
            return "'\(path)', tensor '\(tensor)': expected the data at offset \(expected), found "
                + "\(found) (tensors must follow one another without hole or overlap)"
        case .duplicateTensor(let path, let tensor):
            return "'\(path)': the tensor '\(tensor)' occurs twice"
        case .wrongByteCount(let path, let tensor, let expected, let found):
            return
                "cannot write '\(path)', tensor '\(tensor)': expected \(expected) bytes from its "
                + "source, found \(found)"
        }
    }

    /// The exit code that this error ends the command with.
    public var exitStatus: ExitStatus {
        switch self {
        case .wrongByteCount: return .runtimeFailure
        default: return .badInput
        }
    }
}
