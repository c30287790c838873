internal import Foundation
internal import SpeechAudio
internal import SpeechCore
internal import SpeechObjectives
internal import Synchronization

/// Turns the batches of a sampler into features; every function may be called from several threads.
struct BatchDecoder: Sendable {
    let dataset: Dataset
    let sampler: BatchSampler
    /// The first one hears what the augmenter makes of a clip, the others only its speed and its
    /// order.
    let extractors: [any FeatureExtractor]
    let augmenter: Augmenter?
    /// What makes labels of the clips, if anything.
    let targets: (any TargetSource)?
    let minimumSamples: Int
    /// This process among those that share the batches.
    let rank: LoaderRank
    /// The number behind the last batch of all ranks, if there is a last one.
    let endBatch: Int?
    private let announced = Announced()

    init(
        dataset: Dataset, sampler: BatchSampler, extractors: [any FeatureExtractor],
        augmenter: Augmenter?, targets: (any TargetSource)?, minimumSamples: Int,
        rank: LoaderRank, endBatch: Int?
    ) {
        self.dataset = dataset
        self.sampler = sampler
        self.extractors = extractors
        self.augmenter = augmenter
        self.targets = targets
        self.minimumSamples = minimumSamples
        self.rank = rank
        self.endBatch = endBatch
    }

    /// Loading was stopped in the middle of a batch; nobody sees this error.
    struct Stopped: Error {}

    /// Reads and computes a batch of this rank.
    ///
    /// - Throws: What goes wrong beyond single utterances, such as a lack of memory.
    func batch(_ index: Int, isStopped: () -> Bool) throws -> LoadedBatch {
        let number = index * rank.count + rank.number
        guard number < endBatch ?? .max else {
            // The last round of a pass has not a batch for everyone, but all have the same rounds.
            let (epoch, position) = sampler.address(ofBatch: number)
            return LoadedBatch(
                index: index, epoch: epoch, position: position, features: [], utterances: [],
                targets: [], studentSpeeds: [], seconds: 0, paddedSeconds: 0, skipped: [])
        }
        try announceShards(of: number)
        let batch = sampler.batch(number)
        var clips: [[ClipFeatures]] = Array(repeating: [], count: extractors.count)
        var used: [Utterance] = []
        var labelled: [ClipTarget] = []
        var lengths: [Double] = []
        var speeds: [Double] = []
        var skipped: [SkippedUtterance] = []
        for segment in batch.segments {
            if isStopped() { throw Stopped() }
            let utterance = try dataset.utterance(segment.utterance)
            do {
                let target = try targets?.target(of: utterance)
                let (seconds, features) = try clip(segment, of: utterance, epoch: batch.epoch)
                for (extractor, clip) in features.enumerated() { clips[extractor].append(clip) }
                used.append(utterance)
                if let target { labelled.append(target) }
                lengths.append(seconds)
                speeds.append(
                    augmenter?.studentSpeedFactor(
                        epoch: batch.epoch, utterance: segment.utterance) ?? 1)
            } catch let error as AugmentError {
                // A noise's fault is not the utterance's.
                throw error
            } catch let error as any ReportedError where error.exitStatus == .badInput {
                skipped.append(SkippedUtterance(utterance, reason: error.description))
            }
        }
        return LoadedBatch(
            index: index, epoch: batch.epoch, position: batch.position,
            features: used.isEmpty
                ? [] : try zip(extractors, clips).map { try $0.collate($1) },
            utterances: used, targets: labelled, studentSpeeds: speeds,
            seconds: lengths.reduce(0, +),
            paddedSeconds: Double(used.count) * (lengths.max() ?? 0), skipped: skipped)
    }

    /// The features of one clip by extractor, and its length in seconds.
    private func clip(
        _ segment: BatchSampler.Segment, of utterance: Utterance, epoch: Int
    ) throws -> (seconds: Double, features: [ClipFeatures]) {
        var waveforms: [Int: [Float]] = [:]
        var seconds = 0.0
        let features = try extractors.enumerated().map { number, extractor in
            let rate = extractor.samplingRate
            let waveform =
                try waveforms[rate]
                ?? self.waveform(segment, of: utterance, epoch: epoch, samplingRate: rate)
            waveforms[rate] = waveform
            if number > 0 { return try extractor.clipFeatures(waveform) }
            seconds = Double(waveform.count) / Double(rate)
            guard waveform.count >= minimumSamples else {
                throw FeatureError.clipTooShort(
                    clip: nil, samples: waveform.count, minimum: minimumSamples)
            }
            guard let augmenter else { return try extractor.clipFeatures(waveform) }
            let number = segment.utterance
            let played = try SpeedPerturbation.apply(
                waveform,
                factor: augmenter.studentSpeedFactor(epoch: epoch, utterance: number))
            let heard = try augmenter.augment(
                played, samplingRate: rate, epoch: epoch, utterance: number)
            let features = try extractor.clipFeatures(heard)
            return augmenter.mask(features, epoch: epoch, utterance: number)
        }
        return (seconds, features)
    }

    /// The samples of a segment at the speed and in the order of this epoch.
    private func waveform(
        _ segment: BatchSampler.Segment, of utterance: Utterance, epoch: Int, samplingRate: Int
    ) throws -> [Float] {
        let samples = try AudioReader.read(
            utterance.audioPath, bytes: utterance.byteRange,
            offset: utterance.offset + segment.offset, duration: segment.duration,
            samplingRate: samplingRate)
        guard let augmenter else { return samples }
        let played = try SpeedPerturbation.apply(
            samples, factor: augmenter.speedFactor(epoch: epoch, utterance: segment.utterance))
        return augmenter.shuffle(
            played, samplingRate: samplingRate, epoch: epoch, utterance: segment.utterance)
    }

    private final class Announced: Sendable {
        let window = Mutex<(epoch: Int, number: Int)>((-1, 0))
    }

    /// Tells the system which shards a window reads, so that it fetches them from end to end.
    ///
    /// Clips of a window are read in random order; of shards that are in memory by then, or are being
    /// read sequentially, that costs nothing even on a disk that seeks slowly.
    private func announceShards(of number: Int) throws {
        let (window, utterances) = sampler.shards(aroundBatch: number)
        guard !utterances.isEmpty else { return }
        // Threads are on both sides of a window's end; the later one is the new one.
        let isNew = announced.window.withLock { last in
            guard window > last else { return false }
            last = window
            return true
        }
        guard isNew else { return }
        for utterance in utterances {
            let utterance = try dataset.utterance(utterance)
            if utterance.byteRange != nil { FileAdvice.willRead(utterance.audioPath) }
        }
    }
}

/// Hints to the system's page cache.
private enum FileAdvice {
    /// Says that all of a file will be read; a file that cannot be opened is reported when it is read.
    static func willRead(_ path: String) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        #if canImport(Darwin)
            var status = stat()
            guard fstat(descriptor, &status) == 0 else { return }
            var range = radvisory(
                ra_offset: 0, ra_count: Int32(clamping: status.st_size))
            _ = fcntl(descriptor, F_RDADVISE, &range)
        #else
            _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_WILLNEED)
        #endif
    }
}
