import SpeechCore
import SpeechTraining
import Testing

@Suite struct BatchSamplerTests {
    /// Durations as corpora have them.
    enum Corpus: CaseIterable {
        case uniform, skewed, equal

        func durations(_ count: Int) -> [Double] {
            var generator = SeededGenerator(seed: 3)
            return (0..<count).map { _ in
                let fraction = generator.uniform()
                switch self {
                case .uniform: return 1 + 19 * fraction
                // Many short ones and a long tail.
                case .skewed: return 0.6 + 1 / (0.04 + fraction)
                case .equal: return 4
                }
            }
        }
    }

    private func config(_ change: (inout DatasetConfig) -> Void = { _ in }) -> DatasetConfig {
        var config = DatasetConfig()
        change(&config)
        return config
    }

    @Test(arguments: Corpus.allCases)
    func everyUtteranceOccursOnceInAnEpoch(_ corpus: Corpus) {
        let durations = corpus.durations(997)
        let sampler = BatchSampler(durations: durations, config: config(), seed: 1)
        for epoch in [0, 1, 5] {
            let batches = sampler.batches(epoch: epoch)
            #expect(batches.count == sampler.batchesPerEpoch)
            let used = batches.flatMap { $0.segments.map(\.utterance) }
            #expect(used.sorted() == Array(durations.indices))
        }
    }

    @Test(arguments: Corpus.allCases)
    func batchesHoldAtMostTheSecondsAllowed(_ corpus: Corpus) {
        let settings = config { $0.maxSeconds = 31 }
        let sampler = BatchSampler(durations: corpus.durations(500), config: settings, seed: 1)
        for epoch in 0..<3 {
            for batch in sampler.batches(epoch: epoch) {
                #expect(!batch.segments.isEmpty)
                #expect(batch.paddedSeconds <= 31)
            }
        }
    }

    @Test func anUtteranceLongerThanABatchIsAloneInOne() throws {
        let settings = config { $0.maxSeconds = 5 }
        let sampler = BatchSampler(
            durations: [1, 12, 2, 1, 18, 1], config: settings, seed: 1)
        let batches = sampler.batches(epoch: 0)
        for utterance in [1, 4] {
            let batch = try #require(
                batches.first { $0.segments.contains { $0.utterance == utterance } })
            #expect(batch.segments.count == 1)
        }
        #expect(batches.filter { $0.paddedSeconds > 5 }.count == 2)
    }

    @Test(arguments: Corpus.allCases)
    func littleIsWasted(_ corpus: Corpus) {
        let durations = corpus.durations(3000)
        let sampler = BatchSampler(durations: durations, config: config(), seed: 1)
        let batches = sampler.batches(epoch: 2)
        let seconds = batches.reduce(0) { $0 + $1.seconds }
        let padded = batches.reduce(0) { $0 + $1.paddedSeconds }
        #expect(padded < 1.12 * seconds, "padding")
        // Batches are nearly full, too.
        #expect(Double(batches.count) * 60 < 1.2 * seconds, "capacity")
    }

    @Test func fewUtterancesAreNotSpreadOverBuckets() {
        let durations = (0..<40).map { 2.6 + 0.01 * Double($0) }
        let sampler = BatchSampler(durations: durations, config: config(), seed: 1)
        // 40 × 3 s at most, two times 60 s.
        #expect(sampler.batchesPerEpoch == 2)
        #expect(sampler.batches(epoch: 0).map(\.segments.count) == [20, 20])
    }

    @Test func epochsAndSeedsDifferInOrderAndComposition() {
        let durations = Corpus.uniform.durations(400)
        func composition(_ seed: UInt64, _ epoch: Int) -> [[Int]] {
            BatchSampler(durations: durations, config: config(), seed: seed)
                .batches(epoch: epoch).map { $0.segments.map(\.utterance) }
        }
        let first = composition(1, 0)
        #expect(first == composition(1, 0))
        for other in [composition(1, 1), composition(2, 0)] {
            #expect(first != other)
            let shared = Set(first.map { $0.sorted() }).intersection(other.map { $0.sorted() })
            #expect(shared.count * 4 < first.count, "the same batches in another order")
        }
    }

    @Test func aBatchIsFoundByItsNumberAlone() {
        let durations = Corpus.skewed.durations(300)
        let straight = BatchSampler(durations: durations, config: config(), seed: 9)
        let count = straight.batchesPerEpoch
        let run = (0..<4).flatMap { straight.batches(epoch: $0) }
        // Another sampler, asked in another order and across epochs.
        let other = BatchSampler(durations: durations, config: config(), seed: 9)
        var order = SeededGenerator(seed: 4)
        for index in order.permutation(run.count) {
            #expect(other.batch(index) == run[index])
            #expect(run[index].epoch == index / count && run[index].position == index % count)
            #expect(other.address(ofBatch: index) == (index / count, index % count))
        }
        #expect(other.batch(epoch: 3, position: 2) == run[3 * count + 2])
    }

    @Test func windowsOfLongUtterancesMoveWithTheEpoch() {
        let settings = config { $0.maxDuration = 8 }
        let durations = [30.0, 5, 8, 8.5]
        let sampler = BatchSampler(durations: durations, config: settings, seed: 1)
        let again = BatchSampler(durations: durations, config: settings, seed: 1)
        var offsets: Set<Double> = []
        for epoch in 0..<50 {
            for (utterance, duration) in durations.enumerated() {
                let segment = sampler.segment(utterance: utterance, epoch: epoch)
                #expect(segment == again.segment(utterance: utterance, epoch: epoch))
                #expect(segment.duration == min(duration, 8))
                #expect(segment.offset >= 0 && segment.offset + segment.duration <= duration)
            }
            offsets.insert(sampler.segment(utterance: 0, epoch: epoch).offset)
        }
        #expect(offsets.count == 50)
        // All of the 22 s that a window can begin in, not only a part of them.
        #expect(offsets.contains { $0 < 5 } && offsets.contains { $0 > 17 })
        #expect(
            sampler.batches(epoch: 3).flatMap(\.segments).contains(
                sampler.segment(utterance: 0, epoch: 3)))
    }

    @Test func validationIsTheSameInEveryEpoch() throws {
        let settings = config { $0.maxDuration = 8 }
        let sampler = BatchSampler(
            durations: Corpus.uniform.durations(200), config: settings, seed: 1,
            mode: .validation)
        let batches = sampler.batches(epoch: 0)
        let segments = batches.flatMap(\.segments)
        #expect(sampler.batches(epoch: 4).flatMap(\.segments) == segments)
        #expect(sampler.batches(epoch: 4).map(\.epoch).allSatisfy { $0 == 4 })
        #expect(segments.allSatisfy { $0.offset == 0 && $0.duration <= 8 })
        #expect(segments.map(\.utterance).sorted() == Array(0..<200))
        // The longest first.
        let longest = batches.compactMap { $0.segments.map(\.duration).max() }
        #expect(longest == longest.sorted(by: >))
        let other = BatchSampler(
            durations: Corpus.uniform.durations(200), config: settings, seed: 2,
            mode: .validation)
        #expect(other.batches(epoch: 0) == batches)
    }

    @Test func withoutShufflingOnlyWindowsMove() {
        let settings = config {
            $0.shuffle = false
            $0.maxDuration = 8
        }
        let sampler = BatchSampler(
            durations: Corpus.uniform.durations(100), config: settings, seed: 1)
        let first = sampler.batches(epoch: 0).flatMap(\.segments)
        let second = sampler.batches(epoch: 1).flatMap(\.segments)
        #expect(first.map(\.utterance) == second.map(\.utterance))
        #expect(first != second)
    }

    @Test func theNumberOfUtterancesCanBeLimited() {
        let settings = config { $0.maxUtterances = 3 }
        let sampler = BatchSampler(
            durations: Corpus.skewed.durations(100), config: settings, seed: 1)
        let sizes = sampler.batches(epoch: 0).map(\.segments.count)
        #expect(sizes.max() == 3)
        #expect(sizes.reduce(0, +) == 100)
    }

    @Test func aSingleUtteranceAndExtremeLengthsMakeBatches() {
        let one = BatchSampler(durations: [3], config: config(), seed: 1)
        #expect(one.batchesPerEpoch == 1)
        #expect(one.batch(5).segments == [one.segment(utterance: 0, epoch: 5)])
        let extreme = BatchSampler(durations: [1e-300, 1e9, 3], config: config(), seed: 1)
        #expect(extreme.batches(epoch: 0).flatMap(\.segments).count == 3)
    }

    @Test func largeCorporaArePlanned() {
        let sampler = BatchSampler(
            durations: Corpus.uniform.durations(100_000), config: config(), seed: 1)
        var seen = [Bool](repeating: false, count: 100_000)
        for position in 0..<sampler.batchesPerEpoch {
            for segment in sampler.batch(epoch: 1, position: position).segments {
                seen[segment.utterance] = true
            }
        }
        #expect(!seen.contains(false))
    }
}
