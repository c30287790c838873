import Foundation
import SpeechCore
import SpeechTraining
import TestSupport
import Testing

/// How languages, manifests and shards decide what an epoch holds.
@Suite struct BatchBalanceTests {
    /// Utterances of 1 to 9 s.
    private func utterances(
        _ language: String, _ count: Int, prefix: String = "", shards: Int = 0
    ) -> [Utterance] {
        var generator = SeededGenerator(seed: 5, stream: UInt64(count))
        return (0..<count).map { number in
            let shard = shards > 0 ? number % shards : 0
            return Utterance(
                id: "\(prefix)\(language)\(number)", audioPath: "/data/\(prefix)\(shard).tar",
                byteRange: shards > 0 ? number..<number + 1 : nil,
                duration: 1 + 8 * generator.uniform(), lang: language)
        }
    }

    private func dataset(
        _ corpora: [[Utterance]], _ change: (inout DatasetConfig) -> Void = { _ in }
    ) throws -> (Dataset, DatasetConfig) {
        var config = DatasetConfig()
        change(&config)
        let url = URL(fileURLWithPath: "/data/m.jsonl")
        let indices = corpora.map { UtteranceIndex($0, of: url) }
        return (try Dataset(indices, config: config), config)
    }

    /// Seconds by language, and the number of times each utterance occurs.
    private func draws(
        _ dataset: Dataset, _ sampler: BatchSampler, epochs: Range<Int>
    ) throws -> (seconds: [String: Double], counts: [Int: Int]) {
        var seconds: [String: Double] = [:]
        var counts: [Int: Int] = [:]
        for epoch in epochs {
            for segment in sampler.batches(epoch: epoch).flatMap(\.segments) {
                let language = try dataset.utterance(segment.utterance).lang ?? ""
                seconds[language, default: 0] += segment.duration
                counts[segment.utterance, default: 0] += 1
            }
        }
        return (seconds, counts)
    }

    @Test func temperatureLiftsSmallLanguages() throws {
        let all = utterances("big", 900) + utterances("mid", 90) + utterances("low", 10)
        let hours = Dictionary(grouping: all, by: { $0.lang ?? "" })
            .mapValues { $0.reduce(0) { $0 + $1.duration } }
        let total = hours.values.reduce(0, +)
        for temperature in [1.0, 2, 5, 1000] {
            let (dataset, config) = try dataset([all]) { $0.languageTemperature = temperature }
            let sampler = BatchSampler(dataset.table, config: config, seed: 1)
            let epochs = 12
            let (seconds, counts) = try draws(dataset, sampler, epochs: 0..<epochs)
            let powers = hours.mapValues { Foundation.pow($0 / total, 1 / temperature) }
            let sum = powers.values.reduce(0, +)
            for (language, power) in powers {
                let share = (seconds[language] ?? 0) / seconds.values.reduce(0, +)
                expectClose(share, power / sum, within: 0.02)
            }
            // An epoch stays as long as the data.
            expectClose(seconds.values.reduce(0, +) / Double(epochs) / total, 1, within: 0.03)
            if temperature == 1 {
                #expect(counts.count == 1000 && counts.values.allSatisfy { $0 == epochs })
            }
        }
    }

    @Test func utterancesOfALanguageTakeTurns() throws {
        let all = utterances("big", 600) + utterances("low", 20)
        let (dataset, config) = try dataset([all]) { $0.languageTemperature = 1000 }
        let sampler = BatchSampler(dataset.table, config: config, seed: 1)
        // Half of an epoch for each: of the big one every utterance within two epochs and a bit.
        let (_, counts) = try draws(dataset, sampler, epochs: 0..<3)
        #expect(counts.count == 620)
        let big = (0..<600).map { counts[$0] ?? 0 }
        let low = (600..<620).map { counts[$0] ?? 0 }
        #expect(big.min() ?? 0 >= 1 && big.max() ?? 0 <= 2)
        // 310 draws an epoch of 20: within a bucket no one comes more than once before another.
        #expect((low.max() ?? 0) - (low.min() ?? 0) <= 12)
        #expect(low.reduce(0, +) / 20 > 35)
    }

    @Test func everyEpochHasAsManyBatchesAndIsFoundByNumber() throws {
        let all = utterances("a", 300) + utterances("b", 40) + utterances("c", 7)
        let (dataset, config) = try dataset([all]) { $0.languageTemperature = 3 }
        let sampler = BatchSampler(dataset.table, config: config, seed: 4)
        let other = BatchSampler(dataset.table, config: config, seed: 4)
        let run = (0..<5).flatMap { sampler.batches(epoch: $0) }
        for number in SeededGenerator.order(run.count) {
            #expect(other.batch(number) == run[number])
        }
        #expect(run.allSatisfy { !$0.segments.isEmpty && $0.paddedSeconds <= 60 })
        #expect(run[0] != run[sampler.batchesPerEpoch])
    }

    @Test func manifestsHaveWeights() throws {
        let first = utterances("de", 200, prefix: "x")
        let second = utterances("de", 200, prefix: "y")
        func share(_ weights: [Double]) throws -> Double {
            let (dataset, config) = try dataset([first, second]) { $0.corpusWeights = weights }
            let sampler = BatchSampler(dataset.table, config: config, seed: 1)
            let (_, counts) = try draws(dataset, sampler, epochs: 0..<4)
            let own = counts.filter { $0.key < 200 }.values.reduce(0, +)
            return Double(own) / Double(counts.values.reduce(0, +))
        }
        expectClose(try share([]), 0.5, within: 1e-9)
        expectClose(try share([1, 1]), 0.5, within: 1e-9)
        expectClose(try share([3, 1]), 0.75, within: 0.01)
        #expect(try share([0, 2]) == 0)
        let error = expectError(
            DatasetError.self, containing: ["corpus_weights", "2 manifests", "found 3"]
        ) { try dataset([first, second]) { $0.corpusWeights = [1, 1, 1] } }
        #expect(error?.exitStatus == .badInput)
    }

    @Test func severalManifestsAreNumberedThrough() throws {
        let first = utterances("de", 30, prefix: "x")
        let second = utterances("fr", 20, prefix: "y")
        let (dataset, config) = try dataset([first, second])
        #expect(dataset.count == 50)
        #expect(try dataset.utterances() == first + second)
        #expect(try dataset.utterance(30) == second[0])
        #expect(dataset.report.languages.map(\.code) == ["de", "fr"])
        let sampler = BatchSampler(dataset.table, config: config, seed: 1)
        let used = sampler.batches(epoch: 0).flatMap { $0.segments.map(\.utterance) }
        #expect(used.sorted() == Array(0..<50))
    }

    @Test func fewShardsAreReadAtATime() throws {
        let all = utterances("de", 400, shards: 20)
        let (dataset, config) = try dataset([all]) {
            $0.shuffleShards = 3
            $0.maxSeconds = 20
        }
        let sampler = BatchSampler(dataset.table, config: config, seed: 1)
        func shards(_ epoch: Int) throws -> [[String]] {
            try sampler.batches(epoch: epoch).map { batch in
                try batch.segments.map { try dataset.utterance($0.utterance).audioPath }
            }
        }
        for epoch in 0..<3 {
            let order = try shards(epoch)
            let used = sampler.batches(epoch: epoch).flatMap { $0.segments.map(\.utterance) }
            #expect(used.sorted() == Array(0..<400))
            // Batches of a shard stand within one window: from its first to its last no more
            // than two other shards have any.
            var last: [String: Int] = [:]
            var first: [String: Int] = [:]
            for (position, paths) in order.enumerated() {
                #expect(Set(paths).count == 1)
                for path in paths {
                    last[path] = position
                    if first[path] == nil { first[path] = position }
                }
            }
            #expect(first.count == 20)
            for (path, start) in first {
                let end = last[path] ?? start
                let between = Set(order[start...end].flatMap { $0 })
                #expect(between.count <= 3)
            }
        }
        #expect(try shards(0) != shards(1))
        // A batch is found by its number among shards, too.
        let other = BatchSampler(dataset.table, config: config, seed: 1)
        let run = (0..<2).flatMap { sampler.batches(epoch: $0) }
        for number in SeededGenerator.order(run.count) {
            #expect(other.batch(number) == run[number])
        }
    }
}

extension SeededGenerator {
    /// The numbers below `count` in an arbitrary order.
    fileprivate static func order(_ count: Int) -> [Int] {
        var generator = SeededGenerator(seed: 4)
        return generator.permutation(count)
    }
}
