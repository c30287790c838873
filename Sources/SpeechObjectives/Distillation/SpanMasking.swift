public import SpeechCore
import SpeechModels
import Torch

/// How spans of frames are hidden from the student.
public struct SpanMasking: Codable, Equatable, Sendable {
    /// Where span starts come from.
    public enum Sampler: String, ConfigChoice {
        /// ⌊p / span · (T − 1)⌋ spans, starts drawn with replacement from 0 … T − span.
        case fairseq2
        /// ⌊p · T / span + u⌋ spans, u ~ U(0, 1), starts drawn without replacement.
        case fairseq
        /// ⌊p · T / span + u⌋ spans of 0 … 2 · span frames with at least one frame between any two
        /// (ARMHuBERT); `length` is their mean.
        case uniform
        /// No masking: the student hears what the teacher hears.
        case none

        fileprivate var spans: SpanSampler? {
            switch self {
            case .fairseq2: .fairseq2
            case .fairseq: .fairseq
            case .uniform: .uniform
            case .none: nil
            }
        }
    }

    /// Where span starts come from.
    public var sampler = Sampler.fairseq2
    /// p: the share of frames that spans would cover if they did not overlap.
    public var probability = 0.65
    /// Frames of one span, the mean of them for `uniform`; 10 are 200 ms.
    public var length = 10
    /// At least this many spans in every utterance; `uniform` leaves out those without room.
    public var minimumSpans = 2
    /// How long p climbs from 0 to its value: a share of all updates below 1, or a number of updates.
    public var warmup = 0.0
    /// Un-masks frames at random until all utterances of a batch have the same number, as the
    /// reference implementations do.
    public var equalizes = false

    private enum CodingKeys: String, CodingKey {
        case sampler, probability, length, warmup
        case minimumSpans = "minimum_spans"
        case equalizes = "equalize"
    }

    /// The defaults of wav2vec 2.0 and its relatives.
    public init(
        sampler: Sampler = .fairseq2, probability: Double = 0.65, length: Int = 10,
        minimumSpans: Int = 2, warmup: Double = 0, equalizes: Bool = false
    ) {
        self.sampler = sampler
        self.probability = probability
        self.length = length
        self.minimumSpans = minimumSpans
        self.warmup = warmup
        self.equalizes = equalizes
    }

    /// The shortest utterance that can be masked, in frames.
    public var minimumFrames: Int { sampler == .none ? 1 : 2 * length }

    /// Checks the settings.
    ///
    /// - Throws: `ObjectiveError.invalidSetting`.
    public func validate() throws {
        let limit = 1 << 16
        func require(_ holds: Bool, _ key: String, _ expected: String, _ found: Any) throws {
            if !holds {
                throw ObjectiveError.invalidSetting(
                    key: "objective.masking.\(key)", expected: expected, found: "\(found)")
            }
        }
        try require((0...1).contains(probability), "probability", "0 … 1", probability)
        try require((1...limit).contains(length), "length", "1 … \(limit) frames", length)
        try require(
            warmup >= 0 && warmup < 1e12 && (warmup < 1 || warmup == warmup.rounded()), "warmup",
            "a share of all updates below 1, or a number of updates", warmup)
        // One masked frame has no distractors, and utterances without any would be left out of
        // the loss unnoticed.
        let fewest = sampler == .none ? 0 : length == 1 ? 2 : 1
        try require(
            (fewest...limit).contains(minimumSpans), "minimum_spans",
            "\(fewest) … \(limit) where spans have \(length) frames", minimumSpans)
    }

    /// The masking at a step of the run: with fewer spans, at first none, while p climbs.
    func scheduled(_ context: LossContext) -> SpanMasking {
        let length = warmup < 1 ? warmup * Double(context.steps) : warmup
        guard !context.isValidation, Double(context.step) < length else { return self }
        let share = Double(context.step) / length
        var masking = self
        masking.probability *= share
        masking.minimumSpans = Int(Double(minimumSpans) * share)
        return masking
    }

    /// Masks a batch.
    ///
    /// * `lengths`: valid frames of each utterance; frames behind them are never masked,
    ///   and utterances shorter than `minimumFrames` not at all.
    /// - Returns: the masked frames of each utterance, ascending.
    public func sample(
        lengths: [Int], using generator: inout SeededGenerator
    ) -> [[Int]] {
        guard let spans = sampler.spans else { return lengths.map { _ in [] } }
        var masked = lengths.map { frames -> [Int] in
            guard frames >= minimumFrames else { return [] }
            let isMasked = spans.mask(
                count: frames, span: length, probability: probability,
                minimumSpans: minimumSpans, using: &generator)
            return isMasked.indices.filter { isMasked[$0] }
        }
        if equalizes {
            let smallest = masked.lazy.map(\.count).filter { $0 > 0 }.min() ?? 0
            for index in masked.indices where masked[index].count > smallest {
                var kept = masked[index]
                generator.shuffle(&kept)
                masked[index] = kept.prefix(smallest).sorted()
            }
        }
        return masked
    }

    /// Checks that frames can be hidden from an encoder.
    ///
    /// * `role`: `student` or `teacher`, for the message.
    /// - Throws: `ObjectiveError.invalidSetting`.
    func requireMaskable(_ encoder: any SpeechEncoder, _ role: String) throws {
        guard sampler == .none || encoder.isMaskable else {
            throw ObjectiveError.invalidSetting(
                key: "objective.masking.sampler",
                expected: "none for a \(role) without masked_spec_embed", found: sampler.rawValue)
        }
    }

    /// Masked frames as an encoder takes them, [B, T] `bool`; nil without masking.
    func tensor(_ masked: [[Int]], frames: Int, device: Device) -> Tensor? {
        guard sampler != .none else { return nil }
        var values = [Bool](repeating: false, count: masked.count * frames)
        for (clip, positions) in masked.enumerated() {
            for frame in positions { values[clip * frames + frame] = true }
        }
        return Tensor(values, [masked.count, frames], device: device)
    }
}
