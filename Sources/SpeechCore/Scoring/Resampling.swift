/// How sure a score is of the utterances that it was measured on.
public struct ConfidenceInterval: Sendable, Hashable, Codable {
    /// The mean over the resamples.
    public let mean: Double
    /// The 2.5th percentile.
    public let low: Double
    /// The 97.5th percentile.
    public let high: Double
    /// The number of resamples.
    public let samples: Int
    /// Their seed.
    public let seed: UInt64

    /// Half of the interval, which sacreBLEU prints behind ±.
    public var halfWidth: Double { 0.5 * (high - low) }
}

/// How two systems are told apart.
public enum SignificanceTest: String, ConfigChoice {
    /// Paired bootstrap resampling (Koehn, "Statistical significance tests for machine translation
    /// evaluation", 2004), 1000 resamples if not said otherwise.
    case bootstrap
    /// Paired approximate randomisation (Riezler and Maxwell, "On some pitfalls in automatic evaluation and
    /// significance testing for MT", 2005), 10000 trials if not said otherwise.
    case randomization

    /// What sacreBLEU draws.
    public var usualSamples: Int { self == .bootstrap ? 1000 : 10000 }
}

/// Resamples of utterances, the same as sacreBLEU's for a seed.
struct Resampling {
    let seed: UInt64
    let samples: Int

    /// The metric of each resample of as many utterances as there are, drawn with replacement.
    func bootstrap(_ metric: some CorpusMetric, _ statistics: [Int32]) -> [Double] {
        let count = statistics.count / metric.width
        var generator = NumPyGenerator(seed: seed)
        return (0..<samples).map { _ in
            let drawn = (0..<count).lazy.map { _ in generator.integer(below: count) }
            return metric.resampledValue(of: metric.sums(statistics, drawn))
        }
    }

    /// The percentiles of resamples.
    func interval(_ scores: [Double]) -> ConfidenceInterval {
        let sorted = scores.sorted()
        // sacreBLEU's: one in forty on each side lies outside.
        let outside = sorted.count / 40
        return ConfidenceInterval(
            mean: sorted.reduce(0, +) / Double(sorted.count), low: sorted[outside],
            high: sorted[sorted.count - outside - 1], samples: samples, seed: seed)
    }

    /// The probability of a difference like this one, or a larger one, between systems that are equally
    /// good.
    func significance(
        _ test: SignificanceTest, _ metric: some CorpusMetric, _ baseline: [Int32],
        _ system: [Int32]
    ) -> Double {
        let difference = abs(
            metric.value(of: metric.sums(baseline)) - metric.value(of: metric.sums(system)))
        let chance: [Double]
        switch test {
        case .bootstrap:
            let pairs = zip(bootstrap(metric, baseline), bootstrap(metric, system))
            let differences = pairs.map { abs($1 - $0) }
            let mean = differences.reduce(0, +) / Double(differences.count)
            chance = differences.map { $0 - mean }
        case .randomization:
            chance = randomized(metric, baseline, system)
        }
        let larger = chance.count { $0 > difference }
        return Double(larger + 1) / Double(chance.count + 1)
    }

    /// The difference of each trial in which a coin decides for every utterance whose answer is whose.
    private func randomized(
        _ metric: some CorpusMetric, _ baseline: [Int32], _ system: [Int32]
    ) -> [Double] {
        let width = metric.width
        let count = baseline.count / width
        let total = zip(metric.sums(baseline), metric.sums(system)).map { $0 + $1 }
        var generator = NumPyGenerator(seed: seed)
        return (0..<samples).map { _ in
            var first = [Int](repeating: 0, count: width)
            for segment in 0..<count {
                let start = segment * width
                if generator.bit() {
                    for index in 0..<width { first[index] += Int(baseline[start + index]) }
                } else {
                    for index in 0..<width { first[index] += Int(system[start + index]) }
                }
            }
            let second = zip(total, first).map { $0 - $1 }
            return abs(metric.value(of: first) - metric.value(of: second))
        }
    }
}
