import CTorch

/// Runs `body` without recording what gradients would need.
public func withoutGradients<Result>(_ body: () throws -> Result) rethrows -> Result {
    try withGradients(enabled: false, body)
}

/// Runs `body` with the recording for gradients switched on or off.
public func withGradients<Result>(
    enabled: Bool, _ body: () throws -> Result
) rethrows -> Result {
    let before = ct_grad_enabled()
    ct_set_grad_enabled(enabled)
    defer { ct_set_grad_enabled(before) }
    return try body()
}

extension Tensor {
    /// Whether operators on this tensor are recorded for gradients.
    public var requiresGradient: Bool {
        get { handle.map { ct_requires_grad($0) } ?? false }
        set {
            guard let handle else { return }
            TorchFailure.check(ct_set_requires_grad(handle, newValue), "requires gradient")
        }
    }

    /// The gradient accumulated by `backward()`, of this tensor's shape.
    public var gradient: Tensor? {
        get { handle.flatMap { ct_grad($0) }.map { Tensor($0) } }
        set {
            guard let handle else { return }
            TorchFailure.check(ct_set_grad(handle, newValue?.handle), "set gradient")
        }
    }

    /// The same memory without history.
    public func detached() -> Tensor {
        guard let handle else { return .failed }
        var result: OpaquePointer?
        TorchFailure.check(ct_detach(handle, &result), "detach")
        return Tensor(result)
    }

    /// Adds d(self · gradient)/d(leaf) to the `gradient` of every leaf that requires one.
    ///
    /// - Parameter gradient: of this tensor's shape; may be left out for a scalar.
    public func backward(gradient: Tensor? = nil, retainGraph: Bool = false) {
        guard let handle, !ct_scope_failed() else { return }
        let status = withExtendedLifetime(gradient) {
            ct_backward(handle, gradient?.handle, retainGraph)
        }
        TorchFailure.check(status, "backward of \(summary)")
    }

    /// d(self · gradient)/d(inputs) without touching anybody's `gradient`; nil where unused.
    ///
    /// - Parameter gradient: of this tensor's shape; may be left out for a scalar.
    public func gradients(of inputs: [Tensor], gradient: Tensor? = nil) -> [Tensor?] {
        guard let handle, !ct_scope_failed() else { return inputs.map { _ in nil } }
        var results = [OpaquePointer?](repeating: nil, count: inputs.count)
        let handles = inputs.map { $0.handle! }
        let status = withExtendedLifetime((inputs, gradient)) {
            ct_gradients(handle, gradient?.handle, handles, Int32(handles.count), &results)
        }
        TorchFailure.check(status, "gradients of \(summary)")
        return results.map { $0.map { Tensor($0) } }
    }
}
