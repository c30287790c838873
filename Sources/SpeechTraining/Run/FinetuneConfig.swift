public import SpeechCore
public import SpeechObjectives

/// Everything that decides what fine-tuning for recognition computes; one YAML file.
public struct FinetuneConfig: TrainingConfig {
    /// How the encoder is trained.
    public var model = FinetuneModelConfig()
    /// Where labels come from.
    public var tokenizer = TokenizerConfig()
    /// What is minimised.
    public var objective = CTCSettings()
    /// How utterances become batches.
    public var dataset = DatasetConfig()
    /// What is done to clips before they are heard.
    public var augment = AugmentConfig()
    /// How parameters move.
    public var optimizer = OptimizerConfig()
    /// How the learning rate moves.
    public var scheduler = SchedulerConfig()
    /// The loop around it.
    public var trainer = TrainerConfig()
    /// How long it goes on.
    public var regime = RegimeConfig()
    /// Seed and threads.
    public var common = CommonConfig()

    private enum CodingKeys: String, CodingKey {
        case model, tokenizer, objective, dataset, augment, optimizer, trainer, regime, common
        case scheduler = "lr_scheduler"
    }

    /// The defaults: those of XLS-R, but for its frozen start, for 20 000 updates.
    public init() {
        optimizer.lr = 5e-5
        optimizer.eps = 1e-8
        optimizer.weightDecay = 0
        scheduler.name = .triStage
        scheduler.warmup = 0.1
        regime.steps = 20_000
    }

    /// Checks every section.
    ///
    /// - Throws: an error naming the dotted key, what was expected and what was found.
    public func validate() throws {
        try model.validate()
        try tokenizer.validate()
        try objective.validate()
        if objective.probe != .none { try model.requireNone(with: objective.probe) }
        try validateLoop()
        try augment.requireOrder()
    }
}

extension AugmentConfig {
    /// Checks that the order of what is said is kept.
    ///
    /// - Throws: `DatasetError.invalidSetting`.
    func requireOrder() throws {
        guard shuffleSegments.isEmpty else {
            throw DatasetError.invalidSetting(
                key: "augment.shuffle_segments",
                expected: "[] where texts are learned, for they have an order",
                found: "\(shuffleSegments)")
        }
    }
}

extension FinetuneConfig: VariantConfig {
    /// A probe takes nothing that would change the encoder or what it hears.
    public static let variantKey = ["objective", "probe"]

    /// Takes the defaults of a probe; leaves an unknown one for the reader to refuse.
    public mutating func choose(variant: String) {
        guard let probe = CTCSettings.Probe(rawValue: variant), probe != .none else { return }
        objective = CTCSettings(probe: probe)
        model.activationDropout = 0
    }
}

/// How the encoder of a recogniser or of a translation model is trained.
public struct FinetuneModelConfig: Codable, Equatable, Sendable {
    /// Dropout behind attention and feed-forward networks.
    public var hiddenDropout = 0.0
    /// Dropout of attention's weights.
    public var attentionDropout = 0.0
    /// Dropout inside feed-forward networks.
    public var activationDropout = 0.1
    /// Dropout of projected features.
    public var featureProjectionDropout = 0.0
    /// Dropout behind the convolutions of conformers.
    public var convolutionDropout = 0.0

    private enum CodingKeys: String, CodingKey {
        case hiddenDropout = "hidden_dropout"
        case attentionDropout = "attention_dropout"
        case activationDropout = "activation_dropout"
        case featureProjectionDropout = "feature_projection_dropout"
        case convolutionDropout = "convolution_dropout"
    }

    /// The defaults.
    public init() {}

    /// The values by the run file's keys and by those of `config.json`.
    var shares: [(key: String, configKey: String, value: Double)] {
        [
            ("hidden_dropout", "hidden_dropout", hiddenDropout),
            ("attention_dropout", "attention_dropout", attentionDropout),
            ("activation_dropout", "activation_dropout", activationDropout),
            ("feature_projection_dropout", "feat_proj_dropout", featureProjectionDropout),
            ("convolution_dropout", "conformer_conv_dropout", convolutionDropout),
        ]
    }

    /// - Throws: `ConfigError` for a share above 0.
    func requireNone(with probe: CTCSettings.Probe) throws {
        for share in shares where share.value != 0 {
            throw ConfigError.invalidValue(
                file: nil, key: "model.\(share.key)",
                expected:
                    "0 with objective.probe=\(probe.rawValue), which leaves the encoder as it is",
                found: "\(share.value)")
        }
    }

    func validate() throws {
        for share in shares where !(0..<1).contains(share.value) {
            throw ConfigError.invalidValue(
                file: nil, key: "model.\(share.key)", expected: "0 … below 1",
                found: "\(share.value)")
        }
    }
}

/// Where the labels of a recogniser come from.
public struct TokenizerConfig: Codable, Equatable, Sendable {
    /// The places that there are.
    public enum Source: String, ConfigChoice {
        /// `--tokenizer`, else the model's own where it is a recogniser, else the corpus; a probe, to
        /// be the same for all encoders, takes none from the model.
        case automatic = "auto"
        /// The model's own; its head is trained on.
        case model
        /// The characters of the training's transcripts.
        case corpus
    }

    /// What can be learned of a clip.
    public enum Target: String, ConfigChoice {
        /// The transcript, behind the tag of its language where there are tags.
        case transcript
        /// The tag of the language alone.
        case language
    }

    /// What is learned.
    public var target = Target.transcript
    /// The place.
    ///
    /// What follows is for vocabularies of the corpus: others say it themselves.
    public var source = Source.automatic
    /// The normal form of transcripts.
    public var normalization = TextNormalization.nfc
    /// Whether transcripts are taken in small letters.
    public var lowersCase = true
    /// A character that occurs less often has no token.
    public var minimumCount = 1
    /// The share of each language's text that has tokens; rarer characters have none.
    public var characterCoverage = 1.0
    /// Whether every transcript begins with the tag of its language.
    public var hasLanguageTags = false

    private enum CodingKeys: String, CodingKey {
        case target, source, normalization
        case lowersCase = "lower_case"
        case minimumCount = "minimum_count"
        case characterCoverage = "character_coverage"
        case hasLanguageTags = "language_tags"
    }

    /// The defaults.
    public init() {}

    /// The values as vocabularies are built from them.
    var vocabularySettings: CTCVocabulary.Settings {
        CTCVocabulary.Settings(
            preparation: TextPreparation(normalization: normalization, lowersCase: lowersCase),
            minimumCount: minimumCount, characterCoverage: characterCoverage,
            hasLanguageTags: hasLanguageTags)
    }

    func validate() throws {
        func require(_ holds: Bool, _ key: String, _ expected: String, _ found: Any) throws {
            if !holds {
                throw ConfigError.invalidValue(
                    file: nil, key: "tokenizer.\(key)", expected: expected, found: "\(found)")
            }
        }
        try require(minimumCount > 0, "minimum_count", "1 or more", minimumCount)
        try require(
            characterCoverage > 0 && characterCoverage <= 1, "character_coverage", "above 0 … 1",
            characterCoverage)
    }
}
