public import SpeechCore
public import SpeechModels
public import SpeechObjectives

/// What a distillation minimises: the name of an objective and, on the same level, its settings.
public enum ObjectiveConfig: Codable, Equatable, Sendable {
    /// Contrastive layer-to-layer distillation.
    case colld(CoLLDSettings)

    /// The objectives that there are.
    public enum Name: String, ConfigChoice {
        /// Contrastive layer-to-layer distillation.
        case colld

        /// The objective with its defaults.
        public var defaults: ObjectiveConfig {
            switch self {
            case .colld: .colld(CoLLDSettings())
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
        }
    }

    /// Reads name and settings from one level.
    public init(from decoder: any Decoder) throws {
        let name = try decoder.container(keyedBy: CodingKeys.self).decode(Name.self, forKey: .name)
        switch name {
        case .colld: self = .colld(try CoLLDSettings(from: decoder))
        }
    }

    /// Writes name and settings on one level.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        switch self {
        case .colld(let settings): try settings.encode(to: encoder)
        }
    }

    /// Checks the settings.
    ///
    /// - Throws: `ObjectiveError.invalidSetting`.
    public func validate() throws {
        switch self {
        case .colld(let settings): try settings.validate()
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
        }
    }
}
