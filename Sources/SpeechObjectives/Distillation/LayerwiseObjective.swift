public import SpeechModels
public import Torch

/// An objective that compares layers: models, pairs and heads are those of its matching.
public protocol LayerwiseObjective: TrainingObjective {
    /// What is compared with what.
    var matching: LayerMatching { get }
}

extension LayerwiseObjective {
    /// The trained encoder.
    public var student: any SpeechEncoder { matching.student }
    /// The frozen encoders.
    public var teachers: [any SpeechEncoder] { matching.teachers }
    /// The pairs of layers.
    public var matchedPairs: [LayerMatching.Pair] { matching.pairs }
    /// The prediction heads; none where layers are compared as they are.
    public var heads: ParameterStore { matching.heads }
    /// Two spans where frames are masked, and what the loss needs.
    public var minimumFrames: Int { matching.minimumFrames }
}
