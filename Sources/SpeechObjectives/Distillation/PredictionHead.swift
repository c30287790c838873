public import SpeechCore
import Torch

/// The kinds of map from a student's hidden state to a teacher's feature.
public enum PredictionHeadKind: String, ConfigChoice {
    /// One linear map with bias (wav2vec 2.0's final projection).
    case linear
    /// Two linear maps with ReLU between them (USAD).
    case mlp
}

/// Predicts a feature of a teacher layer from a hidden state of the student; thrown away after
/// distillation.
struct PredictionHead {
    private let first: Linear
    private let second: Linear?

    init(_ scope: ParameterScope, _ kind: PredictionHeadKind, from inputs: Int, to outputs: Int) {
        let initializer = Initializer.xavierUniform(fanIn: inputs, fanOut: outputs)
        switch kind {
        case .linear:
            first = Linear(scope, inputs, outputs, initializer: initializer)
            second = nil
        case .mlp:
            first = Linear(scope["0"], inputs, inputs, initializer: .uniform(fanIn: inputs))
            second = Linear(scope["2"], inputs, outputs, initializer: initializer)
        }
    }

    /// [R, D_S] to [R, D_T].
    func callAsFunction(_ x: Tensor) -> Tensor {
        guard let second else { return first(x) }
        return second(first(x).relu())
    }
}
