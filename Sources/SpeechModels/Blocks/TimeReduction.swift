public import Torch

/// Joins neighbouring frames before the first layer: a convolution whose kernel and stride are the
/// number of frames that become one (FitHuBERT).
struct TimeReduction {
    private let convolution: Conv1d
    /// How many frames become one.
    let factor: Int

    /// Nil for a factor of 1.
    ///
    /// * `scope`: of the encoder.
    init?(_ scope: ParameterScope, width: Int, by factor: Int) {
        guard factor > 1 else { return nil }
        convolution = Conv1d(
            scope["time_reduction"], width, width, kernel: factor, stride: factor)
        self.factor = factor
    }

    /// [B, T, D] to [B, ⌊T / factor⌋, D]: frames that fill no other one are left out.
    func callAsFunction(_ x: Tensor) -> Tensor { convolution(x) }

    /// A mask of joined frames, spread over the `frames` that they are made of.
    func spread(_ masked: Tensor, frames: Int) -> Tensor {
        masked.spreadOver(frames: frames, by: factor)
    }
}

extension Tensor {
    /// The means of every `factor` frames, [B, T, D] to [B, ⌊T / factor⌋, D]; itself where that is 1.
    public func joinedFrames(by factor: Int) -> Tensor {
        if factor == 1 { return self }
        let joined = size(1) / factor
        return narrow(1, 0, joined * factor).unflatten(1, [joined, factor]).mean([2])
    }

    /// A mask [B, T'] of frames of which each stands for `factor`, as one [B, T] of the latter.
    ///
    /// Frames behind the last one are not masked; a mask [B, T] stays as it is.
    func spreadOver(frames: Int, by factor: Int) -> Tensor {
        if size(1) == frames { return self }
        let spread = unsqueeze(2).expand([-1, -1, factor]).flatten(1, 2)
        let rest = frames - spread.size(1)
        precondition((0..<factor).contains(rest), "a mask of \(shape) for \(frames) frames")
        if rest == 0 { return spread }
        let tail = Tensor.zeros([spread.size(0), rest], dtype: .bool, device: spread.device)
        return .concatenate([spread, tail], 1)
    }
}
