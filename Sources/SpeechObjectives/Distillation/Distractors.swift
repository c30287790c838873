public import SpeechCore
public import Torch

/// How many distractors the positive is told apart from.
public enum DistractorCount: Hashable, Sendable, Codable {
    /// K frames drawn with replacement.
    case sampled(Int)
    /// Every other predicted frame of the utterance, once.
    case all

    /// Reads a number or the word `all`.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let count = try? container.decode(Int.self) {
            self = .sampled(count)
        } else if (try? container.decode(String.self)) == "all" {
            self = .all
        } else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "expected a number or 'all'")
        }
    }

    /// Writes a number or the word `all`.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .sampled(let count): try container.encode(count)
        case .all: try container.encode("all")
        }
    }
}

/// Which frames compete with which, for all predicted frames of a batch.
///
/// Distractors drawn with replacement are kept as how often each frame was drawn: with C the counts
/// and 1 for the positive, log Σ_j C_ij exp(S_ij) is the same sum as over the list of draws. One
/// addition to the matrix of similarities then takes the place of gathering K entries a row, and
/// features are never gathered at all.
public struct Distractors {
    /// The logarithm of the counts, [B, M, M].
    ///
    /// Row = anchor, column = candidate, −∞ for frames that were not drawn. Rows that are not
    /// predicted hold 0 on the diagonal only.
    public let logCounts: Tensor
    /// 1 for anchors with at least one distractor, [B, M].
    public let weights: Tensor
    /// The number of such anchors.
    public let anchorCount: Int

    /// Draws distractors.
    ///
    /// * `frames`: the predicted frames of each utterance, ascending.
    /// * `excludeRadius`: frames this close to the anchor are never distractors.
    public static func draw(
        _ count: DistractorCount, frames: [[Int]], excludeRadius: Int, device: Device,
        using generator: inout SeededGenerator
    ) -> Distractors {
        let width = max(1, frames.map(\.count).max() ?? 1)
        var table = CountTable(batch: frames.count, width: width)
        for (clip, frames) in frames.enumerated() {
            // Ascending frames: the excluded ones are a window that only moves forward.
            var low = 0
            var high = 0
            for anchor in frames.indices {
                while frames[low] < frames[anchor] - excludeRadius { low += 1 }
                high = max(high, anchor + 1)
                while high < frames.count && frames[high] <= frames[anchor] + excludeRadius {
                    high += 1
                }
                let allowed = frames.count - (high - low)
                guard allowed > 0 else { continue }
                switch count {
                case .all:
                    for column in frames.indices where !(low..<high).contains(column) {
                        table.add(clip, anchor, column)
                    }
                case .sampled(let draws):
                    for _ in 0..<draws {
                        let drawn = generator.uniform(below: allowed)
                        table.add(clip, anchor, drawn < low ? drawn : drawn + high - low)
                    }
                }
                table.activate(clip, anchor)
            }
        }
        return table.finished(dtype: .float32, device: device)
    }

    /// Takes distractors that were drawn elsewhere.
    ///
    /// - Parameters:
    ///   - drawn: by utterance and anchor, the positions of its distractors among the anchors.
    ///   - dtype: `float32` or `float64`.
    public init(drawn: [[[Int]]], dtype: DType = .float32) {
        let width = max(1, drawn.map(\.count).max() ?? 1)
        var table = CountTable(batch: drawn.count, width: width)
        for (clip, anchors) in drawn.enumerated() {
            for (anchor, columns) in anchors.enumerated() where !columns.isEmpty {
                for column in columns { table.add(clip, anchor, column) }
                table.activate(clip, anchor)
            }
        }
        self = table.finished(dtype: dtype, device: .cpu)
    }

    /// Takes out distractors whose target is the positive's own: digital silence has many frames
    /// with one and the same feature.
    ///
    /// Equal targets are found by their projections on two fixed directions, which costs nothing
    /// beside the product of all targets with each other.
    ///
    /// * `logCounts`: [B, M, M].
    /// * `targets`: unit vectors [B, M, D].
    static func withoutEqual(_ logCounts: Tensor, _ targets: Tensor) -> Tensor {
        let directions = Tensor.normal(
            [targets.size(-1), 2], generator: RandomGenerator(seed: 0x6571_7561_6c)
        ).to(targets.dtype).to(targets.device)
        let places = targets.matmul(directions)  // [B, M, 2]
        let distances = (places.unsqueeze(2) - places.unsqueeze(1)).abs().max([3])  // [B, M, M]
        let isEqual = distances.isLess(than: targets.dtype == .float64 ? 1e-13 : 1e-6)
        let eye = Tensor.identity(targets.size(1), dtype: .bool, device: targets.device)
        return logCounts.filled(where: isEqual.and(eye.not()), -.infinity)
    }

    /// Those of some utterances; `anchorCount` stays that of all.
    func ofClips(_ clips: Range<Int>) -> Distractors {
        if clips.count == logCounts.size(0) { return self }
        return Distractors(
            logCounts: logCounts.narrow(0, clips.lowerBound, clips.count),
            weights: weights.narrow(0, clips.lowerBound, clips.count), anchorCount: anchorCount)
    }

    fileprivate init(logCounts: Tensor, weights: Tensor, anchorCount: Int) {
        self.logCounts = logCounts
        self.weights = weights
        self.anchorCount = anchorCount
    }
}

/// Counts of draws while they are collected on the host.
private struct CountTable {
    private let batch: Int
    private let width: Int
    private var counts: [Float]
    private var weights: [Float]

    init(batch: Int, width: Int) {
        self.batch = batch
        self.width = width
        counts = Array(repeating: 0, count: batch * width * width)
        weights = Array(repeating: 0, count: batch * width)
        // The positive of every row; also keeps rows that are not predicted finite.
        for row in 0..<(batch * width) { counts[row * width + row % width] = 1 }
    }

    mutating func add(_ clip: Int, _ anchor: Int, _ column: Int) {
        counts[(clip * width + anchor) * width + column] += 1
    }

    mutating func activate(_ clip: Int, _ anchor: Int) { weights[clip * width + anchor] = 1 }

    func finished(dtype: DType, device: Device) -> Distractors {
        let counts = Tensor(counts, [batch, width, width], device: device).to(dtype)
        return Distractors(
            logCounts: counts.log(),
            weights: Tensor(weights, [batch, width], device: device).to(dtype),
            anchorCount: Int(weights.reduce(0, +)))
    }
}
