public import SpeechModels
public import Torch

/// Connectionist temporal classification as `transformers` computes it (`ForCTCLoss`): the negative
/// log-likelihood of the labels, summed over all alignments with the frames.
public struct CTCLoss: Sendable {
    /// The id of the blank.
    public let blank: Int
    /// How the losses of the clips are joined.
    public let reduction: CTCReduction
    /// Whether clips with more labels than frames have loss 0 instead of +∞.
    public let zeroesInfinity: Bool

    /// Labels of this id stand for nothing.
    public static let ignoredLabel = -100

    /// * `blank`: no label is ever this id.
    public init(blank: Int, reduction: CTCReduction = .sum, zeroesInfinity: Bool = false) {
        self.blank = blank
        self.reduction = reduction
        self.zeroesInfinity = zeroesInfinity
    }

    /// As the configuration of a model has it.
    public init(_ config: CTCConfig) {
        self.init(
            blank: config.blank, reduction: config.reduction,
            zeroesInfinity: config.zeroesInfinity)
    }

    /// The loss, a scalar with history.
    ///
    /// * `logits`: [B, T, V]; the softmax is taken in `float32`, of `float64` in that.
    /// * `inputLengths`: the valid frames of each clip.
    /// * `labels`: the ids of each clip's text; −100 and the blank are left out.
    public func callAsFunction(
        _ logits: Tensor, inputLengths: [Int], labels: [[Int]]
    ) -> Tensor {
        loss(
            logits, inputLengths: inputLengths, labels: labels,
            reduction: reduction == .sum ? .sum : .mean)
    }

    /// The loss of each clip [B], with history; with the reduction `mean` divided by its number of
    /// labels, at least 1.
    ///
    /// * `logits`, `inputLengths`, `labels`: as for the loss.
    public func losses(_ logits: Tensor, inputLengths: [Int], labels: [[Int]]) -> Tensor {
        let losses = loss(
            logits, inputLengths: inputLengths, labels: labels, reduction: .none)
        guard reduction == .mean else { return losses }
        let counts = labels.map { Float(max(1, targets(of: $0).count)) }
        return losses / Tensor(counts, [counts.count], device: logits.device)
    }

    /// The frames that labels need: one each, and a blank between any two of the same id.
    public func neededFrames(_ labels: [Int]) -> Int {
        let targets = self.targets(of: labels)
        return targets.count + zip(targets, targets.dropFirst()).count { $0 == $1 }
    }

    private func targets(of labels: [Int]) -> [Int] {
        labels.filter { $0 != Self.ignoredLabel && $0 != blank }
    }

    private func loss(
        _ logits: Tensor, inputLengths: [Int], labels: [[Int]], reduction: LossReduction
    ) -> Tensor {
        let probabilities = (logits.dtype == .float64 ? logits : logits.to(.float32))
            .logSoftmax(-1).transpose(0, 1)  // [T, B, V]
        let targets = labels.map { self.targets(of: $0) }
        let flat = targets.flatMap { $0.map { Int64($0) } }
        return probabilities.ctcLoss(
            Tensor(flat, [flat.count], device: logits.device), inputLengths: inputLengths,
            targetLengths: targets.map(\.count), blank: blank, reduction: reduction,
            zeroesInfinity: zeroesInfinity)
    }
}
