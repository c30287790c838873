public import Torch

/// The contrastive loss of CoLLD: −log softmax of the cosine similarity to the own target among
/// distractors (methods 1.9; wav2vec 2.0, equation 3, with continuous targets).
public struct ContrastiveLoss {
    /// τ: similarities are divided by it.
    public let temperature: Double

    /// What is known about one pair of layers.
    public struct Diagnostics {
        /// Means over the predicted frames, [5].
        ///
        /// Loss, top-1 accuracy, cosine to the own target, to the distractors, and between different
        /// targets of an utterance.
        public let values: Tensor
        /// The names of the values.
        public static let names = [
            "loss", "accuracy", "positive_cosine", "negative_cosine", "target_cosine",
        ]
    }

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
    /// * `targets`: unit vectors [B, M, D] without history.
    /// * `distractors`: for B utterances of M frames.
    /// * `scale`: a scalar that takes the place of 1/τ where it is trained.
    public func callAsFunction(
        _ predictions: Tensor, targets: Tensor, _ distractors: Distractors, scale: Tensor? = nil,
        withDiagnostics: Bool = false
    ) -> Result {
        let unit = Self.unit(predictions)
        let cosines = unit.batchedMatmul(targets.transpose(1, 2))  // [B, M, M]
        let logCounts = guarded(distractors.logCounts, targets)
        let logits = scale.map { cosines * $0 } ?? cosines * (1 / temperature)
        let positive = logits.diagonal(1, 2)  // [B, M]
        let perFrame =
            ((logits + logCounts).logSumExp([2]) - positive) * distractors.weights
        let diagnostics =
            withDiagnostics
            ? withoutGradients {
                diagnose(perFrame, cosines, targets, logCounts, distractors)
            } : nil
        return Result(sum: perFrame.sum(), perFrame: perFrame, diagnostics: diagnostics)
    }

    /// Takes out distractors whose target is the positive's own: digital silence has many frames
    /// with one and the same feature.
    ///
    /// Equal targets are found by their projections on two fixed directions, which costs nothing
    /// beside the product of all targets with each other.
    private func guarded(_ logCounts: Tensor, _ targets: Tensor) -> Tensor {
        let directions = Tensor.normal(
            [targets.size(-1), 2], generator: RandomGenerator(seed: 0x6571_7561_6c)
        ).to(targets.dtype).to(targets.device)
        let places = targets.matmul(directions)  // [B, M, 2]
        let distances = (places.unsqueeze(2) - places.unsqueeze(1)).abs().max([3])  // [B, M, M]
        let isEqual = distances.isLess(than: targets.dtype == .float64 ? 1e-13 : 1e-6)
        let eye = Tensor.identity(targets.size(1), dtype: .bool, device: targets.device)
        return logCounts.filled(where: isEqual.and(eye.not()), -.infinity)
    }

    private func diagnose(
        _ perFrame: Tensor, _ cosines: Tensor, _ targets: Tensor, _ logCounts: Tensor,
        _ distractors: Distractors
    ) -> Diagnostics {
        let targetCosines = targets.batchedMatmul(targets.transpose(1, 2))
        let weights = distractors.weights
        let total = weights.sum().clamped(min: 1.0)
        let positive = cosines.diagonal(1, 2)
        let eye = Tensor.identity(cosines.size(-1), dtype: .bool, device: cosines.device)
        let counts = logCounts.exp().filled(where: eye, 0)
        let best = cosines.filled(where: counts.isEqual(to: 0), -2).max([2])
        let accuracy = positive.isGreater(than: best).to(cosines.dtype)
        func mean(_ perAnchor: Tensor) -> Tensor { (perAnchor * weights).sum() / total }
        func meanOverDistractors(_ matrix: Tensor) -> Tensor {
            mean((matrix * counts).sum([2]) / counts.sum([2]).clamped(min: 1.0))
        }
        return Diagnostics(
            values: .stack([
                perFrame.sum() / total, mean(accuracy), mean(positive),
                meanOverDistractors(cosines), meanOverDistractors(targetCosines),
            ]))
    }
}
