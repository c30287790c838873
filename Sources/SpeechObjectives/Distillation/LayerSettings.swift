public import SpeechCore

/// What all layer-to-layer objectives choose: masking, layer mapping, target and head, each on its
/// own.
public struct LayerSettings: Codable, Equatable, Sendable {
    /// Which frames are predicted.
    public enum Frames: String, ConfigChoice {
        /// The masked ones; every valid one of an utterance where nothing is masked.
        case masked
        /// Every valid one, though some are masked.
        case all
    }

    /// Which student layer predicts which teacher layer.
    public var mapping = LayerMapping.uniform
    /// What of a teacher layer is predicted.
    public var target = TargetFeature()
    /// What is hidden from the student.
    public var masking = SpanMasking()
    /// The map from hidden state to feature.
    public var head = PredictionHeadKind.linear
    /// Which frames are predicted.
    public var frames = Frames.masked
    /// What the loss of each pair is multiplied by before all are added; empty for their mean.
    ///
    /// Two numbers are those of all pairs but the last, and of the last.
    public var layerWeights: [Double] = []
    /// What the losses of each teacher are multiplied by; empty for the mean over teachers.
    public var teacherWeights: [Double] = []

    enum CodingKeys: String, CodingKey, CaseIterable {
        case target, masking, head, frames
        case mapping = "layer_mapping"
        case layerWeights = "layer_weights"
        case teacherWeights = "teacher_weights"
    }

    /// The defaults: wav2vec 2.0's masking, feed-forward targets, linear heads.
    public init() {}

    /// Reads all settings.
    public init(from decoder: any Decoder) throws {
        try self.init(from: decoder, only: CodingKeys.allCases, else: LayerSettings())
    }

    /// Writes all settings.
    public func encode(to encoder: any Encoder) throws {
        try encode(to: encoder, only: CodingKeys.allCases)
    }

    /// Reads those settings that an objective leaves open.
    init(from decoder: any Decoder, only keys: [CodingKeys], else fixed: LayerSettings) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func read<Value: Decodable>(_ value: inout Value, _ key: CodingKeys) throws {
            if keys.contains(key) { value = try container.decode(Value.self, forKey: key) }
        }
        self = fixed
        try read(&mapping, .mapping)
        try read(&target, .target)
        try read(&masking, .masking)
        try read(&head, .head)
        try read(&frames, .frames)
        try read(&layerWeights, .layerWeights)
        try read(&teacherWeights, .teacherWeights)
    }

    /// Writes those settings that an objective leaves open.
    func encode(to encoder: any Encoder, only keys: [CodingKeys]) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        for key in keys {
            switch key {
            case .mapping: try container.encode(mapping, forKey: key)
            case .target: try container.encode(target, forKey: key)
            case .masking: try container.encode(masking, forKey: key)
            case .head: try container.encode(head, forKey: key)
            case .frames: try container.encode(frames, forKey: key)
            case .layerWeights: try container.encode(layerWeights, forKey: key)
            case .teacherWeights: try container.encode(teacherWeights, forKey: key)
            }
        }
    }

    /// Checks the settings.
    ///
    /// - Throws: `ObjectiveError.invalidSetting`.
    public func validate() throws {
        try masking.validate()
        for (key, weights) in [
            ("layer_weights", layerWeights), ("teacher_weights", teacherWeights),
        ] {
            let isUsable = weights.allSatisfy { $0 >= 0 && $0.isFinite }
            guard isUsable, weights.isEmpty || weights.contains(where: { $0 > 0 }) else {
                throw ObjectiveError.invalidSetting(
                    key: "objective.\(key)", expected: "numbers from 0 on, one of them above",
                    found: "\(weights)")
            }
        }
    }
}
