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
        let lengths = lengths ?? Array(repeating: x.size(1), count: x.size(0))
        return Tensor.records([x, weight, bias]) ? fused(x, lengths) : blockwise(x, lengths)
    }

    /// By the kernel of batch normalisation, which has a backward pass of its own and takes one clip in
    /// channels-last order without a copy.
    private func fused(_ x: Tensor, _ lengths: [Int]) -> Tensor {
        let (frames, channels) = (x.size(1), x.size(2))
        let type = statisticsType(x)
        let (weight, bias) = (weight.to(type), bias.to(type))
        var rows: [Tensor] = []
        for (clip, length) in lengths.enumerated() {
            let image = x.narrow(0, clip, 1).narrow(1, 0, length).transpose(1, 2).unsqueeze(2)
            let normal = image.batchNorm(weight: weight, bias: bias, epsilon: epsilon)
            rows.append(normal.squeeze(2).transpose(1, 2).flatten(0, 1))  // [L, C]
            if length < frames {
                rows.append(
                    Tensor.zeros([1, 1], dtype: x.dtype, device: x.device)
                        .expand([frames - length, channels]))
            }
        }
        let all = rows.count == 1 ? rows[0] : .concatenate(rows, 0)
        return all.unflatten(0, [lengths.count, frames])
    }

    /// In blocks that stay in the cache.
    ///
    /// The fused kernel adds up frame by frame, which loses four digits in the million frames that five
    /// minutes of samples make; sums of blocks do not.
    private func blockwise(_ x: Tensor, _ lengths: [Int]) -> Tensor {
        let frames = x.size(1)
        let height = max(1, Self.blockSize / x.size(2))
        let result = Tensor.empty(x.shape, dtype: x.dtype, device: x.device)
        for (clip, length) in lengths.enumerated() {
            func block(_ tensor: Tensor, _ frames: Range<Int>) -> Tensor {
                tensor.select(0, clip).narrow(0, frames.lowerBound, frames.count)
            }
            let statistics = statistics(frames: length, height: height) { block(x, $0) }
            for frames in Self.ranges(length, height) {
                block(result, frames).assign(normalized(block(x, frames), by: statistics))
            }
            if length < frames { result.select(0, clip).narrow(0, length, frames - length).fill(0) }
        }
        return result
    }

    /// What one clip is shifted and scaled by, each [C].
    public struct Statistics {
        let center, scale: Tensor
    }

    /// Takes the statistics of a clip that is never there as a whole.
    ///
    /// * `height`: frames to ask for at a time.
    /// * `rows`: gives these frames of the clip, [L, C]; called twice for each.
    public func statistics(
        frames: Int, height: Int, rows: (Range<Int>) -> Tensor
    ) -> Statistics {
        func mean(_ value: (Tensor) -> Tensor) -> Tensor {
            let sums = Self.ranges(frames, height).map { range in
                let block = rows(range)
                return value(block.to(statisticsType(block))).sum([0])
            }
            return Tensor.stack(sums).sum([0]) * (1 / Double(frames))
        }
        let center = mean { $0 }
        let variance = mean { ($0 - center).power(2) }
        return Statistics(
            center: center,
            scale: weight.to(center.dtype) / (variance + epsilon).squareRoot())
    }

    /// Normalises frames [..., C] of a clip with these statistics.
    public func normalized(_ x: Tensor, by statistics: Statistics) -> Tensor {
        let type = statisticsType(x)
        let centered = x.to(type) - statistics.center
        return (centered * statistics.scale + bias.to(type)).to(x.dtype)
    }

    private static func ranges(_ length: Int, _ height: Int) -> [Range<Int>] {
        stride(from: 0, to: length, by: height).map { $0..<min(length, $0 + height) }
    }

    private func statisticsType(_ x: Tensor) -> DType {
        x.dtype == .float64 ? .float64 : .float32
    }
}
