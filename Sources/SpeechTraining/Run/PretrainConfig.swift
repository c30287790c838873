import SpeechModels
public import SpeechObjectives

/// Everything that decides what training without a teacher computes; one YAML file.
public struct PretrainConfig: TrainingConfig {
    /// What is trained.
    public var model = PretrainModelConfig()
    /// What is minimised.
    public var objective = PretrainObjectiveConfig.w2vBert(W2VBertSettings())
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
        case model, objective, dataset, augment, optimizer, trainer, regime, common
        case scheduler = "lr_scheduler"
    }

    /// The defaults.
    public init() {}

    /// Checks every section.
    ///
    /// - Throws: an error naming the dotted key, what was expected and what was found.
    public func validate() throws {
        _ = try model.chosenFamily()
        try objective.validate()
        try validateLoop()
    }
}

extension PretrainConfig: VariantConfig {
    /// The objective's name decides which keys its section has.
    public static let variantKey = ["objective", "name"]

    /// Takes the defaults of the objective with a name; leaves an unknown one for the reader to
    /// refuse.
    public mutating func choose(variant: String) {
        guard let name = PretrainObjectiveConfig.Name(rawValue: variant) else { return }
        objective = name.defaults
    }
}

/// What is trained without a teacher.
public struct PretrainModelConfig: Codable, Equatable, Sendable {
    /// `auto`, or a design.
    public enum Design: Codable, Equatable, Sendable {
        /// That of the checkpoint that training goes on from; 12x512 without one.
        case automatic
        /// `layers x width`, or `{layers, width, heads, feed_forward}`.
        case design(StudentDesign)

        /// Reads `auto` or a design.
        public init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            guard let word = try? container.decode(String.self) else {
                self = .design(try StudentDesign(from: decoder))
                return
            }
            if word == "auto" {
                self = .automatic
            } else if let design = try? StudentDesign(word) {
                self = .design(design)
            } else {
                throw DecodingError.dataCorruptedError(
                    in: container,
                    debugDescription:
                        "expected auto, or layers x width, such as 12x512; found '\(word)'")
            }
        }

        /// Writes `auto` or the design.
        public func encode(to encoder: any Encoder) throws {
            switch self {
            case .automatic:
                var container = encoder.singleValueContainer()
                try container.encode("auto")
            case .design(let design): try design.encode(to: encoder)
            }
        }
    }

    /// A `model_type`, or what people call it; `auto` for that of the checkpoint that training goes
    /// on from, and w2v-BERT without one.
    public var family = "auto"
    /// The shape.
    public var design = Design.automatic
    /// Whether the quantiser of a checkpoint that holds one is trained on, too.
    public var keepsQuantizer = true

    private enum CodingKeys: String, CodingKey {
        case family, design
        case keepsQuantizer = "keep_quantizer"
    }

    /// The family, nil for `auto`.
    ///
    /// - Throws: `ConfigError.invalidValue`.
    func chosenFamily() throws -> EncoderFamily? {
        if family == "auto" { return nil }
        guard let chosen = EncoderFamily.called(family) else {
            let names = ["auto", "w2v-bert"] + EncoderFamily.all.map(\.modelType)
            throw ConfigError.invalidValue(
                file: nil, key: "model.family",
                expected: "one of \(names.joined(separator: ", "))", found: "'\(family)'")
        }
        return chosen
    }

    /// Checks that nothing is chosen that a checkpoint has chosen already.
    ///
    /// - Throws: `ConfigError.invalidValue`.
    func requireUnchosen() throws {
        for (key, isChosen) in [
            ("family", family != "auto"), ("design", design != .automatic),
        ] where isChosen {
            throw ConfigError.invalidValue(
                file: nil, key: "model.\(key)",
                expected: "auto where training goes on from --model", found: "another value")
        }
    }
}
