internal import Foundation
public import SpeechCore

/// Reads batches on other threads, ahead of the thread that trains.
///
/// Audio is decoded, resampled and turned into features in the background; at most `prefetch` batches
/// wait. Batch i of a run holds the same data wherever loading starts and however many threads
/// load; several processes share the batches (`LoaderRank`). An utterance that cannot be used (file missing or damaged, too short, not finite) is left out
/// of its batch and listed in `LoadedBatch.skipped`; no other utterance takes its place, and a batch of
/// nothing else is delivered empty, so that numbers and data stay together.
///
/// A loader belongs to one thread. It ends its threads with its last reference.
public final class BatchLoader {
    /// The distinct utterances that could not be used so far, in order.
    public private(set) var skipped: [SkippedUtterance] = []

    private let queue: PrefetchQueue<LoadedBatch>
    private let utteranceCount: Int
    private let maxSkipped: Int
    private var skippedNames: Set<[String]> = []
    private var failure: (any Error)?

    /// Starts to load.
    ///
    /// - Parameters:
    ///   - dataset: What the sampler's batches refer to.
    ///   - sampler: The batches.
    ///   - extractors: At least one; `LoadedBatch.features` has one entry for each. The first one's
    ///     sampling rate counts seconds and `minimumSamples`.
    ///   - augmenter: What is done to clips before the first extractor hears them; the others hear
    ///     them as they are, but at the same speed.
    ///   - targets: What makes labels of clips, for tasks that need some.
    ///   - minimumSamples: The samples of the shortest clip that models and objective can use.
    ///   - rank: This process among those that share the batches.
    ///   - startBatch: The number of this rank's first batch, from 0 over all epochs.
    ///   - endBatch: The number behind the last batch of all ranks together; nil goes on without end.
    ///     A rank for which the last round has no batch gets an empty one.
    ///   - config: `threads`, `prefetch` and `maxSkipped` count here.
    public init(
        _ dataset: Dataset, sampler: BatchSampler, extractors: [any FeatureExtractor],
        augmenter: Augmenter? = nil, targets: (any TargetSource)? = nil,
        minimumSamples: Int = 0, rank: LoaderRank = .single, startBatch: Int = 0,
        endBatch: Int? = nil,
        config: DatasetConfig
    ) {
        let rounds = endBatch.map { ($0 + rank.count - 1) / rank.count }
        precondition(!extractors.isEmpty, "no feature extractor")
        precondition(startBatch >= 0 && startBatch <= rounds ?? .max, "no range of batches")
        utteranceCount = dataset.count
        maxSkipped = config.maxSkipped
        let decoder = BatchDecoder(
            dataset: dataset, sampler: sampler, extractors: extractors, augmenter: augmenter,
            targets: targets, minimumSamples: minimumSamples, rank: rank, endBatch: endBatch)
        let threads =
            config.threads > 0
            ? config.threads : max(1, ProcessInfo.processInfo.activeProcessorCount - 1)
        queue = PrefetchQueue(
            range: startBatch..<(rounds ?? .max), threads: min(threads, config.prefetch),
            limit: config.prefetch
        ) { index, isStopped in
            try decoder.batch(index, isStopped: isStopped)
        }
    }

    deinit { queue.stop() }

    /// Waits for the next batch; nil behind the last one and after `stop`.
    ///
    /// The batch may be empty (`LoadedBatch.isEmpty`): the caller reports what was skipped and asks
    /// for the next.
    ///
    /// - Throws: `DatasetError.tooManySkipped` when more than `max_skipped` distinct utterances could
    ///   not be used, `.allSkipped` when none could, or what stops a thread beyond single
    ///   utterances. Later calls throw the same.
    public func next() throws -> LoadedBatch? {
        if let failure { throw failure }
        do {
            let start = ContinuousClock.now
            guard var batch = try queue.take() else { return nil }
            batch.waitSeconds = (ContinuousClock.now - start) / .seconds(1)
            try count(batch.skipped)
            return batch
        } catch {
            failure = error
            queue.stop()
            throw error
        }
    }

    /// Ends the threads and waits for them; what was loaded ahead is dropped.
    public func stop() { queue.stop() }

    /// Counts when a batch is taken, not when it is loaded: an error then has its place in the run.
    private func count(_ new: [SkippedUtterance]) throws {
        for utterance in new where skippedNames.insert([utterance.id, utterance.path]).inserted {
            skipped.append(utterance)
        }
        if skipped.count > maxSkipped {
            throw DatasetError.tooManySkipped(limit: maxSkipped, skipped: skipped)
        }
        // Without this a small set of broken files would give empty batches for ever.
        if skipped.count == utteranceCount { throw DatasetError.allSkipped(skipped: skipped) }
    }
}
