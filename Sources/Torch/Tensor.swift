import CTorch

/// An n-dimensional array on a device, with its history when gradients are recorded.
///
/// A tensor is a reference: it owns one handle of LibTorch and frees it when it goes away. It is
/// deliberately not `Sendable`; host arrays cross isolation, tensors never do.
public final class Tensor {
    /// Null only for what a failed operator returns inside `withTorchErrors`.
    private(set) var handle: OpaquePointer?

    init(_ handle: OpaquePointer?) {
        self.handle = handle
    }

    /// Stands for the result of a failed operator.
    static var failed: Tensor { Tensor(nil) }

    deinit {
        if let handle { ct_release(handle) }
    }

    /// Gives the handle away; nothing may use this tensor afterwards.
    func relinquish() -> OpaquePointer? {
        defer { handle = nil }
        return handle
    }

    /// Runs `body` on the handle, nil without one; the tensor lives until `body` has returned.
    func withHandle<Result>(_ body: (OpaquePointer) -> Result) -> Result? {
        withExtendedLifetime(self) { handle.map(body) }
    }

    /// The number of dimensions.
    public var rank: Int { withHandle { Int(ct_rank($0)) } ?? 0 }

    /// The length of every dimension.
    public var shape: [Int] { (0..<rank).map { size($0) } }

    /// The length of one dimension; negative ones count from the last.
    public func size(_ dimension: Int) -> Int {
        let length = withHandle { handle in
            let rank = Int(ct_rank(handle))
            precondition(
                -rank..<rank ~= dimension, "dimension \(dimension) of a tensor of rank \(rank)")
            return Int(ct_size(handle, Int32(dimension < 0 ? dimension + rank : dimension)))
        }
        // 1 lets code after a failed operator run on to the end of its scope.
        return length ?? 1
    }

    /// The number of elements.
    public var count: Int { withHandle { Int(ct_count($0)) } ?? 0 }

    /// Whether the values lie in row-major order without gaps.
    public var isContiguous: Bool { withHandle { ct_is_contiguous($0) } ?? true }

    /// The element type.
    public var dtype: DType {
        guard let code = withHandle({ ct_dtype($0) }) else { return .float32 }
        guard let dtype = DType(rawValue: code) else {
            fatalError("tensor of unsupported scalar type \(code)")
        }
        return dtype
    }

    /// Where the values are.
    public var device: Device { withHandle { Device(code: ct_device($0)) } ?? .cpu }

    /// Shape, type and, off the CPU, device, for error messages.
    public var summary: String {
        guard handle != nil else { return "failed" }
        let place = device == .cpu ? "" : " on \(device)"
        return "\(shape) \(dtype)\(place)"
    }
}

extension Tensor: CustomStringConvertible {
    /// Shape, type and the first values.
    public var description: String {
        guard handle != nil else { return "Tensor(failed)" }
        let shown = count == 0 ? [] : reshape([count]).narrow(0, 0, min(count, 8)).doubles()
        let values = shown.map { "\($0)" }.joined(separator: ", ")
        return "Tensor(\(summary): \(values)\(count > 8 ? ", …" : ""))"
    }
}
