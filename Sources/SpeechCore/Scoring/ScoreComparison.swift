/// Whether two systems differ by more than chance on the same utterances.
public struct ScoreComparison: Sendable, Hashable, Codable {
    /// The metric.
    public let metric: ScoreMetric
    /// The form of the texts.
    public let form: TextForm
    /// The first system's score, in the unit of ``MetricScore/value``.
    public let baseline: Double
    /// The second system's score.
    public let system: Double
    /// How chance is modelled.
    public let test: SignificanceTest
    /// Resamples or trials.
    public let samples: Int
    /// Their seed.
    public let seed: UInt64
    /// The probability of this difference, or a larger one, between systems that are equally good; below
    /// 0.05 the difference counts as significant.
    public let pValue: Double

    private enum CodingKeys: String, CodingKey {
        case metric, form, baseline, system, test, samples, seed
        case pValue = "p_value"
    }

    /// Compares the scores of two systems over all utterances.
    ///
    /// Resamples, their seed and p-values are sacreBLEU's, also for WER and CER. BLEU is left out where
    /// languages have different tokenizers.
    ///
    /// * `hypotheses`: what the second system says to each of the texts, in order.
    /// * `samples`: nil for sacreBLEU's number.
    ///
    /// - Throws: as `ScoreReport`, and `ScoreError.differentUtterances`.
    public static func compare(
        _ texts: [ScoredText], with hypotheses: [String], settings: ScoreSettings = ScoreSettings(),
        test: SignificanceTest = .bootstrap, samples: Int? = nil
    ) throws -> [ScoreComparison] {
        guard texts.count == hypotheses.count else {
            throw ScoreError.differentUtterances(
                expected: "\(texts.count)", found: "\(hypotheses.count)")
        }
        var others = texts
        for index in others.indices { others[index].hypothesis = hypotheses[index] }
        return try ScoreStatistics.comparisons(
            ScoreStatistics(texts, settings), ScoreStatistics(others, settings), test,
            samples: samples ?? test.usualSamples)
    }
}
