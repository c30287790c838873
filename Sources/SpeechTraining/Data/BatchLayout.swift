internal import SpeechCore

/// Which utterances may stand in which batches: the part of the plan that all epochs share.
///
/// Utterances form blocks (those of a shard, or all where there are none), a block's utterances
/// buckets of similar length, and those of a bucket cells of one group. An epoch draws a fixed number
/// of utterances from each cell, so every epoch has the same number of batches in every bucket.
struct BatchLayout: Sendable {
    /// The utterances of one group in a bucket.
    struct Cell: Sendable {
        /// Places in `members`.
        let members: Range<Int>
        /// How many an epoch draws.
        let draws: Int
    }

    /// Utterances of similar length.
    struct Bucket: Sendable {
        /// Places in `cells`.
        let cells: Range<Int>
        /// How many utterances an epoch has of it.
        let draws: Int
        /// How many batches these make.
        let batches: Int
    }

    /// Utterances that are read together.
    struct Block: Sendable {
        /// Places in `buckets`.
        let buckets: Range<Int>
        /// How many batches an epoch has of it.
        let batches: Int
        /// One utterance of it, which tells the file.
        let first: Int
    }

    private(set) var blocks: [Block] = []
    private(set) var buckets: [Bucket] = []
    private(set) var cells: [Cell] = []
    /// Utterances, by block, bucket and group, ascending by length.
    private(set) var members: [UInt32] = []

    /// The number of batches of an epoch.
    var batchCount: Int { blocks.reduce(0) { $0 + $1.batches } }

    /// Plans an epoch.
    ///
    /// * `repeats`: how often an utterance of each group is drawn, on average.
    /// * `length`: what is taken of an utterance, in seconds.
    init(
        _ table: SamplingTable, repeats: [Double], limit: LengthBuckets.Limit, maxBuckets: Int,
        length: (UInt32) -> Double
    ) {
        members.reserveCapacity(table.usable.count)
        var quota = Quota(repeats: repeats)
        let blocks = Self.blocks(of: table)
        for block in blocks {
            let firstBucket = buckets.count
            let base = block.startIndex
            let ranges = LengthBuckets(
                of: block.count, limit: limit, maxBuckets: maxBuckets,
                // A corpus of a thousand shards is divided a thousand times.
                cuts: blocks.count > 16 ? 64 : 256, length: { length(block[base + $0]) }
            ).ranges
            // What a group has too little of for one draw moves on to the next longer bucket.
            var waiting: [[UInt32]] = Array(repeating: [], count: repeats.count)
            for (number, range) in ranges.enumerated() {
                for place in range {
                    let utterance = block[base + place]
                    waiting[Int(table.groupNumbers[Int(utterance)])].append(utterance)
                }
                addBucket(
                    &waiting, &quota, isLast: number == ranges.count - 1, limit: limit,
                    length: length)
            }
            guard firstBucket < buckets.count else { continue }
            let added = firstBucket..<buckets.count
            self.blocks.append(
                Block(
                    buckets: added, batches: buckets[added].reduce(0) { $0 + $1.batches },
                    first: Int(
                        members[
                            cells[buckets[added.lowerBound].cells.lowerBound].members.lowerBound])))
        }
        precondition(!self.blocks.isEmpty, "no utterance is drawn")
    }

    private mutating func addBucket(
        _ waiting: inout [[UInt32]], _ quota: inout Quota, isLast: Bool,
        limit: LengthBuckets.Limit, length: (UInt32) -> Double
    ) {
        let firstCell = cells.count
        var drawn = 0
        var longest = 0.0
        for group in waiting.indices where !waiting[group].isEmpty {
            guard
                let draws = quota.draws(of: waiting[group].count, group: group, atLeastOne: isLast)
            else { continue }
            let start = members.count
            members += waiting[group]
            if let last = waiting[group].last { longest = max(longest, length(last)) }
            waiting[group].removeAll(keepingCapacity: true)
            cells.append(Cell(members: start..<members.count, draws: draws))
            drawn += draws
        }
        guard firstCell < cells.count else { return }
        buckets.append(
            Bucket(
                cells: firstCell..<cells.count, draws: drawn,
                batches: limit.batches(of: drawn, longest: longest)))
    }

    /// The usable utterances of each shard by ascending length.
    private static func blocks(of table: SamplingTable) -> [ArraySlice<UInt32>] {
        guard !table.shardNumbers.isEmpty else { return [table.usable] }
        var ends = [Int](repeating: 0, count: Int(table.shardNumbers.max() ?? 0) + 2)
        for number in table.usable { ends[Int(table.shardNumbers[Int(number)]) + 1] += 1 }
        for shard in 1..<ends.count { ends[shard] += ends[shard - 1] }
        let bounds = ends
        var sorted = [UInt32](repeating: 0, count: table.usable.count)
        for number in table.usable {
            let shard = Int(table.shardNumbers[Int(number)])
            sorted[ends[shard]] = number
            ends[shard] += 1
        }
        return zip(bounds, bounds.dropFirst()).compactMap {
            $0 == $1 ? nil : sorted[$0..<$1]
        }
    }

    /// Rounds the numbers of draws so that a group's sum is right.
    private struct Quota {
        let repeats: [Double]
        private var exact: [Double]
        private var given: [Int]

        init(repeats: [Double]) {
            self.repeats = repeats
            exact = repeats.map { _ in 0 }
            given = repeats.map { _ in 0 }
        }

        /// The draws of so many utterances; nil where that would be none and none is allowed.
        ///
        /// Every utterance of a group that is drawn at all can be drawn.
        mutating func draws(of count: Int, group: Int, atLeastOne: Bool) -> Int? {
            guard repeats[group] > 0 else { return nil }
            let wanted = exact[group] + Double(count) * repeats[group]
            var draws = Int(wanted.rounded()) - given[group]
            if draws < 1 {
                guard atLeastOne else { return nil }
                draws = 1
            }
            exact[group] = wanted
            given[group] += draws
            return draws
        }
    }
}
