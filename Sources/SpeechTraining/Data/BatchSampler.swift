internal import SpeechCore
internal import Synchronization

/// The batches of every epoch, a pure function of (data set, settings, seed, epoch).
///
/// Utterances are grouped by length into buckets, shuffled within their bucket, cut into batches
/// that stay below `max_seconds` with padding, and the batches are shuffled. Without weights or
/// temperature every utterance occurs once in an epoch; with them each language is drawn as often as
/// its share says, and its utterances take turns over the epochs. All epochs have the same number
/// of batches, so batch i of a run is found without going through the batches before it.
///
/// Utterances in shards are shuffled in windows: the shards are put into a random order and
/// `shuffle_shards` of them at a time are mixed, so that whoever reads has to do with few files.
public final class BatchSampler: Sendable {
    /// What the batches are for.
    public enum Mode: Sendable {
        /// Shuffled if the settings say so; windows of long utterances change with the epoch.
        case training
        /// The same in every epoch: nothing is shuffled, every utterance occurs once, and of long
        /// ones the beginning is taken.
        case validation
    }

    /// A part of an utterance.
    public struct Segment: Sendable, Hashable {
        /// The utterance, by its number.
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
    public let batchesPerEpoch: Int
    /// The number of utterances that can occur, at least 1.
    public var utteranceCount: Int { layout.members.count }

    private let durations: [Double]
    private let maxDuration: Double
    private let seed: UInt64
    private let shuffles: Bool
    private let movesWindows: Bool
    /// How many blocks are mixed.
    private let windowSize: Int
    private let layout: BatchLayout
    /// The windows asked for last: threads that load ahead are on both sides of a window's end.
    private let recent = Mutex<[Window]>([])

    /// Batches that are shuffled together.
    private struct Window: Sendable {
        let epoch: Int
        let number: Int
        /// The position of its first batch in the epoch.
        let start: Int
        let blocks: [Int]
        /// The utterances of all batches, batch by batch.
        let utterances: [UInt32]
        /// Where each batch lies in `utterances`, by position.
        let batches: [Range<Int32>]
    }

    /// Plans the batches.
    ///
    /// * `table`: at least one usable utterance.
    /// * `config`: settings that `DatasetConfig.validate` accepts.
    /// * `seed`: the seed of the run.
    public init(
        _ table: SamplingTable, config: DatasetConfig, seed: UInt64, mode: Mode = .training
    ) {
        precondition(!table.usable.isEmpty, "no utterances to make batches of")
        durations = table.durations
        self.seed = seed
        maxDuration = config.maxDuration
        shuffles = config.shuffle && mode == .training
        movesWindows = mode == .training
        windowSize = config.shuffleShards
        let (lengths, longest) = (table.durations, config.maxDuration)
        layout = BatchLayout(
            table,
            repeats: mode == .validation
                ? table.groups.map { _ in 1 }
                : table.repeats(
                    temperature: config.languageTemperature, corpusWeights: config.corpusWeights),
            limit: .init(seconds: config.maxSeconds, utterances: config.maxUtterances),
            maxBuckets: config.buckets, length: { min(lengths[Int($0)], longest) })
        batchesPerEpoch = layout.batchCount
    }

    /// Plans batches of utterances without languages.
    ///
    /// * `durations`: seconds of each utterance: at least one, all finite and above 0.
    public convenience init(
        durations: [Double], config: DatasetConfig, seed: UInt64, mode: Mode = .training
    ) {
        self.init(SamplingTable(durations: durations), config: config, seed: seed, mode: mode)
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
        let window = window(at: position, epoch: epoch)
        let range = window.batches[position - window.start]
        return Batch(
            epoch: epoch, position: position,
            segments: window.utterances[Int(range.lowerBound)..<Int(range.upperBound)].map {
                segment(utterance: Int($0), epoch: epoch)
            })
    }

    /// All batches of an epoch in order.
    public func batches(epoch: Int) -> [Batch] {
        (0..<batchesPerEpoch).map { batch(epoch: epoch, position: $0) }
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

    /// One utterance of each shard that a batch's window reads, and where the window stands in the run.
    ///
    /// Empty where there are no shards.
    func shards(aroundBatch index: Int) -> (window: (epoch: Int, number: Int), utterances: [Int]) {
        guard layout.blocks.count > 1 else { return ((0, 0), []) }
        let (epoch, position) = address(ofBatch: index)
        let window = window(at: position, epoch: epoch)
        return ((epoch, window.number), window.blocks.map { layout.blocks[$0].first })
    }

    // MARK: Order

    private func window(at position: Int, epoch: Int) -> Window {
        precondition(position >= 0 && position < batchesPerEpoch, "batch \(position) of an epoch")
        return recent.withLock { recent in
            let known = recent.first {
                $0.epoch == epoch && $0.start <= position
                    && position < $0.start + $0.batches.count
            }
            if let known { return known }
            let new = makeWindow(at: position, epoch: epoch)
            recent = recent.suffix(1) + [new]
            return new
        }
    }

    private func makeWindow(at position: Int, epoch: Int) -> Window {
        var generator = SeededGenerator(seed: seed, stream: Stream.blocks, UInt64(epoch))
        let order =
            shuffles
            ? generator.permutation(layout.blocks.count) : Array(layout.blocks.indices)
        var start = 0
        var number = 0
        var blocks: ArraySlice<Int> = []
        var count = 0
        repeat {
            start += count
            blocks = order.dropFirst(number * windowSize).prefix(windowSize)
            count = blocks.reduce(0) { $0 + layout.blocks[$1].batches }
            number += 1
        } while position >= start + count
        var utterances: [UInt32] = []
        var batches: [Range<Int32>] = []
        batches.reserveCapacity(count)
        for block in blocks { append(block, epoch: epoch, &utterances, &batches) }
        if shuffles {
            var generator = SeededGenerator(
                seed: seed, stream: Stream.batches, UInt64(epoch), UInt64(number))
            generator.shuffle(&batches)
        } else {
            // The longest first: a batch too large for the memory shows at once.
            batches.reverse()
        }
        return Window(
            epoch: epoch, number: number - 1, start: start, blocks: Array(blocks),
            utterances: utterances, batches: batches)
    }

    /// Draws the batches of a block.
    private func append(
        _ number: Int, epoch: Int, _ utterances: inout [UInt32], _ batches: inout [Range<Int32>]
    ) {
        var generator = SeededGenerator(
            seed: seed, stream: Stream.order, UInt64(epoch), UInt64(number))
        for bucket in layout.buckets[layout.blocks[number].buckets] {
            var drawn: [UInt32] = []
            drawn.reserveCapacity(bucket.draws)
            for cell in bucket.cells { draw(cell, epoch: epoch, &drawn) }
            if shuffles { generator.shuffle(&drawn) }
            let first = utterances.count
            utterances += drawn
            // Evenly: a small rest would make a small batch.
            for batch in 0..<bucket.batches {
                let start = first + drawn.count * batch / bucket.batches
                let end = first + drawn.count * (batch + 1) / bucket.batches
                batches.append(Int32(start)..<Int32(end))
            }
        }
    }

    /// The next draws of a cell: its utterances take turns, in a new order each round.
    ///
    /// Draw k of all epochs is place k mod n of round k / n.
    private func draw(_ number: Int, epoch: Int, _ drawn: inout [UInt32]) {
        let cell = layout.cells[number]
        let members = layout.members[cell.members]
        var next = epoch * cell.draws
        let end = next + cell.draws
        while next < end {
            let (round, place) = next.quotientAndRemainder(dividingBy: members.count)
            let taken = min(members.count - place, end - next)
            if taken == members.count || !shuffles {
                // The whole round: the bucket is shuffled anyway.
                drawn += members.dropFirst(place).prefix(taken)
            } else {
                var generator = SeededGenerator(
                    seed: seed, stream: Stream.draws, UInt64(number), UInt64(round))
                var order = Array(members)
                generator.shuffle(&order)
                drawn += order[place..<place + taken]
            }
            next += taken
        }
    }

    /// What tells the sampler's random sequences from others of the run's seed.
    private enum Stream {
        static let blocks: UInt64 = 0x626C_6F63_6B73
        static let batches: UInt64 = 0x6261_7463_6865_73
        static let order: UInt64 = 0x6F72_6465_72
        static let draws: UInt64 = 0x6472_6177_73
        static let window: UInt64 = 0x7769_6E64_6F77_73
    }
}
