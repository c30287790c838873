import SpeechObjectives

/// Everything that decides what a distillation run computes; one YAML file.
public struct DistillConfig: TrainingConfig {
    /// How the teachers run.
    public var teacher = TeacherConfig()
    /// What the student looks like and starts from.
    public var student = StudentConfig()
    /// What is minimised.
    public var objective = ObjectiveConfig.colld(CoLLDSettings())
    /// How utterances become batches.
    public var dataset = DatasetConfig()
    /// What is done to clips before the student hears them.
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
        case teacher, student, objective, dataset, augment, optimizer, trainer, regime, common
        case scheduler = "lr_scheduler"
    }

    /// The defaults.
    public init() {}

    /// Checks every section.
    ///
    /// - Throws: an error naming the dotted key, what was expected and what was found.
    public func validate() throws {
        try student.validate()
        try objective.validate()
        try validateLoop()
    }
}

extension DistillConfig: VariantConfig {
    /// The objective's name decides which keys its section has.
    public static let variantKey = ["objective", "name"]

    /// Takes the defaults of the objective with a name; leaves an unknown one for the reader to
    /// refuse.
    public mutating func choose(variant: String) {
        guard let name = ObjectiveConfig.Name(rawValue: variant) else { return }
        objective = name.defaults
    }
}

/// How the teacher runs.
public struct TeacherConfig: Codable, Equatable, Sendable {
    /// The type of its weights and activations.
    public var precision = PrecisionChoice.automatic
}
