public import Torch

/// What the predictions of one pair of layers say about a run, the same for every loss.
public struct PairDiagnostics {
    /// The names of the values.
    public static let names = [
        "loss", "accuracy", "positive_cosine", "negative_cosine", "target_cosine",
        "prediction_rank", "target_rank",
    ]

    /// Means over the predicted frames, [7].
    ///
    /// Loss; how often the own target is more similar than every distractor's; cosine to the own
    /// target, to the distractors', and of the own target to theirs; effective ranks of predictions
    /// and of targets (`EffectiveRank`).
    public let values: Tensor

    /// Compares predictions with targets.
    ///
    /// Distractors whose target is the positive's own count in the cosine between targets alone.
    ///
    /// * `perFrame`: the loss of each frame, [B, M]; 0 where nothing is predicted.
    /// * `predictions`, `targets`: [B, M, D], of any lengths; those in rows that are not predicted
    ///   have no part in it.
    /// * `distractors`: for B utterances of M frames.
    public init(
        perFrame: Tensor, predictions: Tensor, targets: Tensor, distractors: Distractors
    ) {
        values = withoutGradients {
            let prediction = ContrastiveLoss.unit(predictions.detached())
            let target = ContrastiveLoss.unit(targets.detached())
            let cosines = prediction.batchedMatmul(target.transpose(1, 2))
            let targetCosines = target.batchedMatmul(target.transpose(1, 2))
            let weights = distractors.weights.to(cosines.dtype)
            let total = weights.sum().clamped(min: 1.0)
            let positive = cosines.diagonal(1, 2)
            let eye = Tensor.identity(cosines.size(-1), dtype: .bool, device: cosines.device)
            func counts(_ logarithms: Tensor) -> Tensor {
                logarithms.exp().filled(where: eye, 0).to(cosines.dtype)
            }
            let all = counts(distractors.logCounts)
            let others = counts(Distractors.withoutEqual(distractors.logCounts, target))
            let best = cosines.filled(where: others.isEqual(to: 0), -2).max([2])
            let accuracy = positive.isGreater(than: best).to(cosines.dtype)
            func mean(_ perAnchor: Tensor) -> Tensor { (perAnchor * weights).sum() / total }
            func mean(_ matrix: Tensor, over counts: Tensor) -> Tensor {
                mean((matrix * counts).sum([2]) / counts.sum([2]).clamped(min: 1.0))
            }
            let means: [Tensor] = [
                perFrame.sum().to(cosines.dtype) / total, mean(accuracy), mean(positive),
                mean(cosines, over: others), mean(targetCosines, over: all),
            ]
            let predicted = Self.rows(weights)
            let ranks = [prediction, target].map { features -> Double in
                EffectiveRank.of(features.flatten(0, 1).indexSelect(0, predicted))
            }
            return .concatenate(
                [
                    .stack(means),
                    Tensor(ranks, [2], device: cosines.device).to(cosines.dtype),
                ], 0)
        }
    }

    /// The values with their names behind the pair's, as reports hold them.
    public func metrics(of pair: String) -> [(name: String, value: Double)] {
        zip(Self.names, values.doubles()).map { ("\(pair)/\($0)", $1) }
    }

    /// The numbers of the rows that count, of [B, M].
    private static func rows(_ weights: Tensor) -> Tensor {
        let rows = weights.doubles().enumerated().filter { $0.element > 0 }.map { Int64($0.offset) }
        return Tensor(rows, [rows.count], device: weights.device)
    }
}
