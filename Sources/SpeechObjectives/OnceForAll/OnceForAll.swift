import SpeechCore
public import SpeechModels
public import Torch

/// The settings of a once-for-all student: its space and the regression that trains it.
public struct OnceForAllSettings: Codable, Equatable, Sendable {
    /// The sub-networks.
    public var space = SearchSpace()
    /// Masked regression of the teacher's averaged layers.
    public var regression: Data2VecSettings

    private enum CodingKeys: String, CodingKey { case space }

    /// The student itself only, by the L1 distance.
    public init() {
        regression = Data2VecSettings()
        regression.distance = RegressionLoss(.l1)
    }

    /// Reads all settings from one level.
    public init(from decoder: any Decoder) throws {
        regression = try Data2VecSettings(from: decoder)
        space = try decoder.container(keyedBy: CodingKeys.self)
            .decode(SearchSpace.self, forKey: .space)
    }

    /// Writes all settings on one level.
    public func encode(to encoder: any Encoder) throws {
        try regression.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(space, forKey: .space)
    }

    /// Checks the settings.
    ///
    /// - Throws: `ObjectiveError.invalidSetting`.
    public func validate() throws { try regression.validate() }
}

/// A student that is many: every batch trains another sub-network of one set of weights, and which is
/// used is chosen after training (in the style of LightHuBERT, arXiv 2203.15610; its training is not
/// published, so that the loss is masked regression).
///
/// The student of the run is a `Supernet`. Validations measure the smallest, the largest and a middle
/// one.
public final class OnceForAll: TrainingObjective {
    /// The settings.
    public let settings: OnceForAllSettings
    /// The sub-networks, with the student's own sizes where the settings say nothing.
    public let space: SearchSpace

    private let supernet: Supernet
    private let regression: Data2Vec

    /// * `student`: of the largest sizes.
    /// * `seed`: of the heads' first values.
    /// - Throws: `ObjectiveError.invalidSetting` for settings that do not fit the models.
    public init(
        _ settings: OnceForAllSettings, teachers: [any SpeechEncoder],
        student: any SpeechEncoder, seed: UInt64
    ) throws {
        try settings.validate()
        self.settings = settings
        space = try settings.space.resolved(for: student.config)
        supernet = Supernet(student)
        regression = try Data2Vec(
            settings.regression, teachers: teachers, student: supernet, seed: seed)
    }

    /// All weights.
    public var student: any SpeechEncoder { supernet }
    /// The frozen encoders.
    public var teachers: [any SpeechEncoder] { regression.teachers }
    /// Those of the regression.
    public var matchedPairs: [LayerMatching.Pair] { regression.matchedPairs }
    /// The prediction head; a narrower student uses as many of its columns.
    public var heads: ParameterStore { regression.heads }
    /// That of the regression.
    public var minimumFrames: Int { regression.minimumFrames }
    /// That of the regression.
    public var minimumLoss: Double { regression.minimumLoss }

    /// The loss of one batch.
    ///
    /// - Throws: `ObjectiveError.nothingToPredict` where every utterance is too short.
    public func loss(on batch: TrainingBatch, _ context: LossContext) throws -> LossReport {
        guard context.isValidation else {
            var generator = SeededGenerator(
                seed: context.seed.seed, stream: 0x6f66_61, UInt64(context.seed.step),
                UInt64(context.seed.batch))
            return try loss(of: space.sample(using: &generator), on: batch, context)
        }
        let uniform = space.uniform
        let measured = [
            ("smallest", space.smallest), ("middle", uniform[uniform.count / 2]),
            ("largest", space.largest),
        ]
        var sum: Tensor?
        var count = 0
        var metrics: [(name: String, value: Double)] = []
        for (name, network) in measured {
            let report = try loss(of: network, on: batch, context)
            count = report.count
            sum = sum.map { $0 + report.sum } ?? report.sum
            metrics += report.metrics.map { ("\(name)/\($0.name)", $0.value) }
            metrics.append(("\(name)/loss", report.sum.item() / Double(max(1, count))))
        }
        return LossReport(sum: sum! / Double(measured.count), count: count, metrics: metrics)
    }

    /// The loss of one sub-network, which is then the chosen one no more.
    ///
    /// - Throws: `ObjectiveError.nothingToPredict` where every utterance is too short.
    public func loss(
        of network: SubNetwork, on batch: TrainingBatch, _ context: LossContext
    ) throws -> LossReport {
        supernet.choice = network
        defer { supernet.choice = nil }
        return try regression.loss(on: batch, context)
    }
}
