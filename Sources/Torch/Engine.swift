import CTorch

/// LibTorch as a whole: version, threads, devices.
public enum Engine {
    /// Loads device libraries and prepares the allocator.
    ///
    /// Comes before everything that may ask LibTorch for its devices: it looks for them once, and
    /// libraries that are loaded later are never found.
    static let initialized: Void = ct_initialize()

    /// LibTorch's version, such as `2.13.0`.
    public static var version: String { String(cString: ct_version()) }

    /// How this LibTorch was built: compiler, BLAS, oneDNN, instruction sets.
    public static var buildConfiguration: String {
        _ = initialized
        return String(cString: ct_build_configuration())
    }

    /// The instruction set that ATen's own kernels use on this processor, such as `AVX512`.
    public static var cpuCapability: String { String(cString: ct_cpu_capability()) }

    /// The number of CUDA devices that can be used; 0 with a CPU-only LibTorch.
    public static var cudaDeviceCount: Int {
        _ = initialized
        return Int(ct_cuda_device_count())
    }

    /// Gives host memory that no tensor uses back to the system.
    ///
    /// Freed memory is otherwise kept for the next step; after a failure for want of memory, other
    /// parts of the process may need it.
    public static func releaseUnusedMemory() { ct_release_memory() }

    /// The most bytes of host memory that tensors made by this thread took at a time during a call,
    /// beside its result.
    ///
    /// Freed memory stays with the process, whose size therefore says less.
    public static func peakTensorBytes<Result>(
        of body: () throws -> Result
    ) rethrows -> (result: Result, bytes: Int) {
        _ = initialized
        ct_memory_watch_start()
        var bytes = 0
        let result = try {
            defer { bytes = Int(ct_memory_watch_stop()) }
            return try body()
        }()
        return (result, bytes)
    }

    /// Threads that one operator may use on the CPU.
    ///
    /// OpenMP keeps this number and its pool of threads for each calling thread, so training and
    /// encoding run on the thread that set it.
    public static var threads: Int {
        get { Int(ct_threads()) }
        set { TorchFailure.check(ct_set_threads(Int32(newValue)), "set threads") }
    }
}
