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
    func select(from states: Tensor) -> Tensor { select(from: states, pooling: 1) { $1 } }

    /// The means over neighbouring frames of [B, T, D] for each chosen one, [B · M, D].
    ///
    /// * `count`: neighbours of one mean.
    /// * `first`: the first of them for a frame of an utterance.
    func select(
        from states: Tensor, pooling count: Int, first: (_ clip: Int, _ frame: Int) -> Int
    ) -> Tensor {
        let length = states.size(1)
        var positions = [Int64]()
        positions.reserveCapacity(frames.count * width * count)
        for (clip, frames) in frames.enumerated() {
            for slot in 0..<width {
                let start = slot < frames.count ? first(clip, frames[slot]) : 0
                for neighbour in 0..<count {
                    positions.append(Int64(clip * length + min(start + neighbour, length - 1)))
                }
            }
        }
        let index = Tensor(positions, [positions.count], device: states.device)
        let rows = states.flatten(0, 1).indexSelect(0, index)
        return count == 1 ? rows : rows.unflatten(0, [-1, count]).mean([1])
    }

    /// [B · M, D] to [B, M, D].
    func unflatten(_ rows: Tensor) -> Tensor { rows.unflatten(0, [frames.count, width]) }

    /// 1 for rows that were chosen, 0 for those that fill up, [B, M].
    func weights(_ dtype: DType, device: Device) -> Tensor {
        Tensor.validFrames(frames.map(\.count), of: width, device: device).to(dtype)
    }
}
