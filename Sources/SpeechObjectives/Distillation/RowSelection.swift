import SpeechModels
import Torch

/// Some frames of every utterance as rows of one matrix, filled up to the same number with copies
/// of the first frame.
struct RowSelection {
    /// The chosen frames of each utterance, ascending.
    let frames: [[Int]]
    private let width: Int

    init(_ frames: [[Int]]) {
        self.frames = frames
        width = max(1, frames.map(\.count).max() ?? 1)
    }

    /// The number of chosen frames.
    var count: Int { frames.reduce(0) { $0 + $1.count } }

    /// [B, T, D] to [B · M, D].
    func select(from states: Tensor) -> Tensor {
        let length = states.size(1)
        var positions = [Int64]()
        positions.reserveCapacity(frames.count * width)
        for (clip, frames) in frames.enumerated() {
            for slot in 0..<width {
                positions.append(Int64(clip * length + (slot < frames.count ? frames[slot] : 0)))
            }
        }
        let index = Tensor(positions, [positions.count], device: states.device)
        return states.flatten(0, 1).indexSelect(0, index)
    }

    /// [B · M, D] to [B, M, D].
    func unflatten(_ rows: Tensor) -> Tensor { rows.unflatten(0, [frames.count, width]) }

    /// 1 for rows that were chosen, 0 for those that fill up, [B, M].
    func weights(_ dtype: DType, device: Device) -> Tensor {
        Tensor.validFrames(frames.map(\.count), of: width, device: device).to(dtype)
    }
}
