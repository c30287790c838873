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
        get { withHandle { ct_requires_grad($0) } ?? false }
        set {
            let status = withHandle { ct_set_requires_grad($0, newValue) } ?? 0
            TorchFailure.check(status, "requires gradient of \(summary)")
        }
    }

    /// Whether an operator on these tensors is recorded.
    public static func records(_ tensors: [Tensor?]) -> Bool {
        ct_grad_enabled() && tensors.contains { $0?.requiresGradient == true }
    }

    /// The gradient accumulated by `backward()`, of this tensor's shape.
    public var gradient: Tensor? {
        get { withHandle { ct_grad($0) }.flatMap { $0 }.map { Tensor($0) } }
        set {
            let status = withExtendedLifetime(newValue) {
                withHandle { ct_set_grad($0, newValue?.handle) } ?? 0
            }
            TorchFailure.check(status, "gradient of \(summary)")
        }
    }

    /// The same values, whose gradient is multiplied by a factor; exactly the same for factors from
    /// ½ to 1.
    public func scalingGradient(by factor: Double) -> Tensor {
        let part = self * factor
        return part + (self - part).detached()
    }

    /// The same memory without history.
    public func detached() -> Tensor {
        var result: OpaquePointer?
        TorchFailure.check(withHandle { ct_detach($0, &result) } ?? 0, "detach of \(summary)")
        return Tensor(result)
    }

    /// Adds d(self · gradient)/d(leaf) to the `gradient` of every leaf that requires one.
    ///
    /// * `gradient`: of this tensor's shape; may be left out for a scalar.
    public func backward(gradient: Tensor? = nil, retainGraph: Bool = false) {
        if ct_scope_failed() { return }
        let status = withExtendedLifetime(gradient) {
            withHandle { ct_backward($0, gradient?.handle, retainGraph) } ?? 0
        }
        TorchFailure.check(status, "backward of \(summary)")
    }

    /// d(self · gradient)/d(inputs) without touching anybody's `gradient`; nil where unused.
    ///
    /// * `gradient`: of this tensor's shape; may be left out for a scalar.
    public func gradients(of inputs: [Tensor], gradient: Tensor? = nil) -> [Tensor?] {
        if ct_scope_failed() { return inputs.map { _ in nil } }
        var results = [OpaquePointer?](repeating: nil, count: inputs.count)
        let handles = inputs.map { $0.handle! }
        let status = withExtendedLifetime((inputs, gradient)) {
            withHandle {
                ct_gradients($0, gradient?.handle, handles, Int32(handles.count), &results)
            } ?? 0
        }
        TorchFailure.check(status, "gradients of \(summary)")
        return results.map { $0.map { Tensor($0) } }
    }
}
