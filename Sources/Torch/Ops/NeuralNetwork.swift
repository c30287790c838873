extension Operator {
    fileprivate static let conv1d = Operator("aten::conv1d")
    fileprivate static let conv2d = Operator("aten::conv2d")
    fileprivate static let layerNorm = Operator("aten::layer_norm")
    fileprivate static let batchNorm = Operator("aten::batch_norm")
    fileprivate static let attention = Operator("aten::scaled_dot_product_attention")
    fileprivate static let bicubic = Operator("aten::upsample_bicubic2d")
    fileprivate static let l1 = Operator("aten::l1_loss")
    fileprivate static let mse = Operator("aten::mse_loss")
    fileprivate static let ctc = Operator("aten::ctc_loss", "IntList")
}

extension Tensor {
    /// One-dimensional cross-correlation of [B, I, T] with [O, I / groups, K].
    public func convolution1d(
        _ weight: Tensor, _ bias: Tensor? = nil, stride: Int = 1, padding: Int = 0,
        groups: Int = 1
    ) -> Tensor {
        Operator.conv1d(
            .tensor(self), .tensor(weight), .optional(bias), .ints([stride]), .ints([padding]),
            .ints([1]), .int(groups))
    }

    /// Two-dimensional cross-correlation of [B, I, H, W] with [O, I / groups, K, L].
    public func convolution2d(
        _ weight: Tensor, _ bias: Tensor? = nil, stride: [Int] = [1, 1],
        padding: [Int] = [0, 0], groups: Int = 1
    ) -> Tensor {
        Operator.conv2d(
            .tensor(self), .tensor(weight), .optional(bias), .ints(stride), .ints(padding),
            .ints([1, 1]), .int(groups))
    }

    /// Normalises the last dimension to mean 0 and variance 1, then scales and shifts.
    public func layerNorm(_ weight: Tensor?, _ bias: Tensor?, epsilon: Double) -> Tensor {
        Operator.layerNorm(
            .tensor(self), .ints([size(-1)]), .optional(weight), .optional(bias),
            .double(epsilon))
    }

    /// Normalises the channels of [B, C, …] by running statistics.
    public func batchNorm(
        weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor, epsilon: Double
    ) -> Tensor {
        Operator.batchNorm(
            .tensor(self), .tensor(weight), .tensor(bias), .tensor(mean), .tensor(variance),
            .bool(false), .double(0), .double(epsilon), .bool(false))
    }

    /// Normalises the channels of [B, C, …] by the statistics of this input.
    public func batchNorm(weight: Tensor, bias: Tensor, epsilon: Double) -> Tensor {
        Operator.batchNorm(
            .tensor(self), .tensor(weight), .tensor(bias), .optional(nil), .optional(nil),
            .bool(true), .double(0),
            .double(epsilon), .bool(false))
    }

    /// softmax(self · keyᵀ / √d + mask) · value for heads [B, n, T, d].
    ///
    /// * `mask`: broadcastable to [B, n, T, T]; `bool` keeps what is true, floating point
    ///   is added.
    public func attention(key: Tensor, value: Tensor, mask: Tensor? = nil) -> Tensor {
        Operator.attention(.tensor(self), .tensor(key), .tensor(value), .optional(mask))
    }

    /// [B, T, D] with another number of rows, by cubic interpolation between them
    /// (`torch.nn.functional.interpolate` with `mode="bicubic"`).
    public func resizedRows(to count: Int) -> Tensor {
        Operator.bicubic(
            .tensor(unsqueeze(1)), .ints([count, size(2)]), .bool(false), .none, .none
        ).squeeze(1)
    }

    /// The mean absolute difference.
    public func l1Loss(_ target: Tensor) -> Tensor {
        Operator.l1(.tensor(self), .tensor(target))
    }

    /// The mean squared difference.
    public func mseLoss(_ target: Tensor) -> Tensor {
        Operator.mse(.tensor(self), .tensor(target))
    }

    /// The negative log-likelihood of label sequences under all their alignments (CTC), for log
    /// probabilities [T, B, V] in `float32` or `float64`.
    ///
    /// * `targets`: `int64` [S]: the labels of all clips, one clip behind the other, no blanks.
    /// * `inputLengths`: the frames of each clip, B numbers up to T.
    /// * `targetLengths`: the labels of each clip, B numbers with the sum S.
    /// * `reduction`: `mean` first divides the loss of each clip by its labels, at least 1.
    /// * `zeroesInfinity`: whether clips with more labels than frames have loss 0 instead of +∞.
    public func ctcLoss(
        _ targets: Tensor, inputLengths: [Int], targetLengths: [Int], blank: Int,
        reduction: LossReduction = .mean, zeroesInfinity: Bool = false
    ) -> Tensor {
        Operator.ctc(
            .tensor(self), .tensor(targets), .ints(inputLengths), .ints(targetLengths),
            .int(blank), .int(reduction.rawValue), .bool(zeroesInfinity))
    }
}

/// How a loss joins the losses of the clips of a batch, with LibTorch's numbers.
public enum LossReduction: Int, Sendable {
    /// One loss for each clip.
    case none = 0
    /// Their mean.
    case mean = 1
    /// Their sum.
    case sum = 2
}
