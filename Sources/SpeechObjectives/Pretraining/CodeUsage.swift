import Foundation
public import Torch

/// How often the codes of a batch occur: what a prediction without any understanding of speech
/// could still know.
public struct CodeUsage {
    /// The share of each code among the frames, [N, V] for N codebooks; each row adds up to 1.
    public let frequencies: Tensor

    /// Counts codes.
    ///
    /// * `codes`: [R, N] `int64`, the codes of R frames in N codebooks.
    /// * `entries`: V, the codes that there are in each book.
    /// * `weights`: [R], 1 for frames that count, 0 for others.
    public init(_ codes: Tensor, entries: Int, weights: Tensor) {
        let books = codes.size(1)
        let counts = Tensor.zeros([books, entries], dtype: weights.dtype, device: codes.device)
            .scatterAdding(
                1, codes.transpose(0, 1), weights.unsqueeze(0).expand([books, codes.size(0)]))
        frequencies = counts / weights.sum().clamped(min: 1)
    }

    /// −Σ p ln p of each codebook, [N], in nats.
    ///
    /// A classifier that has learned nothing but the frequencies has this loss.
    public var entropies: Tensor { Self.entropies(frequencies) }

    /// The mean entropy of the codebooks.
    public var entropy: Double { entropies.mean().item() }

    /// The mean over codebooks of exp(entropy): how many codes are in use, 1 for a collapsed book.
    public var perplexity: Double { entropies.exp().mean().item() }

    /// −Σ p ln p over the last dimension, with 0 ln 0 = 0 and gradients that stay finite there.
    static func entropies(_ probabilities: Tensor) -> Tensor {
        -(probabilities * probabilities.clamped(min: 1e-30).log()).sum([-1])
    }
}
