public import SpeechCore
import Torch

/// The kinds of map from a student's hidden state to a teacher's feature.
public enum PredictionHeadKind: String, ConfigChoice {
    /// One linear map with bias (wav2vec 2.0's final projection).
    case linear
    /// Two linear maps with ReLU between them (USAD).
    case mlp
    /// Two linear maps with GELU between them.
    ///
    /// DistilHuBERT's head: its one map to n · D channels, GELU and a group of channels for each of n
    /// predictions is this for each prediction.
    case mlpGELU = "mlp_gelu"
    /// A transposed convolution to the rate of a faster teacher, its kernel as long as its stride, and
    /// a linear map (FitHuBERT).
    case upsample
}

/// Predicts a feature of a teacher layer from a hidden state of the student; thrown away after
/// distillation.
struct PredictionHead {
    /// Maps all predictions of a frame in one, then each further.
    private let first: Linear
    private let activation: (Tensor) -> Tensor
    private let second: Linear?
    private let predictionsPerFrame: Int

    /// * `predictionsPerFrame`: more than 1 for `upsample` only.
    init(
        _ scope: ParameterScope, _ kind: PredictionHeadKind, from inputs: Int, to outputs: Int,
        predictionsPerFrame: Int = 1
    ) {
        precondition(kind == .upsample || predictionsPerFrame == 1, "\(kind) makes one prediction")
        self.predictionsPerFrame = predictionsPerFrame
        let initializer = Initializer.xavierUniform(fanIn: inputs, fanOut: outputs)
        switch kind {
        case .linear:
            first = Linear(scope, inputs, outputs, initializer: initializer)
            activation = { $0 }
            second = nil
        case .mlp, .mlpGELU:
            first = Linear(scope["0"], inputs, inputs, initializer: .uniform(fanIn: inputs))
            activation = kind == .mlp ? { $0.relu() } : { $0.gelu() }
            second = Linear(scope["2"], inputs, outputs, initializer: initializer)
        case .upsample:
            // Kernels that do not overlap: row f · D + d of the weight makes channel d of prediction
            // f of a frame. Its bias would be one with that of the second map.
            first = Linear(
                scope["0"], inputs, predictionsPerFrame * inputs, bias: false,
                initializer: .uniform(fanIn: predictionsPerFrame * inputs))
            activation = { $0 }
            second = Linear(scope["1"], inputs, outputs, initializer: initializer)
        }
    }

    /// [R, D_S] to [R, D_T].
    ///
    /// * `choice`: for each row, which of all R · `predictionsPerFrame` predictions is wanted.
    func callAsFunction(_ x: Tensor, choice: Tensor? = nil) -> Tensor {
        var y = first(x)
        if let choice {
            y = y.unflatten(1, [predictionsPerFrame, -1]).flatten(0, 1).indexSelect(0, choice)
        }
        guard let second else { return y }
        return second(activation(y))
    }
}
