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
        let probabilities = (logits.dtype == .float64 ? logits : logits.to(.float32))
            .logSoftmax(-1).transpose(0, 1)  // [T, B, V]
        let targets = labels.map { $0.filter { $0 != Self.ignoredLabel && $0 != blank } }
        let flat = targets.flatMap { $0.map { Int64($0) } }
        return probabilities.ctcLoss(
            Tensor(flat, [flat.count], device: logits.device), inputLengths: inputLengths,
            targetLengths: targets.map(\.count), blank: blank,
            reduction: reduction == .sum ? .sum : .mean, zeroesInfinity: zeroesInfinity)
    }
}
