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
        for (slot, start) in slots(first).enumerated() {
            for neighbour in 0..<count {
                let place = min(start + neighbour, length - 1)
                positions.append(Int64(slot / width * length + place))
            }
        }
        let index = Tensor(positions, [positions.count], device: states.device)
        let rows = states.flatten(0, 1).indexSelect(0, index)
        return count == 1 ? rows : rows.unflatten(0, [-1, count]).mean([1])
    }

    /// A number for each of the B · M rows; 0 for those that fill up.
    func slots(_ value: (_ clip: Int, _ frame: Int) -> Int) -> [Int] {
        frames.enumerated().flatMap { clip, frames in
            (0..<width).map { $0 < frames.count ? value(clip, frames[$0]) : 0 }
        }
    }

    /// Whether rows stand for frames of a list for each utterance, [B, M] `bool`.
    func marks(_ listed: [[Int]], device: Device) -> Tensor {
        let listed = listed.map(Set.init)
        let values = slots { listed[$0].contains($1) ? 1 : 0 }.map { $0 == 1 }
        return Tensor(values, [frames.count, width], device: device)
    }

    /// [B · M, D] to [B, M, D].
    func unflatten(_ rows: Tensor) -> Tensor { rows.unflatten(0, [frames.count, width]) }

    /// 1 for rows that were chosen, 0 for those that fill up, [B, M].
    func weights(_ dtype: DType, device: Device) -> Tensor {
        Tensor.validFrames(frames.map(\.count), of: width, device: device).to(dtype)
    }
}
