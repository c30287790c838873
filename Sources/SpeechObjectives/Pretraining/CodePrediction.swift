import SpeechModels
public import Torch

/// Masked prediction of codes: a classifier on hidden states, and its cross-entropy (BEST-RQ;
/// w2v-BERT, section 3.2).
public struct CodePrediction {
    /// N: codebooks.
    public let books: Int
    /// V: entries of each.
    public let entries: Int
    private let projection: Linear

    /// The loss of R frames.
    public struct Result {
        /// Summed over frames, averaged over codebooks; a scalar with history.
        public let sum: Tensor
        /// Loss and accuracy of a frame, and entropy and perplexity of the frequencies of the codes;
        /// empty unless asked for.
        public let metrics: [(name: String, value: Double)]
    }

    /// * `inputs`: D, the width of the hidden states.
    public init(_ scope: ParameterScope, inputs: Int, books: Int, entries: Int) {
        self.books = books
        self.entries = entries
        projection = Linear(scope, inputs, books * entries)
    }

    /// Computes the loss.
    ///
    /// * `states`: [R, D].
    /// * `codes`: [R, N] `int64`.
    /// * `weights`: [R], 1 for frames that are predicted, 0 for others.
    public func callAsFunction(
        _ states: Tensor, codes: Tensor, weights: Tensor, withDiagnostics: Bool = false
    ) -> Result {
        let logits = projection(states).to(states.dtype == .float64 ? .float64 : .float32)
            .unflatten(1, [books, entries])
        let logarithms = logits.logSoftmax(2).gather(2, codes.unsqueeze(2)).squeeze(2)  // [R, N]
        let weights = weights.to(logits.dtype)
        let sum = -(logarithms.mean([1]) * weights).sum()
        guard withDiagnostics else { return Result(sum: sum, metrics: []) }
        return withoutGradients {
            let total = weights.sum().clamped(min: 1)
            let hits = logits.detached().argmax(2).isEqual(to: codes).to(logits.dtype).mean([1])
            let usage = CodeUsage(codes, entries: entries, weights: weights)
            return Result(
                sum: sum,
                metrics: [
                    ("prediction_loss", (sum.detached() / total).item()),
                    ("prediction_accuracy", ((hits * weights).sum() / total).item()),
                    ("code_entropy", usage.entropy), ("code_perplexity", usage.perplexity),
                ])
        }
    }
}
