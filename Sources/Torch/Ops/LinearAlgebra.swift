extension Operator {
    fileprivate static let eigenvalues = Operator("aten::linalg_eigvalsh")
}

extension Tensor {
    /// The eigenvalues of symmetric matrices [..., N, N], ascending, [..., N]; only the lower
    /// triangles are read.
    ///
    /// Fails for values that are not finite.
    public func symmetricEigenvalues() -> Tensor {
        Operator.eigenvalues(.tensor(self), .text("L"))
    }
}
