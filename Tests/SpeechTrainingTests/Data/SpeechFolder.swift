import Foundation
import SpeechAudio
import SpeechCore
import SpeechTraining
import Synchronization

/// A temporary folder with short recordings; removed with its last reference.
final class SpeechFolder {
    let url: URL
    private(set) var utterances: [Utterance] = []

    /// Writes one noisy WAV file for each duration in seconds.
    init(_ durations: [Double], rate: Int = 16_000, seed: UInt64 = 1) throws {
        url = FileManager.default.temporaryDirectory
            .appendingPathComponent("colld-data-\(UUID().uuidString)", isDirectory: true)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        for (index, duration) in durations.enumerated() {
            var noise = SeededGenerator(seed: seed, stream: UInt64(index))
            let samples = (0..<Int((duration * Double(rate)).rounded())).map { _ in
                Float(noise.uniform() - 0.5)
            }
            let file = url.appendingPathComponent("\(index).wav")
            try AudioWriter.write(samples, to: file, samplingRate: rate, format: .wav)
            utterances.append(
                Utterance(
                    id: "u\(index)", audioPath: file.path, duration: duration,
                    lang: index.isMultiple(of: 2) ? "de" : "pl"))
        }
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    /// Puts other bytes in the place of a recording.
    func overwrite(_ index: Int, with bytes: some Sequence<UInt8>) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: utterances[index].audioPath))
    }

    func remove(_ index: Int) throws {
        try FileManager.default.removeItem(atPath: utterances[index].audioPath)
    }

    /// Lets the manifest say something else than the file holds.
    func claim(_ index: Int, lasts duration: Double) { utterances[index].duration = duration }

    func sampler(
        _ config: DatasetConfig, seed: UInt64 = 7, mode: BatchSampler.Mode = .training
    ) -> BatchSampler {
        BatchSampler(
            durations: utterances.map(\.duration), config: config, seed: seed, mode: mode)
    }

    /// All utterances, however short.
    func dataset() throws -> Dataset {
        var config = DatasetConfig()
        config.minDuration = 0
        return try Dataset(
            [UtteranceIndex(utterances, of: url.appendingPathComponent("m.jsonl"))],
            config: config)
    }

    func loader(
        _ config: DatasetConfig, extractors: [any FeatureExtractor] = [waveforms],
        minimumSamples: Int = 0, rank: LoaderRank = .single, start: Int = 0, end: Int? = nil
    ) throws -> BatchLoader {
        try BatchLoader(
            dataset(), sampler: sampler(config), extractors: extractors,
            minimumSamples: minimumSamples, rank: rank, startBatch: start, endBatch: end,
            config: config)
    }
}

/// Normalised samples with a mask.
let waveforms: WaveformNormalizer = {
    var config = FeatureExtractorConfig(kind: .wav2vec2)
    config.returnsAttentionMask = true
    return WaveformNormalizer(config: config)
}()

/// An extractor of samples that calls a function before each clip.
struct ProbedExtractor: FeatureExtractor {
    let onClip: @Sendable () throws -> Void

    var config: FeatureExtractorConfig { waveforms.config }
    var inputName: SpeechFeatures.InputName { waveforms.inputName }
    var minimumSamples: Int { waveforms.minimumSamples }
    func inputLength(samples: Int) -> Int { waveforms.inputLength(samples: samples) }
    func validLength(samples: Int) -> Int { waveforms.validLength(samples: samples) }
    func clipFeatures(_ waveform: [Float]) throws -> ClipFeatures {
        try onClip()
        return try waveforms.clipFeatures(waveform)
    }
    func collate(_ clips: [ClipFeatures]) throws -> SpeechFeatures {
        try waveforms.collate(clips)
    }
}

/// A number that several threads add to.
final class Counter: Sendable {
    private let number = Mutex(0)
    var value: Int { number.withLock { $0 } }
    func add() { number.withLock { $0 += 1 } }
}

/// Whether something becomes true within some seconds.
func eventually(within seconds: Double = 20, _ condition: () -> Bool) -> Bool {
    let end = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < end {
        if condition() { return true }
        Thread.sleep(forTimeInterval: 0.005)
    }
    return condition()
}

/// Whether `body`, run on a thread of its own, ends within some seconds.
func ends(within seconds: Double = 20, _ body: @escaping @Sendable () -> Void) -> Bool {
    let done = Counter()
    Thread {
        body()
        done.add()
    }
    .start()
    return eventually(within: seconds) { done.value == 1 }
}
