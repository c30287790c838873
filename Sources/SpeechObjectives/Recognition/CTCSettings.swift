public import SpeechCore
public import SpeechModels

/// The settings of fine-tuning for recognition.
public struct CTCSettings: Codable, Equatable, Sendable {
    /// What is trained on top of the encoder.
    public enum Probe: String, ConfigChoice {
        /// A linear layer, and the encoder with it.
        case none
        /// ML-SUPERB's probe; the encoder stays as it is.
        case mlSuperb = "ml_superb"
        /// SUPERB's probe; the encoder stays as it is.
        case superb

        /// The network; nil without a probe.
        public var design: ProbeDesign? {
            switch self {
            case .none: nil
            case .mlSuperb: .mlSuperb
            case .superb: .superb
            }
        }
    }

    /// Whether a probe is trained and the encoder frozen.
    public var probe = Probe.none
    /// How the loss of a clip is counted before clips are averaged: `sum` over its labels, or `mean`.
    public var reduction = CTCReduction.sum
    /// Dropout between encoder and head.
    public var finalDropout = 0.0
    /// The share of layers that are left out of an update.
    public var layerDrop = 0.1
    /// What is hidden from the encoder.
    public var masking = LatentMasking()
    /// Updates of the head alone before the encoder is trained, too.
    public var freezeEncoderUpdates = 0
    /// Whether the convolutions over samples stay as they are.
    public var freezesFeatureExtractor = true

    private enum CodingKeys: String, CodingKey {
        case probe, reduction, masking
        case finalDropout = "final_dropout"
        case layerDrop = "layer_drop"
        case freezeEncoderUpdates = "freeze_encoder_updates"
        case freezesFeatureExtractor = "freeze_feature_extractor"
    }

    /// The defaults: those of XLS-R, without its frozen start.
    public init() {}

    /// The settings of a probe, which leaves the encoder as it is.
    public init(probe: Probe) {
        self.probe = probe
        layerDrop = 0
        masking.timeProbability = 0
        masking.channelProbability = 0
    }

    /// Checks the settings.
    ///
    /// - Throws: `ObjectiveError.invalidSetting`.
    public func validate() throws {
        for (key, value) in [("final_dropout", finalDropout), ("layer_drop", layerDrop)]
        where !(0..<1).contains(value) {
            throw ObjectiveError.invalidSetting(
                key: "objective.\(key)", expected: "0 … below 1", found: "\(value)")
        }
        guard freezeEncoderUpdates >= 0 else {
            throw ObjectiveError.invalidSetting(
                key: "objective.freeze_encoder_updates", expected: "0 or more updates",
                found: "\(freezeEncoderUpdates)")
        }
        try masking.validate(key: "objective.masking")
        guard probe != .none else { return }
        for (key, value) in [
            ("final_dropout", finalDropout), ("layer_drop", layerDrop),
            ("freeze_encoder_updates", Double(freezeEncoderUpdates)),
            ("masking.time_probability", masking.timeProbability),
            ("masking.channel_probability", masking.channelProbability),
        ] where value != 0 {
            throw ObjectiveError.invalidSetting(
                key: "objective.\(key)",
                expected:
                    "0 with objective.probe=\(probe.rawValue), which leaves the encoder as it is",
                found: "\(value)")
        }
    }

    /// What `transformers` trains with, by the keys of its `config.json`.
    public var configKeys: [(key: String, value: Double)] {
        [("final_dropout", finalDropout), ("layerdrop", layerDrop)] + masking.configKeys
    }
}
