internal import SpeechCore
internal import Synchronization

/// The batches of every epoch, a pure function of (durations, settings, seed, epoch).
///
/// Utterances are grouped by length into buckets, shuffled within their bucket, cut into batches
/// that stay below `max_seconds` with padding, and the batches are shuffled. Every utterance occurs
/// once in an epoch. All epochs have the same number of batches, so batch i of a run is found without
/// going through the batches before it.
public final class BatchSampler: Sendable {
    /// What the batches are for.
    public enum Mode: Sendable {
        /// Shuffled if the settings say so; windows of long utterances change with the epoch.
        case training
        /// The same in every epoch: nothing is shuffled, and of long utterances the beginning is
        /// taken.
        case validation
    }

    /// A part of an utterance.
    public struct Segment: Sendable, Hashable {
        /// The utterance, by its place in the durations.
        public let utterance: Int
        /// Seconds from the beginning of the utterance.
        public let offset: Double
        /// Length in seconds.
        public let duration: Double
    }

    /// The utterances that are computed together.
    public struct Batch: Sendable, Hashable {
        /// The epoch, from 0.
        public let epoch: Int
        /// The place within the epoch, from 0.
        public let position: Int
        /// What to read, one row of the batch each.
        public let segments: [Segment]

        /// Seconds of audio without padding.
        public var seconds: Double { segments.reduce(0) { $0 + $1.duration } }
        /// Seconds of audio when every row is as long as the longest.
        public var paddedSeconds: Double {
            Double(segments.count) * (segments.map(\.duration).max() ?? 0)
        }
    }

    /// The number of batches of every epoch, at least 1.
    public var batchesPerEpoch: Int { layout.batchCount }
    /// The number of utterances, at least 1.
    public var utteranceCount: Int { durations.count }

    private let durations: [Double]
    private let maxDuration: Double
    private let seed: UInt64
    private let shuffles: Bool
    private let movesWindows: Bool
    /// Utterances by ascending length of what is taken of them.
    private let sorted: [Int32]
    private let layout: LengthBuckets
    /// The epochs asked for last: threads that load ahead are on both sides of an epoch's end.
    private let recent = Mutex<[Epoch]>([])

    /// The order of one epoch.
    private struct Epoch: Sendable {
        let number: Int
        /// The utterance at each place of the layout.
        let utterances: [Int32]
        /// The batch of the layout at each position.
        let batches: [Int32]
    }

    /// Plans the batches.
    ///
    /// * `durations`: Seconds of each utterance: at least one, all finite and above 0.
    /// * `config`: Settings that `DatasetConfig.validate` accepts.
    /// * `seed`: The seed of the run.
    public init(
        durations: [Double], config: DatasetConfig, seed: UInt64, mode: Mode = .training
    ) {
        precondition(!durations.isEmpty, "no utterances to make batches of")
        precondition(durations.count <= Int32.max, "\(durations.count) utterances are too many")
        precondition(durations.allSatisfy { $0 > 0 && $0.isFinite }, "a duration is not above 0")
        self.durations = durations
        self.seed = seed
        maxDuration = config.maxDuration
        shuffles = config.shuffle && mode == .training
        movesWindows = mode == .training
        let taken = durations.map { min($0, config.maxDuration) }
        // Equal lengths by place, so that the order does not depend on the sorting algorithm.
        sorted = taken.indices.sorted { (taken[$0], $0) < (taken[$1], $1) }.map(Int32.init)
        layout = LengthBuckets(
            sorted: sorted.map { taken[Int($0)] }, maxSeconds: config.maxSeconds,
            maxUtterances: config.maxUtterances, maxBuckets: config.buckets)
    }

    /// The epoch and the position in it of batch `index` of a run.
    public func address(ofBatch index: Int) -> (epoch: Int, position: Int) {
        precondition(index >= 0, "batch \(index) of a run")
        return (index / batchesPerEpoch, index % batchesPerEpoch)
    }

    /// The batch of a run, counted from 0 over all epochs.
    public func batch(_ index: Int) -> Batch {
        let (epoch, position) = address(ofBatch: index)
        return batch(epoch: epoch, position: position)
    }

    /// The batch at a position, from 0, of an epoch.
    public func batch(epoch: Int, position: Int) -> Batch {
        batch(at: position, of: order(ofEpoch: epoch))
    }

    /// All batches of an epoch in order.
    public func batches(epoch: Int) -> [Batch] {
        let order = order(ofEpoch: epoch)
        return (0..<batchesPerEpoch).map { batch(at: $0, of: order) }
    }

    /// The part of an utterance that an epoch takes: all of it, or `max_duration` seconds.
    public func segment(utterance: Int, epoch: Int) -> Segment {
        let duration = durations[utterance]
        guard duration > maxDuration else {
            return Segment(utterance: utterance, offset: 0, duration: duration)
        }
        var offset = 0.0
        if movesWindows {
            var generator = SeededGenerator(
                seed: seed, stream: Stream.window, UInt64(epoch), UInt64(utterance))
            offset = generator.uniform() * (duration - maxDuration)
        }
        return Segment(utterance: utterance, offset: offset, duration: maxDuration)
    }

    private func batch(at position: Int, of epoch: Epoch) -> Batch {
        let places = layout.places(ofBatch: Int(epoch.batches[position]))
        return Batch(
            epoch: epoch.number, position: position,
            segments: epoch.utterances[places].map {
                segment(utterance: Int($0), epoch: epoch.number)
            })
    }

    private func order(ofEpoch number: Int) -> Epoch {
        precondition(number >= 0, "epoch \(number)")
        // Every epoch has the one order when nothing is shuffled.
        let key = shuffles ? number : 0
        let epoch = recent.withLock { recent in
            if let known = recent.first(where: { $0.number == key }) { return known }
            let new = makeOrder(ofEpoch: key)
            recent = recent.suffix(1) + [new]
            return new
        }
        return Epoch(number: number, utterances: epoch.utterances, batches: epoch.batches)
    }

    private func makeOrder(ofEpoch number: Int) -> Epoch {
        guard shuffles else {
            // The longest first: a batch too large for the memory shows at once.
            return Epoch(
                number: number, utterances: sorted,
                batches: (0..<batchesPerEpoch).reversed().map(Int32.init))
        }
        var generator = SeededGenerator(seed: seed, stream: Stream.order, UInt64(number))
        var utterances: [Int32] = []
        utterances.reserveCapacity(sorted.count)
        for bucket in layout.buckets {
            var part = Array(sorted[bucket])
            generator.shuffle(&part)
            utterances += part
        }
        return Epoch(
            number: number, utterances: utterances,
            batches: generator.permutation(batchesPerEpoch).map(Int32.init))
    }

    /// What tells the sampler's random sequences from others of the run's seed ("batches", "windows").
    private enum Stream {
        static let order: UInt64 = 0x6261_7463_6865_73
        static let window: UInt64 = 0x7769_6E64_6F77_73
    }
}
