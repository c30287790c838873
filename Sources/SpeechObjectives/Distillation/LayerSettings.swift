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
    public var layerWeights: [Double] = []
    /// What the losses of each teacher are multiplied by; empty for the mean over teachers.
    public var teacherWeights: [Double] = []

    private enum CodingKeys: String, CodingKey {
        case target, masking, head, frames
        case mapping = "layer_mapping"
        case layerWeights = "layer_weights"
        case teacherWeights = "teacher_weights"
    }

    /// The defaults: wav2vec 2.0's masking, feed-forward targets, linear heads.
    public init() {}

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
