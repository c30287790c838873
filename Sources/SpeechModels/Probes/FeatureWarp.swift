public import SpeechCore
public import Torch

/// SpecAugment with time warping as ESPnet has it (`espnet2/asr/specaug`) and s3prl after it
/// (`downstream/specaug.py`): hides channels and stretches of time of what a frozen encoder gives.
public struct FeatureWarp: Sendable {
    /// The most that a point in time is moved.
    public var window = 5
    /// Bands of channels, and how many channels wide each is at most.
    public var bands = (count: 2, width: 27)
    /// Stretches of time, and the share of a clip that each is long at most.
    public var stretches = (count: 10, share: 0.05)
    /// Frames that a stretch is long at most.
    public var longestStretch = Int.max

    /// ML-SUPERB's settings.
    public init() {}

    /// SUPERB's settings (s3prl, `downstream/asr/config.yaml`).
    public static var superb: FeatureWarp {
        var warp = FeatureWarp()
        warp.bands = (count: 4, width: 50)
        warp.stretches = (count: 2, share: 1)
        warp.longestStretch = 40
        return warp
    }

    /// [B, T, D] to [B, T, D].
    ///
    /// * `lengths`: the frames of each clip; only these are warped.
    public func callAsFunction(
        _ x: Tensor, lengths: [Int], using generator: inout SeededGenerator
    ) -> Tensor {
        let (frames, channels) = (x.size(1), x.size(2))
        var clips: [Tensor] = []
        var shown: [Float] = []
        var heard: [Float] = []
        for (clip, length) in lengths.enumerated() {
            let own = x.narrow(0, clip, 1)
            clips.append(warped(own, length: length, using: &generator))
            shown += visible(
                channels, count: bands.count, longest: min(bands.width, channels),
                using: &generator)
            let longest = min(longestStretch, Int(stretches.share * Double(length)))
            let stretch = visible(
                length, count: stretches.count, longest: longest, using: &generator)
            heard += stretch + Array(repeating: 0, count: frames - length)
        }
        let device = x.device
        return Tensor.concatenate(clips, 0)
            * Tensor(shown, [lengths.count, 1, channels], device: device)
            * Tensor(heard, [lengths.count, frames, 1], device: device)
    }

    /// Cuts a clip at one frame and stretches one part, squeezes the other.
    private func warped(
        _ clip: Tensor, length: Int, using generator: inout SeededGenerator
    ) -> Tensor {
        guard window > 0, length > 2 * window + 1 else { return clip }
        let cut = window + generator.uniform(below: length - 2 * window)
        let moved = min(length - 1, cut - window + generator.uniform(below: 2 * window) + 1)
        let parts = [
            clip.narrow(1, 0, cut).resizedRows(to: moved),
            clip.narrow(1, cut, length - cut).resizedRows(to: length - moved),
            clip.narrow(1, length, clip.size(1) - length),
        ]
        return .concatenate(parts.filter { $0.size(1) > 0 }, 1)
    }

    /// 1 for what stays, 0 for stretches that are hidden.
    private func visible(
        _ count: Int, count spans: Int, longest: Int, using generator: inout SeededGenerator
    ) -> [Float] {
        var values = [Float](repeating: 1, count: count)
        for _ in 0..<spans where longest > 0 {
            let length = generator.uniform(below: longest + 1)
            let start = generator.uniform(below: max(1, count - length))
            for index in start..<min(count, start + length) { values[index] = 0 }
        }
        return values
    }
}
