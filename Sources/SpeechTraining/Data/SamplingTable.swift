internal import Foundation
internal import SpeechCore

/// What a sampler knows of utterances: columns of numbers, 18 bytes an utterance.
public struct SamplingTable: Sendable {
    /// Utterances that are drawn alike: those of one language in one manifest.
    public struct Group: Sendable, Hashable {
        /// The place of the manifest.
        public let corpus: Int
        /// The manifest's code; nil for utterances without one.
        public let language: String?
    }

    /// Seconds of each utterance, above 0.
    let durations: [Double]
    /// The group of each utterance, a place in `groups`.
    let groupNumbers: [UInt16]
    let groups: [Group]
    /// The shard of each utterance; empty where all utterances are in none.
    ///
    /// A shard is a file that holds many recordings and is best read as a whole. What is in none is
    /// together in one.
    let shardNumbers: [UInt32]
    /// The utterances that can be used, by ascending length.
    let usable: ArraySlice<UInt32>
    /// The others, in order.
    let tooShort: [UInt32]

    /// Of utterances without languages, in one manifest and no shards.
    public init(durations: [Double]) {
        precondition(durations.count <= Int32.max, "\(durations.count) utterances are too many")
        precondition(durations.allSatisfy { $0 > 0 && $0.isFinite }, "a duration is not above 0")
        self.durations = durations
        groups = [Group(corpus: 0, language: nil)]
        groupNumbers = [UInt16](repeating: 0, count: durations.count)
        shardNumbers = []
        tooShort = []
        usable =
            (0..<UInt32(durations.count)).sorted {
                let (first, second) = (durations[Int($0)], durations[Int($1)])
                return first == second ? $0 < $1 : first < second
            }[...]
    }

    /// * `excluded`: utterances that are not used for another reason than their length.
    init(_ corpora: [UtteranceIndex], minimumDuration: Double, excluding excluded: Set<UInt32> = [])
    {
        var durations: [Double] = []
        var groupNumbers: [UInt16] = []
        var groups: [Group] = []
        var shards: [UInt32] = []
        var ascending: [UInt32] = []
        let isSharded = corpora.contains { $0.shardCount > 0 }
        var firstShard: UInt32 = 0
        for (number, corpus) in corpora.enumerated() {
            let start = UInt32(durations.count)
            let firstGroup = UInt16(groups.count)
            groups += corpus.languages.map { Group(corpus: number, language: $0) }
            precondition(groups.count < UInt16.max, "more languages than can be counted")
            let lengths = corpus.durations()
            let order = corpus.ascending()
            if start == 0 {
                (durations, ascending) = (lengths, order)
            } else {
                durations += lengths
                ascending = Self.merge(ascending, order.map { $0 + start }, by: durations)
            }
            groupNumbers += corpus.languageNumbers().lazy.map { $0 + firstGroup }
            if isSharded {
                // Behind the shards of a corpus comes one for all that is in none.
                let loose = UInt32(corpus.shardCount)
                shards += corpus.shardNumbers().lazy.map { firstShard + min($0, loose) }
                firstShard += loose + 1
            }
        }
        let short = ascending.prefix { durations[Int($0)] < minimumDuration }.count
        self.durations = durations
        self.groupNumbers = groupNumbers
        self.groups = groups
        shardNumbers = shards
        tooShort = ascending[..<short].sorted()
        usable =
            excluded.isEmpty
            ? ascending[short...] : ascending[short...].filter { !excluded.contains($0) }[...]
    }

    private static func merge(
        _ first: [UInt32], _ second: [UInt32], by durations: [Double]
    ) -> [UInt32] {
        var merged: [UInt32] = []
        merged.reserveCapacity(first.count + second.count)
        var rest = second[...]
        for number in first {
            // Equal lengths by number; those of `first` are the smaller ones.
            while let next = rest.first, durations[Int(next)] < durations[Int(number)] {
                merged.append(next)
                rest.removeFirst()
            }
            merged.append(number)
        }
        return merged + rest
    }

    /// How often an epoch takes an utterance of each group, on average.
    ///
    /// A language of h hours gets a share of the epoch in proportion to h^(1/temperature), as in
    /// XLS-R (Babu et al. 2021, section 3.1, where the exponent is called α); h counts a manifest's
    /// hours times its weight. The epoch is as long as all utterances together.
    func repeats(temperature: Double, corpusWeights: [Double]) -> [Double] {
        let weights = groups.map { corpusWeights.isEmpty ? 1 : corpusWeights[$0.corpus] }
        // Exactly once where nothing asks for anything else, whatever rounding would do.
        guard temperature != 1 || Set(weights).count > 1 else {
            return [Double](repeating: 1, count: groups.count)
        }
        var seconds = [Double](repeating: 0, count: groups.count)
        for number in usable { seconds[Int(groupNumbers[Int(number)])] += durations[Int(number)] }
        var weighted: [String?: Double] = [:]
        for (number, group) in groups.enumerated() {
            weighted[group.language, default: 0] += seconds[number] * weights[number]
        }
        let whole = weighted.values.sorted().reduce(0, +)
        let powers = weighted.mapValues { pow($0 / whole, 1 / temperature) }
        let sum = powers.values.sorted().reduce(0, +)
        let total = seconds.reduce(0, +)
        return groups.indices.map { number in
            let language = groups[number].language
            guard seconds[number] > 0, let hours = weighted[language], hours > 0,
                let power = powers[language]
            else { return 0 }
            return weights[number] * power / sum * total / hours
        }
    }
}
