import Torch

/// Which frames of a padded batch are real.
struct AttentionMask {
    /// [B, T] `bool`, true where valid.
    let valid: Tensor
    /// [B, T, 1] `bool`, true where padded.
    let padding: Tensor
    /// [B, 1, 1, T] `bool`, what every query may attend to.
    let keys: Tensor
    /// Whether padding is also kept from layers that let it through in the reference.
    private let isolates: Bool

    /// Nil lengths, or lengths that all fill the batch, need no mask.
    init?(lengths: [Int]?, frames: Int, device: Device, padding policy: PaddingPolicy) {
        guard let lengths, lengths.contains(where: { $0 != frames }) else { return nil }
        valid = Tensor.validFrames(lengths, of: frames, device: device)
        padding = valid.not().unsqueeze(2)
        keys = valid.unsqueeze(1).unsqueeze(1)
        isolates = policy == .isolated
    }

    /// What is added to attention scores: 0 for valid keys and the lowest finite value for padded
    /// ones, [B, 1, 1, T] in `dtype`.
    func scoreBias(_ dtype: DType) -> Tensor {
        let lowest = dtype == .float16 ? -65504.0 : -3.3e38
        return Tensor.zeros(keys.shape, dtype: dtype, device: keys.device)
            .filled(where: keys.not(), lowest)
    }

    /// `x` [B, T, D] with zeros in padded frames.
    func zeroed(_ x: Tensor) -> Tensor { x.filled(where: padding, 0) }

    /// `x` [B, T, D] as a convolution is to see it: with zeros in padded frames, as the edge of a clip
    /// that is alone has them, unless the reference's padding is wanted.
    func isolated(_ x: Tensor) -> Tensor { isolates ? zeroed(x) : x }
}

extension Tensor {
    /// This tensor [B, T, D] with the `masked` frames replaced by `embedding` [D].
    func replacingFrames(_ masked: Tensor, with embedding: Tensor) -> Tensor {
        masked.unsqueeze(2).select(embedding.to(dtype), else: self)
    }

    /// This tensor [B, T, D] with zeros behind the first `lengths[b]` frames of clip b; itself for nil.
    func zeroed(behind lengths: [Int]?) -> Tensor {
        let frames = size(1)
        guard let lengths, lengths.contains(where: { $0 < frames }) else { return self }
        let valid = Tensor.validFrames(lengths, of: frames, device: device)
        return filled(where: valid.not().unsqueeze(2), 0)
    }

    /// [B, T, n·d] to [B, n, T, d].
    func splitHeads(_ heads: Int) -> Tensor {
        unflatten(2, [heads, -1]).transpose(1, 2)
    }

    /// [B, n, T, d] to [B, T, n·d].
    func mergeHeads() -> Tensor { transpose(1, 2).flatten(2, 3) }
}
