public import SpeechCore
internal import SpeechAudio

/// What is done to clips before the student hears them: the `augment` section of a run file.
///
/// Everything is off by default. Noises and impulse responses come from manifests that flags name.
public struct AugmentConfig: Codable, Equatable, Sendable {
    /// `speed`: the factors that clips are played at, each equally likely; none leaves it alone.
    ///
    /// Such as `[0.9, 1.0, 1.1]`. All encoders hear the same speed.
    public var speed: [Double] = []
    /// `student_speed`: factors that the student alone hears clips at, on top of `speed`.
    ///
    /// Its frames are compared with the teacher's of the same moments.
    public var studentSpeed: [Double] = []
    /// `shuffle_segments`: the shortest and the longest of the segments, in seconds, whose order is
    /// shuffled in every clip; none leaves it alone.
    ///
    /// Such as `[0.08, 0.2]`. All encoders hear the same order.
    public var shuffleSegments: [Double] = []
    /// `noise_prob`: the share of clips that noise is added to.
    public var noiseProb = 0.0
    /// `noise_snr`: the lowest and the highest ratio of a clip's power to the noise's, in dB.
    public var noiseSNR = [5.0, 20.0]
    /// `reverb_prob`: the share of clips that are played in a room.
    public var reverbProb = 0.0
    /// `mask_time_prob`: the share of frames that masks would cover if they did not overlap.
    public var maskTimeProb = 0.0
    /// `mask_time_length`: frames of a mask.
    public var maskTimeLength = 10
    /// `mask_time_min_masks`: at least this many masks in time, where there are any.
    public var maskTimeMinMasks = 2
    /// `mask_feature_prob`: the share of features that masks would cover if they did not overlap.
    public var maskFeatureProb = 0.0
    /// `mask_feature_length`: neighbouring features of a mask.
    public var maskFeatureLength = 10
    /// `mask_feature_min_masks`: at least this many masks across features, where there are any.
    public var maskFeatureMinMasks = 0

    enum CodingKeys: String, CodingKey, CaseIterable {
        case speed
        case studentSpeed = "student_speed"
        case shuffleSegments = "shuffle_segments"
        case noiseProb = "noise_prob"
        case noiseSNR = "noise_snr"
        case reverbProb = "reverb_prob"
        case maskTimeProb = "mask_time_prob"
        case maskTimeLength = "mask_time_length"
        case maskTimeMinMasks = "mask_time_min_masks"
        case maskFeatureProb = "mask_feature_prob"
        case maskFeatureLength = "mask_feature_length"
        case maskFeatureMinMasks = "mask_feature_min_masks"
    }

    /// The defaults.
    public init() {}

    /// Reads the keys that are there; the others keep their defaults.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        try container.read(&speed, .speed)
        try container.read(&studentSpeed, .studentSpeed)
        try container.read(&shuffleSegments, .shuffleSegments)
        try container.read(&noiseProb, .noiseProb)
        try container.read(&noiseSNR, .noiseSNR)
        try container.read(&reverbProb, .reverbProb)
        try container.read(&maskTimeProb, .maskTimeProb)
        try container.read(&maskTimeLength, .maskTimeLength)
        try container.read(&maskTimeMinMasks, .maskTimeMinMasks)
        try container.read(&maskFeatureProb, .maskFeatureProb)
        try container.read(&maskFeatureLength, .maskFeatureLength)
        try container.read(&maskFeatureMinMasks, .maskFeatureMinMasks)
    }

    /// The masks of features.
    public var specAugment: SpecAugment {
        SpecAugment(
            maskTimeProb: maskTimeProb, maskTimeLength: maskTimeLength,
            maskTimeMinMasks: maskTimeMinMasks, maskFeatureProb: maskFeatureProb,
            maskFeatureLength: maskFeatureLength, maskFeatureMinMasks: maskFeatureMinMasks)
    }

    /// Whether anything makes the student's waveform another than the teacher's.
    public var changesWaveforms: Bool { noiseProb > 0 || reverbProb > 0 }

    /// Whether anything masks features.
    public var masksFeatures: Bool { maskTimeProb > 0 || maskFeatureProb > 0 }

    /// Whether a student in distillation has other features than its teacher.
    var separatesStudent: Bool {
        changesWaveforms || masksFeatures || !studentSpeed.isEmpty
    }

    /// Checks every value.
    ///
    /// - Throws: `DatasetError.invalidSetting` with the dotted key, such as `augment.noise_prob`.
    public func validate() throws {
        func require(
            _ holds: Bool, _ key: CodingKeys, _ expected: String, _ found: some Any
        ) throws {
            try DatasetError.require(holds, "augment.\(key.rawValue)", expected, found)
        }
        let factors = SpeedPerturbation.factors
        for (key, speeds) in [(CodingKeys.speed, speed), (.studentSpeed, studentSpeed)] {
            try require(
                speeds.count <= 100 && speeds.allSatisfy(factors.contains), key,
                "factors from \(factors.lowerBound) to \(factors.upperBound)", speeds)
        }
        let segments = 0.01...60.0
        try require(
            shuffleSegments.isEmpty
                || shuffleSegments.count == 2 && shuffleSegments.allSatisfy(segments.contains)
                    && shuffleSegments[0] <= shuffleSegments[1],
            .shuffleSegments,
            "[shortest, longest], both from \(segments.lowerBound) to \(segments.upperBound) s",
            shuffleSegments)
        let shares: [(CodingKeys, Double)] = [
            (.noiseProb, noiseProb), (.reverbProb, reverbProb), (.maskTimeProb, maskTimeProb),
            (.maskFeatureProb, maskFeatureProb),
        ]
        for (key, value) in shares { try require((0...1).contains(value), key, "0 … 1", value) }
        // Beyond these only noise or only the clip is left.
        let ratios = -100.0...100.0
        try require(
            noiseSNR.count == 2 && noiseSNR.allSatisfy(ratios.contains)
                && noiseSNR[0] <= noiseSNR[1], .noiseSNR,
            "[lowest, highest], both from \(ratios.lowerBound) to \(ratios.upperBound) dB", noiseSNR
        )
        let limit = 1 << 16
        for (key, value) in [
            (CodingKeys.maskTimeLength, maskTimeLength), (.maskFeatureLength, maskFeatureLength),
        ] { try require((1...limit).contains(value), key, "1 … \(limit)", value) }
        for (key, value) in [
            (CodingKeys.maskTimeMinMasks, maskTimeMinMasks),
            (.maskFeatureMinMasks, maskFeatureMinMasks),
        ] { try require((0...limit).contains(value), key, "0 … \(limit)", value) }
    }
}
