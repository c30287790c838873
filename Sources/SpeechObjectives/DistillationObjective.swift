public import SpeechModels
public import Torch

/// A loss between a frozen teacher and a student in training.
public protocol DistillationObjective: AnyObject {
    /// The frozen encoder.
    var teacher: any SpeechEncoder { get }
    /// The trained encoder.
    var student: any SpeechEncoder { get }
    /// Parameters of the objective itself, thrown away after training.
    var heads: ParameterStore { get }
    /// Utterances with fewer frames cannot be used.
    var minimumFrames: Int { get }
    /// The loss of a student that knows nothing, where that is a constant.
    var chanceLevel: Double? { get }

    /// The loss of one batch.
    ///
    /// * `seed`: the source of all random numbers of this batch.
    /// * `withDiagnostics`: whether to fill the report's metrics, which costs time.
    /// - Throws: `ObjectiveError`.
    func loss(
        on batch: DistillationBatch, seed: BatchSeed, withDiagnostics: Bool
    ) throws -> LossReport
}
