/// Normalisation of each channel of each clip over time: GroupNorm with one group a channel.
///
/// Statistics are taken in two passes, mean before variance, and never in half precision.
public struct InstanceNorm {
    /// [C].
    public let weight: Tensor
    /// [C].
    public let bias: Tensor
    private let epsilon: Double

    /// Values that are worked on at a time, so that all passes but the first find them in the cache.
    private static let blockSize = 1 << 19

    /// * `epsilon`: added to the variance.
    public init(_ scope: ParameterScope, channels: Int, epsilon: Double = 1e-5) {
        weight = scope.normParameter("weight", [channels], .ones)
        bias = scope.normParameter("bias", [channels], .zeros)
        self.epsilon = epsilon
    }

    /// [B, T, C] to [B, T, C].
    ///
    /// Every clip goes through the same operators as alone, so that nothing of its batch is in its
    /// statistics.
    ///
    /// * `lengths`: the frames of each clip that count; behind them the result is zero. Nil for all.
    public func callAsFunction(_ x: Tensor, lengths: [Int]? = nil) -> Tensor {
        let (clips, frames, channels) = (x.size(0), x.size(1), x.size(2))
        let isRecorded = Tensor.records([x, weight, bias])
        var rows: [Tensor] = []
        for clip in 0..<clips {
            let length = lengths?[clip] ?? frames
            let values = x.narrow(0, clip, 1).narrow(1, 0, length)  // [1, L, C]
            rows += isRecorded ? [fused(values)] : blocks(values)
            if length < frames {
                rows.append(
                    Tensor.zeros([1, 1], dtype: x.dtype, device: x.device)
                        .expand([frames - length, channels]))
            }
        }
        let all = rows.count == 1 ? rows[0] : .concatenate(rows, 0)
        return all.unflatten(0, [clips, frames])
    }

    /// [1, L, C] to [L, C] by the kernel of batch normalisation, which has a backward pass of its own
    /// and takes one clip in channels-last order without a copy.
    private func fused(_ x: Tensor) -> Tensor {
        let type: DType = x.dtype == .float64 ? .float64 : .float32
        return x.transpose(1, 2).unsqueeze(2)
            .batchNorm(weight: weight.to(type), bias: bias.to(type), epsilon: epsilon)
            .squeeze(2).transpose(1, 2).flatten(0, 1)
    }

    /// [1, L, C] to blocks of [L, C].
    ///
    /// The fused kernel adds up frame by frame, which loses four digits in the million frames that five
    /// minutes of samples make; sums of blocks do not.
    private func blocks(_ x: Tensor) -> [Tensor] {
        let type: DType = x.dtype == .float64 ? .float64 : .float32
        let length = x.size(1)
        let height = max(1, Self.blockSize / x.size(2))
        let blocks = stride(from: 0, to: length, by: height).map {
            x.select(0, 0).narrow(0, $0, min(height, length - $0))
        }
        func mean(_ value: (Tensor) -> Tensor) -> Tensor {
            Tensor.stack(blocks.map { value($0.to(type)).sum([0]) }).sum([0]) * (1 / Double(length))
        }
        let center = mean { $0 }
        let variance = mean { ($0 - center).power(2) }
        let scale = weight.to(type) / (variance + epsilon).squareRoot()
        let shift = bias.to(type)
        return blocks.map { (($0.to(type) - center) * scale + shift).to(x.dtype) }
    }
}
