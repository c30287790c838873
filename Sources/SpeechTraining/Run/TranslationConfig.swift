public import SpeechCore
public import SpeechModels
public import SpeechObjectives

/// Everything that decides what fine-tuning for translation computes; one YAML file.
public struct TranslationConfig: TrainingConfig {
    /// How the encoder is trained.
    public var model = FinetuneModelConfig()
    /// What stands between encoder and decoder.
    public var adaptor = TranslationAdaptorConfig()
    /// What a new decoder looks like.
    public var decoder = TranslationDecoderConfig()
    /// How texts are searched for.
    public var search = TranslationSearchConfig()
    /// What is minimised.
    public var objective = TranslationSettings()
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
        case model, adaptor, decoder, search, objective, dataset, augment, optimizer, trainer
        case regime, common
        case scheduler = "lr_scheduler"
    }

    /// The defaults: a linear warm-up and decay, 20 000 updates.
    public init() {
        optimizer.lr = 3e-4
        optimizer.eps = 1e-8
        optimizer.weightDecay = 0
        scheduler.warmup = 0.1
        regime.steps = 20_000
    }

    /// Checks every section.
    ///
    /// - Throws: an error naming the dotted key, what was expected and what was found.
    public func validate() throws {
        try model.validate()
        try adaptor.validate()
        try decoder.validate()
        try search.validate()
        try objective.validate()
        try validateLoop()
        try augment.requireOrder()
    }
}

/// What stands between the encoder and the decoder of a translation model.
public struct TranslationAdaptorConfig: Codable, Equatable, Sendable {
    /// What there is.
    public enum Kind: String, ConfigChoice {
        /// Nothing but a linear map where widths differ.
        case none
        /// The adapter of the encoder's own family, which `transformers` has, too.
        case huggingFace = "hf"
        /// Three gated convolutions of stride 2 (XLS-R).
        case convolutions
        /// A Transformer layer behind gated convolutions of stride 8 (UnitY, SeamlessM4T).
        case transformer
    }

    /// What there is.
    public var kind = Kind.huggingFace
    /// Attention heads of `transformer`.
    public var heads = 16
    /// Dropout of `transformer`.
    public var dropout = 0.1

    /// The adaptor of CoLLD's own; nil for the others.
    var own: LengthAdaptorConfig? {
        switch kind {
        case .none, .huggingFace: return nil
        case .convolutions: return LengthAdaptorConfig(.convolutions)
        case .transformer:
            var config = LengthAdaptorConfig(.transformer)
            config.heads = heads
            config.dropout = dropout
            return config
        }
    }

    func validate() throws {
        try TranslationConfig.require(heads > 0, "adaptor.heads", "1 or more", heads)
        try TranslationConfig.require(
            (0..<1).contains(dropout), "adaptor.dropout", "0 … below 1", dropout)
    }
}

/// What the new decoder of a translation model looks like; one of a checkpoint (`--decoder`) says all of
/// this itself.
public struct TranslationDecoderConfig: Codable, Equatable, Sendable {
    /// The architecture; `transformers` loads translation models with an `mbart`.
    public var kind = TextDecoderKind.mbart
    /// Layers.
    public var layers = 6
    /// D.
    public var width = 512
    /// Attention heads.
    public var heads = 8
    /// Units of feed-forward networks.
    public var feedForward = 2048
    /// The most tokens of a text.
    public var positions = 1024
    /// Dropout of embeddings and of what is added to the residual sums.
    public var dropout = 0.1
    /// Dropout of attention's weights.
    public var attentionDropout = 0.0
    /// Dropout inside feed-forward networks.
    public var activationDropout = 0.0

    private enum CodingKeys: String, CodingKey {
        case kind, layers, width, heads, positions, dropout
        case feedForward = "feed_forward"
        case attentionDropout = "attention_dropout"
        case activationDropout = "activation_dropout"
    }

    /// The defaults.
    public init() {}

    /// The configuration of a new decoder for a vocabulary; texts start with the end token, as those
    /// of NLLB and mBART-50 do.
    ///
    /// First weights are as large as fairseq's embeddings of that width, N(0, 1 / √D), because
    /// `transformers`' 0.02 leaves a narrow decoder next to nothing to start from.
    public func decoder(for tokenizer: TranslationTokenizer) -> TextDecoderConfig {
        var config = TextDecoderConfig(kind)
        config.vocabularySize = tokenizer.count
        config.width = width
        config.layerCount = layers
        config.headCount = heads
        config.feedForwardWidth = feedForward
        config.maximumPositions = positions
        config.initializerRange = 1 / Double(width).squareRoot()
        config.dropout = dropout
        config.attentionDropout = attentionDropout
        config.activationDropout = activationDropout
        config.scalesEmbeddings = true
        config.padding = tokenizer.padding
        config.begin = tokenizer.start
        config.end = tokenizer.end
        config.start = tokenizer.end
        config.forcedEnd = tokenizer.end
        return config
    }

    func validate() throws {
        for (key, value) in [
            ("layers", layers), ("width", width), ("heads", heads), ("feed_forward", feedForward),
            ("positions", positions),
        ] {
            try TranslationConfig.require(value > 0, "decoder.\(key)", "1 or more", value)
        }
        try TranslationConfig.require(
            width.isMultiple(of: heads), "decoder.heads", "a divisor of the width \(width)", heads)
        for (key, value) in [
            ("dropout", dropout), ("attention_dropout", attentionDropout),
            ("activation_dropout", activationDropout),
        ] {
            try TranslationConfig.require(
                (0..<1).contains(value), "decoder.\(key)", "0 … below 1", value)
        }
    }
}

/// How the texts of a translation model are searched for; written into its `generation_config.json`.
///
/// Validations take the best token each time, so that they are quick.
public struct TranslationSearchConfig: Codable, Equatable, Sendable {
    /// Texts that are followed at a time.
    public var beams = 5
    /// The exponent of the length that scores are divided by.
    public var lengthPenalty = 1.0
    /// The most tokens of a text, start and end among them.
    public var maximumLength = 200

    private enum CodingKeys: String, CodingKey {
        case beams
        case lengthPenalty = "length_penalty"
        case maximumLength = "maximum_length"
    }

    /// The defaults.
    public init() {}

    func validate() throws {
        try TranslationConfig.require(beams > 0, "search.beams", "1 or more", beams)
        try TranslationConfig.require(
            lengthPenalty.isFinite, "search.length_penalty", "a finite number", lengthPenalty)
        try TranslationConfig.require(
            maximumLength > 1, "search.maximum_length", "2 or more", maximumLength)
    }
}

extension TranslationConfig {
    fileprivate static func require(
        _ holds: Bool, _ key: String, _ expected: String, _ found: Any
    ) throws {
        if !holds {
            throw ConfigError.invalidValue(
                file: nil, key: key, expected: expected, found: "\(found)")
        }
    }
}
