public import SpeechCore
public import Torch

extension DType {
    /// The element type of a safetensors file as a tensor's, if tensors have it.
    public init?(_ dtype: SafetensorsDType) {
        switch dtype {
        case .float64: self = .float64
        case .float32: self = .float32
        case .float16: self = .float16
        case .bfloat16: self = .bfloat16
        case .int64: self = .int64
        case .int32: self = .int32
        case .uint8: self = .uint8
        case .bool: self = .bool
        case .int16, .int8: return nil
        }
    }

    /// The same type in a safetensors file.
    public var safetensors: SafetensorsDType {
        switch self {
        case .float64: .float64
        case .float32: .float32
        case .float16: .float16
        case .bfloat16: .bfloat16
        case .int64: .int64
        case .int32: .int32
        case .uint8: .uint8
        case .bool: .bool
        }
    }
}

extension TensorShards {
    /// A tensor on the CPU in its stored type.
    ///
    /// - Throws: `TensorFileError` where there is none or tensors cannot have its type, or an error
    ///   of the file's format.
    public func tensor(_ name: String) throws -> Tensor {
        let file = try requiredFile(of: name)
        guard let info = file.entry(name), let dtype = DType(info.dtype) else {
            throw TensorFileError.notConvertible(
                path: file.path, tensor: name, expected: "a type that LibTorch's operators take",
                found: file.entry(name)?.dtype.rawValue ?? "none")
        }
        let tensor = try Tensor.filled(dtype: dtype, info.shape) { try file.read(name, into: $0) }
        // Without this a large checkpoint would be in memory twice: as pages and as tensors.
        try file.releasePages(of: name)
        return tensor
    }
}

extension SafetensorsEntry {
    /// Describes a tensor to be written in its own type; its values are copied to the host only
    /// when its turn comes.
    public init(name: String, tensor: Tensor) {
        self.init(name: name, dtype: tensor.dtype.safetensors, shape: tensor.shape) { emit in
            try tensor.withHostBytes { try emit($0) }
        }
    }
}
