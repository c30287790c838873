public import SpeechModels

/// The settings of fine-tuning for translation.
public struct TranslationSettings: Codable, Equatable, Sendable {
    /// ε: the share of the probability that tokens have that are not the target.
    public var labelSmoothing = 0.2
    /// Which parameters of the decoder are trained.
    public var decoder = DecoderTraining.full
    /// What the learning rate of the decoder is multiplied by.
    public var decoderRate = 1.0
    /// What the learning rate of the encoder is multiplied by.
    public var encoderRate = 1.0
    /// Whether the target language, which a text begins with, is left out of the loss.
    public var ignoresLanguage = true
    /// The share of the encoder's layers that are left out of an update.
    public var layerDrop = 0.0
    /// What is hidden from the encoder.
    public var masking = LatentMasking()
    /// Updates of decoder and adaptor before the encoder is trained, too.
    public var freezeEncoderUpdates = 0
    /// Whether the convolutions over samples stay as they are.
    public var freezesFeatureExtractor = true

    private enum CodingKeys: String, CodingKey {
        case decoder, masking
        case labelSmoothing = "label_smoothing"
        case decoderRate = "decoder_rate"
        case encoderRate = "encoder_rate"
        case ignoresLanguage = "ignore_language"
        case layerDrop = "layer_drop"
        case freezeEncoderUpdates = "freeze_encoder_updates"
        case freezesFeatureExtractor = "freeze_feature_extractor"
    }

    /// The defaults: the smoothing of SeamlessM4T, all parameters at one rate, nothing hidden.
    public init() {
        masking.timeProbability = 0
        masking.channelProbability = 0
    }

    /// Checks the settings.
    ///
    /// - Throws: `ObjectiveError.invalidSetting`.
    public func validate() throws {
        func require(_ holds: Bool, _ key: String, _ expected: String, _ found: Any) throws {
            if !holds {
                throw ObjectiveError.invalidSetting(
                    key: "objective.\(key)", expected: expected, found: "\(found)")
            }
        }
        for (key, value) in [("label_smoothing", labelSmoothing), ("layer_drop", layerDrop)] {
            try require((0..<1).contains(value), key, "0 … below 1", value)
        }
        for (key, value) in [("decoder_rate", decoderRate), ("encoder_rate", encoderRate)] {
            try require(value >= 0 && value.isFinite, key, "0 or more", value)
        }
        try require(
            freezeEncoderUpdates >= 0, "freeze_encoder_updates", "0 or more updates",
            freezeEncoderUpdates)
        try masking.validate(key: "objective.masking")
    }
}
