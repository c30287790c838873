extension TensorFile {
    /// The elements in row-major order as `Float`, converted from any element type.
    ///
    /// - Throws: as `withBytes`.
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
    /// - Throws: as `withBytes`.
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
    /// - Throws: as `withBytes`, and `TensorFileError.notConvertible` when the tensor is of a
    ///   floating-point type and holds something other than whole numbers.
    public func integers(_ name: String) throws -> [Int] {
        guard try found(name).dtype.isFloatingPoint else {
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
                throw TensorFileError.notConvertible(
                    path: path, tensor: name, expected: "whole numbers", found: "\($0)")
            }
            return whole
        }
    }

    private func found(_ name: String) throws -> SafetensorsTensorInfo {
        guard let info = entry(name) else {
            throw TensorFileError.missingTensor(paths: [path], tensor: name)
        }
        return info
    }

    private func elements<R>(
        _ name: String, as type: R.Type, double: (Double) -> R, whole: (Int) -> R,
        half: (Float) -> R
    ) throws -> [R] {
        let dtype = try found(name).dtype
        return try withBytes(of: name) { bytes in
            switch dtype {
            case .float64:
                return R.self == Double.self
                    ? copy(bytes) : convert(bytes) { double(Double(bitPattern: $0)) }
            case .float32:
                return R.self == Float.self
                    ? copy(bytes) : convert(bytes) { half(Float(bitPattern: $0)) }
            case .float16: return convert(bytes) { half(HalfPrecision.float(half: $0)) }
            case .bfloat16: return convert(bytes) { half(HalfPrecision.float(bfloat: $0)) }
            case .int64: return convert(bytes) { (value: Int64) in whole(Int(value)) }
            case .int32: return convert(bytes) { (value: Int32) in whole(Int(value)) }
            case .int16: return convert(bytes) { (value: Int16) in whole(Int(value)) }
            case .int8: return convert(bytes) { (value: Int8) in whole(Int(value)) }
            case .uint8: return convert(bytes) { (value: UInt8) in whole(Int(value)) }
            case .bool: return convert(bytes) { (value: UInt8) in whole(value == 0 ? 0 : 1) }
            }
        }
    }
}

/// Copies elements stored in the layout of `R` itself (every supported platform is little endian).
private func copy<R>(_ bytes: UnsafeRawBufferPointer) -> [R] {
    let count = bytes.count / MemoryLayout<R>.stride
    return [R](unsafeUninitializedCapacity: count) { buffer, filled in
        UnsafeMutableRawBufferPointer(buffer).copyMemory(
            from: UnsafeRawBufferPointer(rebasing: bytes.prefix(count * MemoryLayout<R>.stride)))
        filled = count
    }
}

@inline(__always)
private func convert<S: FixedWidthInteger & BitwiseCopyable, R>(
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
