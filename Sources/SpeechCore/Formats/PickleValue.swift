/// A value of a pickle: data only, nothing of it has been run.
///
/// Values with members stand in the lists of `Pickle` and are named by their place there. Nothing is
/// nested in memory, so neither depth nor loops nor values that occur in many places cost anything.
package enum PickleValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case integer(Int)
    /// A whole number beyond 64 bits, in two's complement, lowest byte first.
    case largeInteger([UInt8])
    case number(Double)
    case string(String)
    case bytes([UInt8])
    /// A tuple or list, by its place in `Pickle.sequences`.
    case sequence(Int)
    /// A dictionary, by its place in `Pickle.dictionaries`.
    case dictionary(Int)
    /// One of the few callables that a checkpoint may name.
    case callable(PickleCallable)
    /// The memory of tensors, by its place in `Pickle.storages`.
    case storage(Int)
    /// A view of a storage, by its place in `Pickle.tensors`.
    case tensor(Int)
    /// An object that is kept as data, by its place in `Pickle.records`.
    case record(Int)

    /// What the value is, in words, for messages.
    package var summary: String {
        switch self {
        case .null: return "None"
        case .bool(let value): return value ? "True" : "False"
        case .integer(let value): return "the number \(value)"
        case .largeInteger(let bytes): return "a number of \(bytes.count) bytes"
        case .number(let value): return "the number \(value)"
        case .string(let text):
            return text.count <= 60 ? "the text '\(text)'" : "the text '\(text.prefix(60))…'"
        case .bytes(let bytes): return "\(bytes.count) bytes"
        case .sequence: return "a tuple or list"
        case .dictionary: return "a dictionary"
        case .callable(let callable): return "'\(callable.name)'"
        case .storage: return "a storage"
        case .tensor: return "a tensor"
        case .record: return "an object"
        }
    }
}

/// The callables that a checkpoint may name.
///
/// None is ever called: each stands for a value that this package knows how to build.
package enum PickleCallable: Sendable, Hashable {
    case orderedDict
    case defaultDict
    case rebuildTensor
    case rebuildParameter
    case storage(SafetensorsDType)
    /// A class or function whose results are kept as records: name, arguments and state.
    case inert(String)

    /// Those of tensors, by module and name; every other callable is refused.
    static let ofTensors: [String: PickleCallable] = [
        "collections.OrderedDict": .orderedDict,
        "torch._utils._rebuild_tensor_v2": .rebuildTensor,
        "torch._utils._rebuild_parameter": .rebuildParameter,
        "torch.DoubleStorage": .storage(.float64),
        "torch.FloatStorage": .storage(.float32),
        "torch.HalfStorage": .storage(.float16),
        "torch.BFloat16Storage": .storage(.bfloat16),
        "torch.LongStorage": .storage(.int64),
        "torch.IntStorage": .storage(.int32),
        "torch.ShortStorage": .storage(.int16),
        "torch.CharStorage": .storage(.int8),
        "torch.ByteStorage": .storage(.uint8),
        "torch.BoolStorage": .storage(.bool),
    ]

    /// Module and name.
    package var name: String {
        switch self {
        case .inert(let name): return name
        case .defaultDict: return "collections.defaultdict"
        default: return Self.ofTensors.first { $0.value == self }?.key ?? ""
        }
    }
}

/// The memory of one or several tensors, outside the pickle.
package struct PickleStorage: Sendable, Hashable {
    /// Its name in the archive.
    package let key: String
    /// The element type.
    package let dtype: SafetensorsDType
    /// The number of elements.
    package let count: Int
}

/// A tensor: which elements of a storage it consists of.
package struct PickleTensor: Sendable, Equatable {
    /// The place of its storage in `Pickle.storages`.
    package let storage: Int
    /// The first element.
    package let offset: Int
    /// The sizes, outermost first.
    package let shape: [Int]
    /// The elements between neighbours along each dimension.
    package let strides: [Int]
}

/// What one pickle describes.
package struct Pickle: Sendable {
    /// A dictionary, its members in order.
    package struct Dictionary: Sendable {
        /// Keys and values, in the order of the pickle.
        package internal(set) var members: [(key: PickleValue, value: PickleValue)] = []
        /// Whether it is an `OrderedDict`, which may carry attributes.
        let isOrdered: Bool
    }

    /// An object of which nothing is known but what the pickle says: no code of its class has run.
    package struct Record: Sendable, Equatable {
        /// Module and name of the class or function.
        package let name: String
        /// What it would have been called with.
        package let arguments: [PickleValue]
        /// What it would have been filled with; null where there is nothing.
        package internal(set) var state = PickleValue.null
    }

    /// The value itself.
    package internal(set) var root = PickleValue.null
    /// The tuples and lists.
    package internal(set) var sequences: [[PickleValue]] = []
    /// The dictionaries.
    package internal(set) var dictionaries: [Dictionary] = []
    /// The storages.
    package internal(set) var storages: [PickleStorage] = []
    /// The tensors.
    package internal(set) var tensors: [PickleTensor] = []
    /// The objects.
    package internal(set) var records: [Record] = []
    /// The bytes that the pickle took.
    package internal(set) var byteCount = 0
}

/// How much a pickle may hold; real checkpoints stay far below.
package struct PickleLimits: Sendable {
    /// Bytes of the pickle.
    package var bytes = 64 << 20
    /// Values put on the stack, whether kept or not: bounds time and memory.
    package var values = 4 << 20
    /// Values remembered under a number.
    package var memo = 1 << 20
    /// Bytes of one text, name or byte string.
    package var text = 1 << 20

    /// The usual limits.
    package init() {}
}

/// What is wrong with a pickled checkpoint.
public enum PickleError: ReportedError, Equatable {
    /// The file is neither a ZIP archive nor a pickle of PyTorch.
    case notACheckpoint(path: String, found: String)
    /// The pickle or the data behind it ends too early.
    case truncated(path: String, part: String, expected: Int, found: Int)
    /// The pickle names a callable other than those that tensors need.
    case forbiddenCallable(path: String, offset: Int, name: String)
    /// The pickle uses an instruction that checkpoints do not need.
    case forbiddenInstruction(path: String, offset: Int, instruction: UInt8)
    /// The pickle does something that no checkpoint does.
    case malformed(path: String, offset: Int, expected: String, found: String)
    /// The pickle holds more of something than any checkpoint does.
    case tooLarge(path: String, what: String, limit: Int)
    /// The pickle is fine but is not a dictionary of tensors that can be read.
    case wrongContent(path: String, tensor: String, expected: String, found: String)
    /// A setting beside the tensors is missing or of another type.
    case wrongSetting(path: String, key: String, expected: String, found: String)

    /// What was expected and what was found, for a person to read.
    public var description: String {
        switch self {
        case .notACheckpoint(let path, let found):
            return "'\(path)' is not a PyTorch checkpoint: expected a ZIP archive or a pickle, "
                + "found \(found)"
        case .truncated(let path, let part, let expected, let found):
            return "'\(path)' is truncated: \(part) needs \(expected) bytes, found \(found)"
        case .forbiddenCallable(let path, let offset, let name):
            return "'\(path)' is not read: its pickle calls '\(name)' (byte \(offset)); expected "
                + "tensors and dictionaries only, as code in a checkpoint is never run"
        case .forbiddenInstruction(let path, let offset, let instruction):
            return "'\(path)' is not read: byte \(offset) of its pickle: expected an instruction "
                + "that tensors need, found 0x\(String(instruction, radix: 16))"
        case .malformed(let path, let offset, let expected, let found):
            return "'\(path)' has a malformed pickle: byte \(offset): expected \(expected), found "
                + found
        case .tooLarge(let path, let what, let limit):
            return "'\(path)' is not read: expected at most \(limit) \(what), found more"
        case .wrongContent(let path, let tensor, let expected, let found):
            let place = tensor.isEmpty ? "'\(path)'" : "'\(path)', tensor '\(tensor)'"
            return "\(place): expected \(expected), found \(found)"
        case .wrongSetting(let path, let key, let expected, let found):
            return "'\(path)', setting '\(key)': expected \(expected), found \(found)"
        }
    }

    /// The exit code that this error ends the command with.
    public var exitStatus: ExitStatus { .badInput }
}
