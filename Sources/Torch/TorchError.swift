import CTorch

/// A failure inside LibTorch, thrown by `withTorchErrors`.
public struct TorchError: Error, CustomStringConvertible, Sendable {
    /// The operator, the shapes of its arguments and LibTorch's first line.
    public let message: String

    /// Whether memory ran out, on the host or on a device.
    public var isOutOfMemory: Bool {
        // CUDA and its allocator; the CPU allocator; C++ itself; cuBLAS and cuDNN.
        ["out of memory", "can't allocate memory", "bad_alloc", "ALLOC_FAILED"].contains {
            message.contains($0)
        }
    }

    /// The message itself.
    public var description: String { message }
}

/// Runs `body` with failures of operators turned into a thrown error.
///
/// The first failure is kept; the operators after it do nothing, and the scope throws the failure
/// when `body` ends. Tensors made after the failure hold no values and must not leave the scope.
/// Outside any scope a failed operator stops the program. A scope opened inside one that has failed
/// does nothing either and throws the same failure.
///
/// - Throws: `TorchError`, or what `body` throws if no operator failed.
public func withTorchErrors<Result>(_ body: () throws -> Result) throws -> Result {
    ct_scope_enter()
    let result = Swift.Result { try body() }
    if ct_scope_leave() {
        throw TorchError(message: String(cString: ct_last_error()))
    }
    return try result.get()
}

/// What happens when a call into LibTorch fails.
enum TorchFailure {
    /// Whether the current scope has failed, so that operators do nothing.
    static var isPending: Bool { ct_scope_failed() }

    /// Records the failure in the current scope, or stops the program when there is none.
    static func report(_ what: @autoclosure () -> String) {
        let reason = String(cString: ct_last_error())
        let firstLine = reason.prefix { $0 != "\n" }
        let message = "\(what()): \(firstLine)"
        if !ct_scope_fail(message) {
            fatalError(message)
        }
    }

    /// Reports a failure unless `status` is 0.
    static func check(_ status: Int32, _ what: @autoclosure () -> String) {
        if status != 0 { report(what()) }
    }
}
