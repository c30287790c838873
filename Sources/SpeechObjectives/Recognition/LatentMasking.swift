public import SpeechCore
import SpeechModels
import Torch

/// SpecAugment on the projected features, as wav2vec 2.0 is fine-tuned (arXiv 2006.11477, appendix B).
///
/// Spans of frames become `masked_spec_embed`, spans of channels zero.
public struct LatentMasking: Codable, Equatable, Sendable {
    /// The share of frames that spans would cover if they did not overlap; 0 for none.
    public var timeProbability = 0.75
    /// Frames of a span.
    public var timeLength = 10
    /// The share of channels that spans would cover if they did not overlap; 0 for none.
    public var channelProbability = 0.25
    /// Channels of a span.
    public var channelLength = 64

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case timeProbability = "time_probability"
        case timeLength = "time_length"
        case channelProbability = "channel_probability"
        case channelLength = "channel_length"
    }

    /// The defaults: those of XLS-R.
    public init() {}

    /// Checks the settings.
    ///
    /// * `key`: of the section.
    /// - Throws: `ObjectiveError.invalidSetting`.
    public func validate(key: String) throws {
        let limit = 1 << 16
        for (name, value) in [
            (CodingKeys.timeProbability, timeProbability),
            (.channelProbability, channelProbability),
        ] where !(0...1).contains(value) {
            throw ObjectiveError.invalidSetting(
                key: "\(key).\(name.rawValue)", expected: "0 … 1", found: "\(value)")
        }
        for (name, value) in [
            (CodingKeys.timeLength, timeLength), (.channelLength, channelLength),
        ] where !(1...limit).contains(value) {
            throw ObjectiveError.invalidSetting(
                key: "\(key).\(name.rawValue)", expected: "1 … \(limit)", found: "\(value)")
        }
    }

    /// Draws the masked frames of each clip, ascending; clips no longer than a span have none.
    ///
    /// * `lengths`: valid frames of each clip.
    public func frames(
        lengths: [Int], using generator: inout SeededGenerator
    ) -> [[Int]] {
        lengths.map {
            Self.positions($0, timeLength, timeProbability, minimumSpans: 2, &generator)
        }
    }

    /// Draws the masked channels of each clip, ascending; none where a span would be all of them.
    ///
    /// * `width`: the number of channels.
    public func channels(
        clips: Int, width: Int, using generator: inout SeededGenerator
    ) -> [[Int]] {
        guard channelProbability > 0 else { return [] }
        return (0..<clips).map { _ in
            Self.positions(width, channelLength, channelProbability, minimumSpans: 0, &generator)
        }
    }

    private static func positions(
        _ count: Int, _ span: Int, _ probability: Double, minimumSpans: Int,
        _ generator: inout SeededGenerator
    ) -> [Int] {
        guard probability > 0, count > span else { return [] }
        let isMasked = SpanSampler.fairseq.mask(
            count: count, span: span, probability: probability, minimumSpans: minimumSpans,
            using: &generator)
        return isMasked.indices.filter { isMasked[$0] }
    }
}

extension LatentMasking {
    /// The numbers by the keys of `config.json` of `transformers`.
    public var configKeys: [(key: String, value: Double)] {
        [
            ("mask_time_prob", timeProbability), ("mask_time_length", Double(timeLength)),
            ("mask_feature_prob", channelProbability),
            ("mask_feature_length", Double(channelLength)),
        ]
    }

    /// Masked frames as an encoder takes them, [B, T] `bool`; nil without any.
    func tensor(_ masked: [[Int]], frames: Int, device: Device) -> Tensor? {
        guard masked.contains(where: { !$0.isEmpty }) else { return nil }
        var values = [Bool](repeating: false, count: masked.count * frames)
        for (clip, positions) in masked.enumerated() {
            for frame in positions { values[clip * frames + frame] = true }
        }
        return Tensor(values, [masked.count, frames], device: device)
    }
}
