public import SpeechCore
public import SpeechModels
public import SpeechObjectives

/// What training without a teacher minimises: the name of an objective and, on the same level, its
/// settings.
public enum PretrainObjectiveConfig: Codable, Equatable, Sendable {
    /// wav2vec 2.0: contrastive, with learned codebooks.
    case wav2vec2(Wav2Vec2Settings)
    /// BEST-RQ: masked prediction of random-projection codes.
    case randomProjection(RandomProjectionObjectiveSettings)
    /// w2v-BERT: both kinds together.
    case w2vBert(W2VBertSettings)

    /// The objectives that there are.
    public enum Name: String, ConfigChoice {
        /// wav2vec 2.0.
        case wav2vec2
        /// BEST-RQ.
        case randomProjection = "random_projection"
        /// w2v-BERT.
        case w2vBert = "w2v_bert"

        /// The objective with its defaults.
        public var defaults: PretrainObjectiveConfig {
            switch self {
            case .wav2vec2: .wav2vec2(Wav2Vec2Settings())
            case .randomProjection: .randomProjection(RandomProjectionObjectiveSettings())
            case .w2vBert: .w2vBert(W2VBertSettings())
            }
        }

        /// What people call it.
        var title: String {
            switch self {
            case .wav2vec2: "wav2vec 2.0's contrastive objective"
            case .randomProjection: "masked prediction of random-projection codes (BEST-RQ)"
            case .w2vBert: "w2v-BERT's objective"
            }
        }
    }

    private enum CodingKeys: String, CodingKey {
        case name
    }

    /// Which objective.
    public var name: Name {
        switch self {
        case .wav2vec2: .wav2vec2
        case .randomProjection: .randomProjection
        case .w2vBert: .w2vBert
        }
    }

    /// Reads name and settings from one level.
    public init(from decoder: any Decoder) throws {
        let name = try decoder.container(keyedBy: CodingKeys.self).decode(Name.self, forKey: .name)
        switch name {
        case .wav2vec2: self = .wav2vec2(try Wav2Vec2Settings(from: decoder))
        case .randomProjection:
            self = .randomProjection(try RandomProjectionObjectiveSettings(from: decoder))
        case .w2vBert: self = .w2vBert(try W2VBertSettings(from: decoder))
        }
    }

    /// Writes name and settings on one level.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        switch self {
        case .wav2vec2(let settings): try settings.encode(to: encoder)
        case .randomProjection(let settings): try settings.encode(to: encoder)
        case .w2vBert(let settings): try settings.encode(to: encoder)
        }
    }

    /// Checks the settings.
    ///
    /// - Throws: `ObjectiveError.invalidSetting`.
    public func validate() throws {
        switch self {
        case .wav2vec2(let settings): try settings.validate()
        case .randomProjection(let settings): try settings.validate()
        case .w2vBert(let settings): try settings.validate()
        }
    }

    /// Builds the objective.
    ///
    /// * `seed`: of the first values of its parameters.
    /// - Throws: `ObjectiveError.invalidSetting` for settings that do not fit the encoder.
    public func makeObjective(
        student: any SpeechEncoder, seed: UInt64
    ) throws -> any TrainingObjective {
        switch self {
        case .wav2vec2(let settings):
            try Wav2Vec2Objective(settings, student: student, seed: seed)
        case .randomProjection(let settings):
            try RandomProjectionObjective(settings, student: student, seed: seed)
        case .w2vBert(let settings):
            try W2VBertObjective(settings, student: student, seed: seed)
        }
    }
}
