import CTorch

/// A source of random numbers for tensors, whose state can be saved and restored.
public final class RandomGenerator {
    let handle: OpaquePointer

    private init(handle: OpaquePointer?) {
        guard let handle else {
            fatalError("random generator: \(String(cString: ct_last_error()))")
        }
        self.handle = handle
    }

    /// A generator of its own, on the CPU unless said otherwise.
    public convenience init(seed: UInt64, device: Device = .cpu) {
        _ = Engine.initialized
        var handle: OpaquePointer?
        _ = ct_generator_new(device.code, seed, &handle)
        self.init(handle: handle)
    }

    /// The generator that dropout and other random operators of a device use.
    public static func standard(of device: Device = .cpu) -> RandomGenerator {
        _ = Engine.initialized
        var handle: OpaquePointer?
        _ = ct_generator_default(device.code, &handle)
        return RandomGenerator(handle: handle)
    }

    deinit { ct_generator_release(handle) }

    /// Starts the sequence that belongs to `seed`.
    public func seed(_ seed: UInt64) {
        TorchFailure.check(ct_generator_seed(handle, seed), "seed")
    }

    /// The whole state as bytes; setting it continues the sequence from there.
    public var state: [UInt8] {
        get {
            var result: OpaquePointer?
            TorchFailure.check(ct_generator_state(handle, &result), "generator state")
            return Tensor(result).values()
        }
        set {
            let tensor = Tensor(newValue, [newValue.count])
            let status = tensor.withHandle { ct_generator_set_state(handle, $0) } ?? 0
            TorchFailure.check(status, "set generator state of \(newValue.count) bytes")
        }
    }
}
