import Foundation
import SpeechAudio
import SpeechCore
import SpeechModels
import SpeechObjectives
import Torch

/// The batches of a manifest as student and teachers take them.
///
/// Speech is decoded once. Encoders with the same feature extractor share its output, the student's
/// only where nothing is done to what it hears.
final class TrainingData {
    /// An encoder and what makes its input.
    typealias Listener = (encoder: any SpeechEncoder, extractor: any FeatureExtractor)

    /// What was read and what was left out.
    let dataset: Dataset
    /// The extractor of the student.
    let studentExtractor: any FeatureExtractor

    private let sampler: BatchSampler
    /// The student's first.
    private let extractors: [any FeatureExtractor]
    /// Which of them each teacher hears.
    private let extractorOfTeacher: [Int]
    private let augmenter: Augmenter?
    private let targets: (any TargetSource)?
    private let minimumSamples: Int
    private let config: DatasetConfig
    private let isValidation: Bool
    private let device: Device
    private let startBatch: Int
    /// Nothing is read before the first batch is asked for: a validation may be hours away.
    private lazy var loader = makeLoader(from: startBatch)

    /// - Parameters:
    ///   - augmenter: what is done to the clips of a training: their speed for all encoders, all else
    ///     for the student.
    ///   - targets: what makes labels of clips. Clips with labels are never cut: in training longer
    ///     ones are left out, in validation they are taken whole.
    ///   - startBatch: where a resumed run goes on; 0 for validation.
    ///   - isValidation: one pass in a fixed order instead of endless shuffled epochs.
    /// - Throws: `DatasetError`, `ManifestError` and the like for data that cannot be used.
    init(
        manifests: [URL], config: DatasetConfig, augmenter: Augmenter?,
        targets: (any TargetSource)?, student: Listener, teachers: [Listener], minimumFrames: Int,
        seed: UInt64, startBatch: Int, isValidation: Bool, device: Device
    ) throws {
        var extractors = [student.extractor]
        let separatesStudent = augmenter?.config.separatesStudent ?? false
        extractorOfTeacher = teachers.map { teacher in
            let shared = extractors.indices.dropFirst(separatesStudent ? 1 : 0)
                .first { extractors[$0].config == teacher.extractor.config }
            if shared == nil { extractors.append(teacher.extractor) }
            return shared ?? extractors.count - 1
        }
        self.extractors = extractors
        self.augmenter = augmenter
        self.targets = targets
        // Longer utterances are cut anyway: to what every encoder can hear at a time. Shorter ones take
        // up the whole of that, too.
        var config = config
        if targets != nil && isValidation { config.maxDuration = .infinity }
        for extractor in extractors {
            guard let samples = extractor.maximumSamples else { continue }
            let seconds = Double(samples) / Double(extractor.samplingRate)
            config.maxDuration = min(config.maxDuration, seconds)
            let clips = max(1, Int(min(config.maxSeconds / seconds, 1e9)))
            config.maxUtterances =
                config.maxUtterances == 0 ? clips : min(config.maxUtterances, clips)
        }
        // Played slower, a batch is longer, and played faster, a clip shorter.
        let speeds = [augmenter?.config.speed ?? [], augmenter?.config.studentSpeed ?? []]
        let slowest = speeds.reduce(1) { $0 * min(1, $1.min() ?? 1) }
        let fastest = speeds.reduce(1) { $0 * max(1, $1.max() ?? 1) }
        config.maxSeconds *= slowest
        minimumSamples = ([student] + teachers).map {
            Self.minimumSamples($0.encoder, $0.extractor, frames: minimumFrames)
        }.max()!
        let longest = config.maxDuration
        dataset = try Dataset(
            manifests: manifests, config: config,
            minimumSamples: Int((Double(minimumSamples) * fastest).rounded(.up)),
            samplingRate: student.extractor.samplingRate,
            objection: targets.map { targets in
                { utterance in
                    guard utterance.duration <= longest else {
                        return
                            "too long: expected at most \(longest) s (dataset.max_duration), for "
                            + "a text belongs to the whole clip; found \(utterance.duration) s"
                    }
                    return try targets.objection(to: utterance, isValidation: isValidation)
                }
            })
        sampler = BatchSampler(
            dataset.table, config: config, seed: seed,
            mode: isValidation ? .validation : .training)
        self.config = config
        self.isValidation = isValidation
        self.device = device
        studentExtractor = student.extractor
        self.startBatch = startBatch
    }

    private func makeLoader(from startBatch: Int) -> BatchLoader {
        BatchLoader(
            dataset, sampler: sampler, extractors: extractors, augmenter: augmenter,
            targets: targets, minimumSamples: minimumSamples, startBatch: startBatch,
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
    func inputs(of batch: LoadedBatch) -> TrainingBatch? {
        guard !batch.isEmpty else { return nil }
        let inputs = batch.features.map { EncoderInput($0, device: device) }
        return TrainingBatch(
            student: inputs[0], teachers: extractorOfTeacher.map { inputs[$0] },
            studentSpeeds: batch.studentSpeeds.allSatisfy { $0 == 1 } ? nil : batch.studentSpeeds,
            targets: batch.targets)
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
