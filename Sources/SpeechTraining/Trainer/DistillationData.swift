import Foundation
import SpeechAudio
import SpeechCore
import SpeechModels
import SpeechObjectives
import Torch

/// The batches of a manifest as both encoders take them.
///
/// Speech is decoded once. Where teacher and student use the same feature extractor, and nothing is
/// done to what the student hears, they share its output, too.
final class DistillationData {
    /// What was read and what was left out.
    let dataset: Dataset
    /// The extractor of the student.
    let studentExtractor: any FeatureExtractor

    private let sampler: BatchSampler
    private let extractors: [any FeatureExtractor]
    private let augmenter: Augmenter?
    private let minimumSamples: Int
    private let config: DatasetConfig
    private let isValidation: Bool
    private let device: Device
    private let startBatch: Int
    /// Nothing is read before the first batch is asked for: a validation may be hours away.
    private lazy var loader = makeLoader(from: startBatch)

    /// - Parameters:
    ///   - augmenter: what is done to the clips of a training: their speed for both encoders, all else
    ///     for the student.
    ///   - startBatch: where a resumed run goes on; 0 for validation.
    ///   - isValidation: one pass in a fixed order instead of endless shuffled epochs.
    /// - Throws: `DatasetError`, `ManifestError` and the like for data that cannot be used.
    init(
        manifests: [URL], config: DatasetConfig, augmenter: Augmenter?, teacher: any SpeechEncoder,
        teacherExtractor: any FeatureExtractor, student: any SpeechEncoder,
        studentExtractor: any FeatureExtractor, minimumFrames: Int, seed: UInt64,
        startBatch: Int, isValidation: Bool, device: Device
    ) throws {
        let hearsTheSame =
            teacherExtractor.config == studentExtractor.config
            && !(augmenter?.config.separatesStudent ?? false)
        extractors = hearsTheSame ? [studentExtractor] : [studentExtractor, teacherExtractor]
        self.augmenter = augmenter
        // Longer utterances are cut anyway: to what every encoder can hear at a time. Shorter ones take
        // up the whole of that, too.
        var config = config
        for extractor in extractors {
            guard let samples = extractor.maximumSamples else { continue }
            let seconds = Double(samples) / Double(extractor.samplingRate)
            config.maxDuration = min(config.maxDuration, seconds)
            let clips = max(1, Int(min(config.maxSeconds / seconds, 1e9)))
            config.maxUtterances =
                config.maxUtterances == 0 ? clips : min(config.maxUtterances, clips)
        }
        // Played slower, a batch is longer, and played faster, a clip shorter.
        let speeds = augmenter?.config.speed ?? []
        config.maxSeconds *= min(1, speeds.min() ?? 1)
        minimumSamples = max(
            Self.minimumSamples(teacher, teacherExtractor, frames: minimumFrames),
            Self.minimumSamples(student, studentExtractor, frames: minimumFrames))
        dataset = try Dataset(
            manifests: manifests, config: config,
            minimumSamples: Int((Double(minimumSamples) * max(1, speeds.max() ?? 1)).rounded(.up)),
            samplingRate: studentExtractor.samplingRate)
        sampler = BatchSampler(
            dataset.table, config: config, seed: seed,
            mode: isValidation ? .validation : .training)
        self.config = config
        self.isValidation = isValidation
        self.device = device
        self.studentExtractor = studentExtractor
        self.startBatch = startBatch
    }

    private func makeLoader(from startBatch: Int) -> BatchLoader {
        BatchLoader(
            dataset, sampler: sampler, extractors: extractors, augmenter: augmenter,
            minimumSamples: minimumSamples, startBatch: startBatch,
            endBatch: isValidation ? sampler.batchesPerEpoch : nil, config: config)
    }

    /// Batches of one epoch.
    var batchesPerEpoch: Int { sampler.batchesPerEpoch }

    /// The next batch of an endless run; waits for it.
    ///
    /// - Throws: `DatasetError` where too much cannot be read.
    func next() throws -> LoadedBatch {
        guard let batch = try loader.next() else { preconditionFailure("training data ended") }
        return batch
    }

    /// The next batch of the pass, nil at its end.
    ///
    /// - Throws: `DatasetError` where too much cannot be read.
    func nextOfPass() throws -> LoadedBatch? { try loader.next() }

    /// Starts the pass again.
    func rewind() { loader = makeLoader(from: 0) }

    /// A batch on the device; nil where nothing of it could be read.
    func inputs(of batch: LoadedBatch) -> DistillationBatch? {
        guard !batch.isEmpty else { return nil }
        let student = EncoderInput(batch.features[0], device: device)
        let teacher =
            batch.features.count > 1 ? EncoderInput(batch.features[1], device: device) : student
        return DistillationBatch(teacher: teacher, student: student)
    }

    /// The length of the shortest clip that gives `frames` valid frames.
    private static func minimumSamples(
        _ encoder: any SpeechEncoder, _ extractor: any FeatureExtractor, frames: Int
    ) -> Int {
        var low = 0
        var high = extractor.samplingRate * 3600
        while low < high {
            let middle = (low + high) / 2
            let length = extractor.validLength(samples: middle)
            if encoder.frameCount(inputLength: length) >= frames {
                high = middle
            } else {
                low = middle + 1
            }
        }
        return max(low, extractor.minimumSamples)
    }
}
