import Torch

/// Which frames of a padded batch are real.
struct AttentionMask {
    /// [B, T] `bool`, true where valid.
    let valid: Tensor
    /// [B, T, 1] `bool`, true where padded.
    let padding: Tensor
    /// [B, 1, 1, T] `bool`, what every query may attend to; [B, 1, T, T] where queries differ.
    let keys: Tensor
    /// Whether padding is also kept from layers that let it through in the reference.
    private let isolates: Bool

    /// Nil lengths, or lengths that all fill the batch, need no mask, unless `chunks` divide it.
    init?(
        lengths: [Int]?, frames: Int, device: Device, padding policy: PaddingPolicy,
        chunks: AttentionChunks? = nil
    ) {
        let allowed = chunks?.allowed(frames: frames, device: device)
        guard let lengths, allowed != nil || lengths.contains(where: { $0 != frames }) else {
            return nil
        }
        valid = Tensor.validFrames(lengths, of: frames, device: device)
        padding = valid.not().unsqueeze(2)
        let all = valid.unsqueeze(1).unsqueeze(1)
        keys = allowed.map { all.and($0) } ?? all
        isolates = policy == .isolated
    }

    /// What is added to attention scores: 0 for valid keys and the lowest finite value for padded
    /// ones, in `dtype` and the shape of `keys`.
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

/// Attention within chunks of frames and to some chunks before them (SeamlessM4T v2).
struct AttentionChunks {
    /// Frames of a chunk.
    var size: Int
    /// Chunks before its own that a frame sees; nil for all.
    var left: Int?

    /// [T, T] `bool`, true where the query of the row sees the key of the column; nil where all see
    /// all.
    func allowed(frames: Int, device: Device) -> Tensor? {
        guard frames > size else { return nil }
        let chunk = Tensor((0..<frames).map { Float($0 / size) }, [frames], device: device)
        let distance = chunk.unsqueeze(0) - chunk.unsqueeze(1)  // key − query
        let notLater = distance.isLess(than: 0.5)
        guard let left else { return notLater }
        return notLater.and(distance.isLess(than: -0.5 - Double(left)).not())
    }
}

extension Tensor {
    /// This tensor [B, T, D] with the `masked` frames replaced by `embedding` [D].
    func replacingFrames(_ masked: Tensor, with embedding: Tensor) -> Tensor {
        masked.unsqueeze(2).select(embedding.to(dtype), else: self)
    }

    /// This tensor [B, T, D] with zeros in some channels of each clip; itself where none are given.
    func zeroed(channels: [[Int]]) -> Tensor {
        guard channels.contains(where: { !$0.isEmpty }) else { return self }
        let width = size(2)
        var kept = [Float](repeating: 1, count: channels.count * width)
        for (clip, masked) in channels.enumerated() {
            for channel in masked { kept[clip * width + channel] = 0 }
        }
        return self * Tensor(kept, [channels.count, 1, width], device: device).to(dtype)
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
