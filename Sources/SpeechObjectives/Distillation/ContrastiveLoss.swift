public import Torch

/// The contrastive loss of CoLLD: −log softmax of the cosine similarity to the own target among
/// distractors (methods 1.9; wav2vec 2.0, equation 3, with continuous targets).
public struct ContrastiveLoss {
    /// τ: similarities are divided by it.
    public let temperature: Double

    /// What is known about one pair of layers.
    public typealias Diagnostics = PairDiagnostics

    /// The loss of one pair.
    public struct Result {
        /// Summed over predicted frames, a scalar with history.
        public let sum: Tensor
        /// By frame, [B, M]; 0 where nothing is predicted.
        public let perFrame: Tensor
        /// Only where asked for.
        public let diagnostics: Diagnostics?
    }

    /// - Parameter temperature: 0.1 in wav2vec 2.0 and its relatives.
    public init(temperature: Double) {
        self.temperature = temperature
    }

    /// x / max(‖x‖, 1e-8) over the last dimension.
    public static func unit(_ x: Tensor) -> Tensor {
        x / x.norm([-1], keepDimensions: true).clamped(min: 1e-8)
    }

    /// Computes the loss.
    ///
    /// * `predictions`: [B, M, D], in `float32` or `float64`.
    /// * `targets`: unit vectors [B, M, D].
    /// * `distractors`: for B utterances of M frames.
    /// * `scale`: a scalar that takes the place of 1/τ where it is trained.
    /// * `keepsEqualTargets`: whether distractors with the positive's own target count, too.
    public func callAsFunction(
        _ predictions: Tensor, targets: Tensor, _ distractors: Distractors, scale: Tensor? = nil,
        keepsEqualTargets: Bool = false, withDiagnostics: Bool = false
    ) -> Result {
        let unit = Self.unit(predictions)
        let cosines = unit.batchedMatmul(targets.transpose(1, 2))  // [B, M, M]
        let logCounts =
            keepsEqualTargets
            ? distractors.logCounts
            : withoutGradients { Distractors.withoutEqual(distractors.logCounts, targets) }
        let logits = scale.map { cosines * $0 } ?? cosines * (1 / temperature)
        let positive = logits.diagonal(1, 2)  // [B, M]
        let perFrame =
            ((logits + logCounts).logSumExp([2]) - positive) * distractors.weights
        let diagnostics =
            withDiagnostics
            ? PairDiagnostics(
                perFrame: perFrame, predictions: unit, targets: targets, distractors: distractors)
            : nil
        return Result(sum: perFrame.sum(), perFrame: perFrame, diagnostics: diagnostics)
    }
}
