import Foundation
import SpeechCore
import SpeechTraining
import TestSupport
import Testing

@Suite struct BatchLoaderTests {
    private let durations = (0..<24).map { 0.5 + 0.06 * Double($0) }

    private func config(_ change: (inout DatasetConfig) -> Void = { _ in }) -> DatasetConfig {
        var config = DatasetConfig()
        config.maxSeconds = 4
        config.maxDuration = 1.2
        config.prefetch = 3
        config.threads = 2
        change(&config)
        return config
    }

    private func batches(_ loader: BatchLoader) throws -> [LoadedBatch] {
        var batches: [LoadedBatch] = []
        while let batch = try loader.next() { batches.append(batch) }
        return batches
    }

    /// Everything but the time that was waited.
    private func expectEqual(_ actual: [LoadedBatch], _ expected: [LoadedBatch]) {
        #expect(actual.map(\.index) == expected.map(\.index))
        #expect(actual.map(\.epoch) == expected.map(\.epoch))
        #expect(actual.map(\.position) == expected.map(\.position))
        #expect(actual.map(\.utterances) == expected.map(\.utterances))
        #expect(actual.map(\.seconds) == expected.map(\.seconds))
        #expect(actual.map(\.skipped) == expected.map(\.skipped))
        for (one, other) in zip(actual, expected) {
            let isSame = one.features == other.features
            #expect(isSame, "features of batch \(one.index)")
        }
    }

    @Test func theNumberOfThreadsChangesNothing() throws {
        let folder = try SpeechFolder(durations)
        let end = 2 * folder.sampler(config()).batchesPerEpoch
        let expected = try batches(folder.loader(config { $0.threads = 1 }, end: end))
        #expect(expected.count == end)
        for threads in [2, 4] {
            let settings = config {
                $0.threads = threads
                $0.prefetch = 5
            }
            expectEqual(try batches(folder.loader(settings, end: end)), expected)
        }
        // Windows of the longer ones move, so epochs hold different audio.
        let utterance = folder.utterances[23]
        let rows = expected.compactMap { batch -> ArraySlice<Float>? in
            guard let row = batch.utterances.firstIndex(of: utterance) else { return nil }
            let length = batch.features[0].shape[1]
            return batch.features[0].values[row * length..<row * length + 1000]
        }
        #expect(rows.count == 2 && Array(rows[0]) != Array(rows[1]))
    }

    @Test func aBatchHoldsWhatTheSamplerSays() throws {
        let folder = try SpeechFolder(durations)
        let sampler = folder.sampler(config())
        let loaded = try batches(folder.loader(config(), end: sampler.batchesPerEpoch))
        for (batch, planned) in zip(loaded, sampler.batches(epoch: 0)) {
            #expect(batch.ids == planned.segments.map { "u\($0.utterance)" })
            #expect(batch.features.count == 1)
            #expect(batch.features[0].shape[0] == planned.segments.count)
            #expect(
                batch.features[0].lengths
                    == planned.segments.map { Int(($0.duration * 16_000).rounded()) })
            expectClose(batch.seconds, planned.seconds, within: 1e-3)
            expectClose(batch.paddedSeconds, planned.paddedSeconds, within: 1e-3)
            #expect(batch.waitSeconds >= 0)
        }
        #expect(Set(loaded.flatMap(\.ids)).count == durations.count)
    }

    /// With 24 utterances a pass has a number of batches that 2 and 3 do not divide.
    @Test(arguments: [1, 2, 3], [1, 2, 4])
    func ranksShareTheBatchesOfOne(_ ranks: Int, _ threads: Int) throws {
        let folder = try SpeechFolder(durations)
        let settings = config { $0.threads = threads }
        let perEpoch = folder.sampler(settings).batchesPerEpoch
        let end = 2 * perEpoch + 1
        let expected = try batches(folder.loader(config { $0.threads = 1 }, end: end))
        let shares = try (0..<ranks).map { rank in
            try batches(folder.loader(settings, rank: LoaderRank(rank, of: ranks), end: end))
        }
        // The same number of steps for everyone, whether or not the batches can be divided.
        let rounds = (end + ranks - 1) / ranks
        #expect(shares.map(\.count) == Array(repeating: rounds, count: ranks))
        for (number, whole) in expected.enumerated() {
            let own = shares[number % ranks][number / ranks]
            #expect(own.index == number / ranks)
            #expect((own.epoch, own.position) == (whole.epoch, whole.position))
            #expect(own.utterances == whole.utterances)
            let isSame = own.features == whole.features
            #expect(isSame, "features of batch \(number)")
        }
        let last = shares.map { $0[rounds - 1] }
        #expect(last.filter(\.isEmpty).count == rounds * ranks - end)
        #expect(last.filter(\.isEmpty).allSatisfy { $0.skipped.isEmpty })
        // A resumed rank goes on with its own next batch.
        let resumed = try batches(
            folder.loader(settings, rank: LoaderRank(ranks - 1, of: ranks), start: 1, end: end))
        expectEqual(resumed, Array(shares[ranks - 1].dropFirst()))
    }

    @Test func onlyTheFirstExtractorHearsWhatIsDoneToAClip() throws {
        let folder = try SpeechFolder(durations)
        let noises = try SpeechFolder([0.7], seed: 5)
        func loaded(
            threads: Int = 2, _ change: (inout AugmentConfig) -> Void = { _ in }
        ) throws -> [LoadedBatch] {
            var settings = AugmentConfig()
            change(&settings)
            let augmenter = try Augmenter(config: settings, noises: noises.utterances, seed: 3)
            let config = config { $0.threads = threads }
            let sampler = folder.sampler(config)
            return try batches(
                BatchLoader(
                    folder.dataset(), sampler: sampler, extractors: [waveforms, waveforms],
                    augmenter: augmenter, endBatch: 2 * sampler.batchesPerEpoch, config: config))
        }
        let plain = try loaded()
        let noisy = try loaded { $0.noiseProb = 1 }
        let faster = try loaded { $0.speed = [1.25] }
        let shuffled = try loaded { $0.shuffleSegments = [0.05, 0.1] }
        for (number, batch) in plain.enumerated() {
            #expect(batch.features[0] == batch.features[1])
            #expect(noisy[number].ids == batch.ids && faster[number].ids == batch.ids)
            // Noise is the student's, and leaves every sample in its place; speed is everyone's.
            let isClean = noisy[number].features[1] == batch.features[1]
            let isNoisy = noisy[number].features[0] != batch.features[0]
            #expect(isClean && isNoisy, "batch \(number)")
            #expect(noisy[number].features[0].lengths == batch.features[0].lengths)
            let isShared = faster[number].features[0] == faster[number].features[1]
            #expect(isShared, "batch \(number)")
            let isOneOrder = shuffled[number].features[0] == shuffled[number].features[1]
            let isOtherOrder = shuffled[number].features[0] != batch.features[0]
            #expect(isOneOrder && isOtherOrder, "batch \(number)")
            #expect(shuffled[number].features[0].lengths == batch.features[0].lengths)
            #expect(
                zip(faster[number].features[0].lengths, batch.features[0].lengths).allSatisfy {
                    abs(Double($0) * 1.25 - Double($1)) < 2
                })
        }
        // Another epoch, another noise: the same clip is heard anew.
        let half = noisy.count / 2
        let first = noisy[..<half].first { $0.ids.contains("u3") }
        let again = noisy[half...].first { $0.ids.contains("u3") }
        let hearings = [first, again].compactMap { batch -> [Float]? in
            guard let batch, let row = batch.ids.firstIndex(of: "u3") else { return nil }
            let length = batch.features[0].shape[1]
            return Array(batch.features[0].values[row * length..<row * length + 4000])
        }
        #expect(hearings.count == 2 && hearings.first != hearings.last)
        expectEqual(
            try loaded(threads: 4) { $0.noiseProb = 1 }, try loaded(threads: 1) { $0.noiseProb = 1 }
        )
    }

    @Test func aBrokenNoiseIsNotTheUtterancesFault() throws {
        let folder = try SpeechFolder(durations)
        let noises = try SpeechFolder([0.7], seed: 5)
        try noises.overwrite(0, with: [UInt8]())
        var settings = AugmentConfig()
        settings.noiseProb = 1
        let augmenter = try Augmenter(config: settings, noises: noises.utterances, seed: 3)
        let loader = try BatchLoader(
            folder.dataset(), sampler: folder.sampler(config()), extractors: [waveforms],
            augmenter: augmenter, config: config())
        expectError(AugmentError.self, containing: ["noise 'u0'", "empty"]) { try loader.next() }
        #expect(loader.skipped.isEmpty)
    }

    @Test func loadingStartsAtAnyBatch() throws {
        let folder = try SpeechFolder(durations)
        let count = folder.sampler(config()).batchesPerEpoch
        let straight = try batches(folder.loader(config(), end: 2 * count))
        for start in [0, 1, count - 1, count, count + 2, 2 * count] {
            let resumed = try batches(folder.loader(config(), start: start, end: 2 * count))
            expectEqual(resumed, Array(straight[start...]))
        }
    }

    @Test func twoExtractorsSeeTheSameClips() throws {
        let folder = try SpeechFolder(durations, rate: 8000)
        let filterbank = LogMelFilterbank()
        let loader = try folder.loader(config(), extractors: [filterbank, waveforms], end: 2)
        for batch in try batches(loader) {
            #expect(batch.features.map(\.inputName) == [.inputFeatures, .inputValues])
            let samples = batch.features[1].lengths
            #expect(samples.count == batch.utterances.count)
            // Resampled: twice as many samples as the file has in this time.
            expectClose(
                samples.map { Double($0) / 16_000 }.reduce(0, +), batch.seconds, within: 1e-9)
            #expect(
                batch.features[0].lengths == samples.map { filterbank.validLength(samples: $0) })
        }
    }

    @Test func brokenUtterancesAreLeftOutAndNamed() throws {
        let folder = try SpeechFolder(durations)
        let whole = try batches(folder.loader(config(), end: 8))
        try folder.overwrite(2, with: "no audio at all".utf8)
        try folder.remove(5)
        let silence = [Float](repeating: 0, count: 14_720)
        try folder.overwrite(7, with: floatWave([0.1, .nan] + silence))
        let loader = try folder.loader(config(), end: 8)
        let rest = try batches(loader)
        let broken: Set = ["u2", "u5", "u7"]
        for (batch, complete) in zip(rest, whole) {
            #expect(batch.ids == complete.ids.filter { !broken.contains($0) })
            #expect(batch.skipped.map(\.id) == complete.ids.filter { broken.contains($0) })
            #expect(batch.features.first?.shape[0] ?? 0 == batch.ids.count)
        }
        #expect(Set(loader.skipped.map(\.id)) == broken)
        #expect(loader.skipped.count == 3)
        for skipped in loader.skipped {
            let utterance = try #require(folder.utterances.first { $0.id == skipped.id })
            #expect(skipped.path == utterance.audioPath)
            #expect("\(skipped)".contains(utterance.audioPath))
        }
        func reason(_ id: String) -> String {
            loader.skipped.first { $0.id == id }?.reason ?? "not skipped"
        }
        #expect(reason("u2").contains("cannot decode"))
        #expect(reason("u5").contains("does not exist"))
        #expect(reason("u7").contains("NaN"))
    }

    @Test func tooShortOrShorterThanClaimedIsSkipped() throws {
        let folder = try SpeechFolder([0.6, 1, 1, 0.5])
        folder.claim(1, lasts: 1.1)
        let loader = try folder.loader(config(), minimumSamples: 9600, end: 2)
        _ = try batches(loader)
        let reasons = Dictionary(
            loader.skipped.map { ($0.id, $0.reason) }, uniquingKeysWith: { first, _ in first })
        #expect(loader.skipped.count == 2)
        #expect(Set(reasons.keys) == ["u1", "u3"])
        #expect(reasons["u1"]?.contains("beyond the end") == true)
        #expect(reasons["u3"]?.contains("expected at least 9600 samples, found 8000") == true)
    }

    @Test func aBatchOfNothingIsDeliveredEmpty() throws {
        let folder = try SpeechFolder([0.6, 0.6, 0.6, 0.6])
        try folder.overwrite(1, with: [1, 2, 3])
        let settings = config { $0.maxUtterances = 1 }
        let loaded = try batches(folder.loader(settings, end: 4))
        #expect(loaded.map(\.index) == [0, 1, 2, 3])
        let empty = loaded.filter(\.isEmpty)
        #expect(empty.count == 1)
        #expect(empty.first?.features.isEmpty == true)
        #expect(empty.first?.paddedSeconds == 0)
        #expect(empty.first?.skipped.map(\.id) == ["u1"])
    }

    @Test(arguments: [1, 4])
    func tooManyBrokenUtterancesEndTheRun(_ threads: Int) throws {
        let folder = try SpeechFolder(durations)
        for index in 0..<4 { try folder.overwrite(index, with: [0]) }
        // Broken utterances count once, however many epochs meet them.
        let patient = try folder.loader(
            config {
                $0.maxSkipped = 4
                $0.threads = threads
            }, end: 40)
        #expect(try batches(patient).count == 40)
        #expect(patient.skipped.count == 4)

        let strict = try folder.loader(
            config {
                $0.maxSkipped = 3
                $0.threads = threads
            }, end: 40)
        let error = expectError(
            DatasetError.self,
            containing: ["dataset.max_skipped", "at most 3", folder.utterances[0].audioPath]
        ) { try batches(strict) }
        #expect(error?.exitStatus == .badInput)
        guard case .tooManySkipped(3, let skipped) = error else {
            Issue.record("found \(String(describing: error))")
            return
        }
        #expect(Set(skipped.map(\.id)) == ["u0", "u1", "u2", "u3"])
        #expect(throws: DatasetError.self) { try strict.next() }
    }

    @Test func nothingUsableEndsTheRun() throws {
        let folder = try SpeechFolder([0.6, 0.7, 0.8])
        for index in 0..<3 { try folder.overwrite(index, with: [0]) }
        let error = expectError(DatasetError.self, containing: ["u0", "u1", "u2"]) {
            try batches(folder.loader(config(), end: 20))
        }
        guard case .allSkipped = error else {
            Issue.record("found \(String(describing: error))")
            return
        }
    }

    private struct OutOfMemory: Error {}

    @Test func aFailureBeyondOneUtteranceStopsInItsPlace() throws {
        let folder = try SpeechFolder(durations)
        let settings = config {
            $0.maxUtterances = 1
            $0.threads = 4
            $0.prefetch = 6
        }
        let clips = Counter()
        let extractor = ProbedExtractor {
            clips.add()
            if clips.value > 5 { throw OutOfMemory() }
        }
        let loader = try folder.loader(settings, extractors: [extractor])
        var delivered = 0
        #expect(throws: OutOfMemory.self) {
            while try loader.next() != nil { delivered += 1 }
        }
        #expect(delivered <= 5)
        #expect(throws: OutOfMemory.self) { try loader.next() }
    }

    @Test(arguments: [1, 4])
    func nothingIsDecodedBeyondTheLimit(_ threads: Int) throws {
        let folder = try SpeechFolder(durations)
        let settings = config {
            $0.maxUtterances = 1
            $0.prefetch = 3
            $0.threads = threads
        }
        let clips = Counter()
        let loader = try folder.loader(settings, extractors: [ProbedExtractor { clips.add() }])
        for taken in 0..<4 {
            #expect(eventually { clips.value == taken + 3 })
            // Long enough for a thread that does not keep to the limit.
            Thread.sleep(forTimeInterval: 0.05)
            #expect(clips.value == taken + 3)
            _ = try loader.next()
        }
        loader.stop()
        #expect(try loader.next() == nil)
    }

    @Test func endingEarlyDoesNotHang() throws {
        let folder = try SpeechFolder(durations)
        let dataset = try folder.dataset()
        let settings = config { $0.threads = 4 }
        let sampler = folder.sampler(settings)
        for taken in 0..<4 {
            for stops in [true, false] {
                let clips = Counter()
                let running = Counter()
                let isOver = ends {
                    let extractor = ProbedExtractor {
                        clips.add()
                        Thread.sleep(forTimeInterval: 0.002)
                        running.add()
                    }
                    let loader = BatchLoader(
                        dataset, sampler: sampler, extractors: [extractor], config: settings)
                    for _ in 0..<taken { _ = try? loader.next() }
                    if stops { loader.stop() }
                }
                #expect(isOver)
                // The threads are gone: what they began they ended, and nothing begins any more.
                let begun = clips.value
                #expect(running.value == begun)
                Thread.sleep(forTimeInterval: 0.02)
                #expect(clips.value == begun)
            }
        }
    }

    @Test func waitingForASlowThreadIsMeasured() throws {
        let folder = try SpeechFolder([0.6])
        let slow = ProbedExtractor { Thread.sleep(forTimeInterval: 0.1) }
        let loader = try folder.loader(
            config {
                $0.threads = 1
                $0.prefetch = 1
            }, extractors: [slow])
        _ = try loader.next()
        let batch = try #require(try loader.next())
        #expect(batch.waitSeconds > 0.05)
        #expect(batch.index == 1 && batch.epoch == 1)
    }
}

/// A WAV file of 32-bit floats at 16 kHz.
private func floatWave(_ samples: [Float]) -> [UInt8] {
    func bytes(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(value >> (8 * $0) & 255) } }
    let size = UInt32(samples.count * 4)
    var wave = Array("RIFF".utf8) + bytes(36 + size) + Array("WAVEfmt ".utf8) + bytes(16)
    // Format 3, one channel; 16000 samples and 64000 bytes a second; 4 bytes, 32 bits a sample.
    wave += bytes(3 | 1 << 16) + bytes(16_000) + bytes(64_000) + bytes(4 | 32 << 16)
    wave += Array("data".utf8) + bytes(size)
    for sample in samples { wave += bytes(sample.bitPattern) }
    return wave
}
