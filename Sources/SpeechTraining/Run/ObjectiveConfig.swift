public import SpeechCore
public import SpeechModels
public import SpeechObjectives

/// What a distillation minimises: the name of an objective and, on the same level, its settings.
public enum ObjectiveConfig: Codable, Equatable, Sendable {
    /// Contrastive layer-to-layer distillation.
    case colld(CoLLDSettings)
    /// Regression from layer to layer: DistilHuBERT, FitHuBERT, USAD and their like.
    case regression(LayerRegressionSettings)
    /// Masked regression of the mean of a teacher's last layers.
    case data2vec(Data2VecSettings)
    /// Masked and unmasked distillation.
    case armhubert(ARMHuBERTSettings)
    /// Relations between the frames of an utterance.
    case star(STaRHuBERTSettings)

    /// The objectives that there are.
    public enum Name: String, ConfigChoice {
        /// Contrastive layer-to-layer distillation.
        case colld
        /// Regression from layer to layer: DistilHuBERT, FitHuBERT, USAD and their like.
        case regression
        /// Masked regression of the mean of a teacher's last layers.
        case data2vec
        /// Masked and unmasked distillation.
        case armhubert
        /// Relations between the frames of an utterance.
        case star

        /// The objective with its defaults.
        public var defaults: ObjectiveConfig {
            switch self {
            case .colld: .colld(CoLLDSettings())
            case .regression: .regression(LayerRegressionSettings())
            case .data2vec: .data2vec(Data2VecSettings())
            case .armhubert: .armhubert(ARMHuBERTSettings())
            case .star: .star(STaRHuBERTSettings())
            }
        }
    }

    private enum CodingKeys: String, CodingKey {
        case name
    }

    /// Which objective.
    public var name: Name {
        switch self {
        case .colld: .colld
        case .regression: .regression
        case .data2vec: .data2vec
        case .armhubert: .armhubert
        case .star: .star
        }
    }

    /// Reads name and settings from one level.
    public init(from decoder: any Decoder) throws {
        let name = try decoder.container(keyedBy: CodingKeys.self).decode(Name.self, forKey: .name)
        switch name {
        case .colld: self = .colld(try CoLLDSettings(from: decoder))
        case .regression: self = .regression(try LayerRegressionSettings(from: decoder))
        case .data2vec: self = .data2vec(try Data2VecSettings(from: decoder))
        case .armhubert: self = .armhubert(try ARMHuBERTSettings(from: decoder))
        case .star: self = .star(try STaRHuBERTSettings(from: decoder))
        }
    }

    /// Writes name and settings on one level.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        switch self {
        case .colld(let settings): try settings.encode(to: encoder)
        case .regression(let settings): try settings.encode(to: encoder)
        case .data2vec(let settings): try settings.encode(to: encoder)
        case .armhubert(let settings): try settings.encode(to: encoder)
        case .star(let settings): try settings.encode(to: encoder)
        }
    }

    /// Checks the settings.
    ///
    /// - Throws: `ObjectiveError.invalidSetting`.
    public func validate() throws {
        switch self {
        case .colld(let settings): try settings.validate()
        case .regression(let settings): try settings.validate()
        case .data2vec(let settings): try settings.validate()
        case .armhubert(let settings): try settings.validate()
        case .star(let settings): try settings.validate()
        }
    }

    /// Builds the objective.
    ///
    /// * `seed`: of the first values of its parameters.
    /// - Throws: `ObjectiveError.invalidSetting` for settings that do not fit the models.
    public func makeObjective(
        teachers: [any SpeechEncoder], student: any SpeechEncoder, seed: UInt64
    ) throws -> any TrainingObjective {
        switch self {
        case .colld(let settings):
            try CoLLD(settings, teachers: teachers, student: student, seed: seed)
        case .regression(let settings):
            try LayerRegression(settings, teachers: teachers, student: student, seed: seed)
        case .data2vec(let settings):
            try Data2Vec(settings, teachers: teachers, student: student, seed: seed)
        case .armhubert(let settings):
            try ARMHuBERT(settings, teachers: teachers, student: student, seed: seed)
        case .star(let settings):
            try STaRHuBERT(settings, teachers: teachers, student: student, seed: seed)
        }
    }
}
