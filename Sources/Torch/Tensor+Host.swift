import CTorch

extension Tensor {
    /// Makes a tensor from host values in row-major order.
    ///
    /// * `values`: as many as the product of `shape`; not checked inside an error scope that has
    ///   failed, where the lengths of failed tensors mean nothing.
    /// * `shape`: empty for a scalar.
    public convenience init<Element: TensorElement>(
        _ values: [Element], _ shape: [Int], device: Device = .cpu
    ) {
        precondition(
            values.count == shape.reduce(1, *) || ct_scope_failed(),
            "\(values.count) values for a tensor of shape \(shape)")
        self.init(
            values.withUnsafeBytes { Tensor.copied($0, dtype: Element.dtype, shape, device) })
    }

    /// Makes a tensor from raw bytes of `dtype` in row-major order.
    public convenience init(
        bytes: UnsafeRawBufferPointer, dtype: DType, _ shape: [Int], device: Device = .cpu
    ) {
        precondition(
            bytes.count == shape.reduce(dtype.byteCount, *) || ct_scope_failed(),
            "\(bytes.count) bytes for a \(dtype) tensor of shape \(shape)")
        self.init(Tensor.copied(bytes, dtype: dtype, shape, device))
    }

    /// Makes a tensor on the CPU whose bytes, in row-major order, `fill` writes.
    ///
    /// - Throws: what `fill` throws.
    public static func filled(
        dtype: DType, _ shape: [Int], _ fill: (UnsafeMutableRawBufferPointer) throws -> Void
    ) rethrows -> Tensor {
        _ = Engine.initialized
        if ct_scope_failed() { return .failed }
        let sizes = shape.map { Int64($0) }
        var handle: OpaquePointer?
        guard ct_new_host(dtype.rawValue, sizes, Int32(sizes.count), &handle) == 0 else {
            TorchFailure.report("\(shape) \(dtype) on the host")
            return .failed
        }
        let tensor = Tensor(handle)
        // An empty tensor may have no memory.
        let address = handle.flatMap { ct_data($0) }
        let bytes = shape.reduce(dtype.byteCount, *)
        try withExtendedLifetime(tensor) {
            try fill(
                UnsafeMutableRawBufferPointer(
                    start: address, count: address == nil ? 0 : bytes))
        }
        return tensor
    }

    private static func copied(
        _ bytes: UnsafeRawBufferPointer, dtype: DType, _ shape: [Int], _ device: Device
    ) -> OpaquePointer? {
        filled(dtype: dtype, shape) { $0.copyMemory(from: bytes) }.to(device).relinquish()
    }

    /// Makes a tensor of one value without dimensions.
    public static func scalar<Element: TensorElement>(
        _ value: Element, device: Device = .cpu
    ) -> Tensor {
        Tensor([value], [], device: device)
    }

    /// Copies the values to the host in row-major order, converting the element type if need be.
    ///
    /// Inside an error scope that has failed the result is empty.
    public func values<Element: TensorElement>(_ type: Element.Type = Element.self) -> [Element] {
        if ct_scope_failed() { return [] }
        let source = dtype == Element.dtype ? self : to(Element.dtype)
        let count = source.count
        return [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
            guard let address = buffer.baseAddress else { return }
            let bytes = count * MemoryLayout<Element>.stride
            guard let status = source.withHandle({ ct_to_host($0, address, bytes) }) else { return }
            TorchFailure.check(status, "copy of \(summary) to the host")
            initialized = status == 0 ? count : 0
        }
    }

    /// The values as `Float`.
    public func floats() -> [Float] { values() }

    /// The values as `Double`.
    public func doubles() -> [Double] { values() }

    /// The values as `Int`.
    public func integers() -> [Int] { values(Int64.self).map { Int($0) } }

    /// The only value; 0 inside an error scope that has failed.
    public func item() -> Double {
        let values = doubles()
        precondition(values.count <= 1, "item() of a tensor of shape \(shape)")
        return values.first ?? 0
    }

    /// Runs `body` on the values' bytes in row-major order, copying only if they are elsewhere.
    public func withHostBytes<Result>(
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        let host = withoutGradients { self.detached().to(.cpu).contiguous() }
        guard let handle = host.handle, let address = ct_data(handle) else {
            return try body(UnsafeRawBufferPointer(start: nil, count: 0))
        }
        defer { withExtendedLifetime(host) {} }
        return try body(
            UnsafeRawBufferPointer(start: address, count: host.count * host.dtype.byteCount))
    }
}
