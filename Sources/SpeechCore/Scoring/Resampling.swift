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
        var generator = NumPyGenerator(seed: seed)
        return (0..<samples).map { _ in
            metric.resampledValue(
                of: Self.resample(statistics, width: metric.width, &generator))
        }
    }

    /// The sums of one resample; not generic, for these are the inner loops.
    private static func resample(
        _ statistics: [Int32], width: Int, _ generator: inout NumPyGenerator
    ) -> [Int] {
        var sums = [Int](repeating: 0, count: width)
        let count = statistics.count / width
        statistics.withUnsafeBufferPointer { statistics in
            sums.withUnsafeMutableBufferPointer { sums in
                for _ in 0..<count {
                    let start = generator.integer(below: count) * width
                    for index in 0..<width { sums[index] += Int(statistics[start + index]) }
                }
            }
        }
        return sums
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
        let total = zip(metric.sums(baseline), metric.sums(system)).map { $0 + $1 }
        var generator = NumPyGenerator(seed: seed)
        return (0..<samples).map { _ in
            let first = Self.shuffle(baseline, system, width: metric.width, &generator)
            let second = zip(total, first).map { $0 - $1 }
            return abs(metric.value(of: first) - metric.value(of: second))
        }
    }

    /// The sums of utterances of which a coin takes each from one of two systems.
    private static func shuffle(
        _ baseline: [Int32], _ system: [Int32], width: Int, _ generator: inout NumPyGenerator
    ) -> [Int] {
        var sums = [Int](repeating: 0, count: width)
        baseline.withUnsafeBufferPointer { baseline in
            system.withUnsafeBufferPointer { system in
                for start in stride(from: 0, to: baseline.count, by: width) {
                    let taken = generator.bit() ? baseline : system
                    for index in 0..<width { sums[index] += Int(taken[start + index]) }
                }
            }
        }
        return sums
    }
}
