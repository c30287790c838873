import Foundation
public import Torch

/// Cross entropy with a share of the probability given to tokens that are not the target (Szegedy and
/// others, 2016, section 7), as fairseq counts it (`label_smoothed_cross_entropy`).
///
/// The target distribution gives 1 − ε to the label y and ε / (V − 1) to each of the others:
/// (1 − ε − ε / (V − 1)) · (−log p_y) + ε / (V − 1) · Σ_v −log p_v. PyTorch's `label_smoothing` is the
/// share that all V tokens have, so that ε here is ε · V / (V − 1) there.
public struct LabelSmoothedCrossEntropy: Sendable {
    /// ε.
    public let smoothing: Double

    /// * `smoothing`: 0 … below 1; 0 for plain cross entropy.
    public init(smoothing: Double) {
        precondition((0..<1).contains(smoothing), "a smoothing of \(smoothing)")
        self.smoothing = smoothing
    }

    /// The sum over rows, a scalar with history, and the same without smoothing.
    ///
    /// * `logits`: [N, V]; the softmax is taken in `float32`, of `float64` in that.
    /// * `labels`: N tokens.
    public func callAsFunction(
        _ logits: Tensor, _ labels: [Int]
    ) -> (sum: Tensor, negativeLogLikelihood: Tensor) {
        let vocabulary = logits.size(-1)
        let scores = (logits.dtype == .float64 ? logits : logits.to(.float32)).logSoftmax(-1)
        let index = Tensor(labels.map { Int64($0) }, [labels.count, 1], device: logits.device)
        let likelihood = -scores.gather(1, index).sum()
        guard smoothing > 0 else { return (likelihood, likelihood) }
        let share = smoothing / Double(vocabulary - 1)
        let sum = likelihood * (1 - smoothing - share) + scores.sum() * -share
        return (sum, likelihood)
    }

    /// The least value of a row: the entropy of the target distribution.
    public func minimum(vocabulary: Int) -> Double {
        guard smoothing > 0 else { return 0 }
        let others = smoothing / Double(vocabulary - 1)
        return -(1 - smoothing) * log(1 - smoothing) - smoothing * log(others)
    }
}
