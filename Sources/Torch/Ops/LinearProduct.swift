import CTorch

extension Operator {
    fileprivate static let linear = Operator("aten::linear")
    /// oneDNN's product with bias and activation in one kernel; it records no gradients.
    fileprivate static let linearPointwise = Operator(ifPresent: "mkldnn::_linear_pointwise")
    fileprivate static let reorderWeight = Operator(ifPresent: "mkldnn::_reorder_linear_weight")
}

/// An activation that a product can apply to its result before writing it.
public enum FusedActivation: Sendable {
    case none
    case relu
    case silu
    case gelu(GELUApproximation)

    fileprivate var attribute: StaticString {
        switch self {
        case .none: "none"
        case .relu: "relu"
        case .silu: "swish"
        case .gelu: "gelu"
        }
    }

    fileprivate var algorithm: Argument {
        if case .gelu(let form) = self { return .text(form.name) }
        return .none
    }

    fileprivate func callAsFunction(_ x: Tensor) -> Tensor {
        switch self {
        case .none: x
        case .relu: x.relu()
        case .silu: x.silu()
        case .gelu(let form): x.gelu(form)
        }
    }
}

extension Tensor {
    /// activation(self · weightᵀ + bias), [..., I] by [O, I] to [..., O].
    ///
    /// Three kernels compute it on the CPU, chosen by what is known and never by timing, so that a
    /// run computes the same twice: oneDNN's fused one where no gradient is recorded; a 1×1
    /// convolution, which also is oneDNN's, for `float32` where MKL would take its slow path
    /// (measured on a Zen 5 processor: 2.0 to 2.5 times as fast, forward and backward); LibTorch's
    /// own choice otherwise.
    ///
    /// * `packed`: keeps the weight in the fused kernel's own layout from call to call.
    public func linear(
        _ weight: Tensor, _ bias: Tensor? = nil, activation: FusedActivation = .none,
        packed: PackedWeight? = nil
    ) -> Tensor {
        guard device == .cpu, handle != nil, rank > 1, LinearKernels.fuse(dtype) else {
            return activation(plainLinear(weight, bias))
        }
        if !Tensor.records([self, weight, bias]), let fused = Operator.linearPointwise {
            let weight = packed?.layout(of: weight, rows: count / Swift.max(1, size(-1))) ?? weight
            return fused(
                .tensor(self), .tensor(weight), .optional(bias), .text(activation.attribute),
                .noScalars, activation.algorithm)
        }
        if dtype == .float32, count > 0, LinearKernels.prefersConvolution {
            return activation(convolutionLinear(weight, bias))
        }
        return activation(plainLinear(weight, bias))
    }

    private func plainLinear(_ weight: Tensor, _ bias: Tensor?) -> Tensor {
        Operator.linear(.tensor(self), .tensor(weight), .optional(bias))
    }

    /// Rows as the pixels of one channels-last image, [1, I, 1, R].
    private func convolutionLinear(_ weight: Tensor, _ bias: Tensor?) -> Tensor {
        let rows = rank == 2 ? self : flatten(0, rank - 2)  // [R, I]
        let image = rows.contiguous().unsqueeze(0).unsqueeze(0).permute([0, 3, 1, 2])
        let result = image.convolution2d(weight.unsqueeze(2).unsqueeze(3), bias)
            .permute([0, 2, 3, 1]).squeeze(0).squeeze(0)  // [R, O]
        return rank == 2 ? result : result.unflatten(0, Array(shape.dropLast()))
    }
}

/// A frozen weight in the layout that oneDNN's product reads fastest, made at the first call.
///
/// It takes as much memory as the weight itself, so large weights are not packed: a model of gigabytes
/// must not be in memory twice, and for the sizes of small models it helps most. Neither are weights
/// that require a gradient; one that is changed in place is packed again.
public final class PackedWeight {
    /// The most values of a weight that is packed: those of a layer of width 512.
    private static let largest = 1 << 20

    private var tensor: Tensor?
    private var changes: UInt32 = 0

    /// Packs nothing yet.
    public init() {}

    fileprivate func layout(of weight: Tensor, rows: Int) -> Tensor? {
        guard !weight.requiresGradient, weight.count <= Self.largest, let handle = weight.handle,
            let reorder = Operator.reorderWeight
        else { return nil }
        let now = ct_changes(handle)
        if tensor == nil || now != changes {
            tensor = reorder(.tensor(weight), .int(rows))
            changes = now
        }
        return tensor
    }
}

private enum LinearKernels {
    static let prefersConvolution = ct_is_foreign_to_mkl()
    private static let multipliesBFloat16 = Engine.cpuCapability.hasPrefix("AVX512")

    /// Whether oneDNN's own products of this type run on this processor.
    static func fuse(_ dtype: DType) -> Bool {
        dtype == .float32 || (dtype == .bfloat16 && multipliesBFloat16)
    }
}
