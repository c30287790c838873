/// A division of utterances, sorted by length, into batches that the same limit holds for in every
/// epoch.
///
/// Neighbours form buckets; all batches of a bucket have the number of utterances that fits when the
/// longest of the bucket is among them, so a bucket can be shuffled at will and still has the same
/// number of batches. The limits between buckets are chosen to waste least: the sum over buckets
/// of the batches' capacity and of their audio, padded to the longest of the bucket, is minimal. That
/// puts limits where one more utterance fits into a batch, and gives few utterances few buckets.
struct LengthBuckets: Sendable {
    /// The utterances of each bucket, by their place in the sorted order.
    let buckets: [Range<Int>]
    /// Where each batch begins in the sorted order, and the end of the last.
    let batchStarts: [Int]

    /// The number of batches.
    var batchCount: Int { batchStarts.count - 1 }

    /// The places of a batch in the sorted order.
    func places(ofBatch batch: Int) -> Range<Int> { batchStarts[batch]..<batchStarts[batch + 1] }

    /// Divides utterances.
    ///
    /// - Parameters:
    ///   - lengths: Seconds, ascending, at least one.
    ///   - maxSeconds: Seconds of a batch, padding included.
    ///   - maxUtterances: Utterances of a batch; 0 for any number.
    ///   - maxBuckets: The largest number of buckets, at least 1.
    init(sorted lengths: [Double], maxSeconds: Double, maxUtterances: Int, maxBuckets: Int) {
        precondition(!lengths.isEmpty && maxBuckets > 0)
        let limit = Limit(seconds: maxSeconds, utterances: maxUtterances)
        buckets = Self.bestBuckets(lengths, limit: limit, count: maxBuckets)
        var starts: [Int] = []
        for bucket in buckets {
            let batches = limit.batches(of: bucket.count, longest: lengths[bucket.upperBound - 1])
            // Evenly: a small rest would make a small batch.
            for batch in 0..<batches {
                starts.append(bucket.lowerBound + bucket.count * batch / batches)
            }
        }
        batchStarts = starts + [lengths.count]
    }

    private struct Limit {
        let seconds: Double
        let utterances: Int

        /// The number of clips of one length that fit into a batch, at least 1.
        func clips(of length: Double) -> Int {
            // The bound keeps a length near 0 within the range of Int.
            var count = max(1, Int(min(seconds / length, 1e9).rounded()))
            while count > 1, Double(count) * length > seconds { count -= 1 }
            return utterances > 0 ? min(count, utterances) : count
        }

        func batches(of count: Int, longest: Double) -> Int {
            let clips = clips(of: longest)
            return (count + clips - 1) / clips
        }

        func cost(of count: Int, longest: Double) -> Double {
            Double(batches(of: count, longest: longest)) * seconds + Double(count) * longest
        }
    }

    /// The cheapest division, by dynamic programming over at most 256 candidate limits.
    private static func bestBuckets(
        _ lengths: [Double], limit: Limit, count maxBuckets: Int
    ) -> [Range<Int>] {
        let pieces = min(lengths.count, 256)
        let cuts = (0...pieces).map { lengths.count * $0 / pieces }
        // best[end]: the cost of the first `end` pieces in the number of buckets of this round.
        var best = [Double](repeating: .infinity, count: pieces + 1)
        best[0] = 0
        var previousCuts: [[Int]] = []
        var chosen = (cost: Double.infinity, buckets: 0)
        for buckets in 1...min(maxBuckets, pieces) {
            var next = [Double](repeating: .infinity, count: pieces + 1)
            var origin = [Int](repeating: 0, count: pieces + 1)
            for end in buckets...pieces {
                let longest = lengths[cuts[end] - 1]
                for start in (buckets - 1)..<end where best[start] < .infinity {
                    let cost =
                        best[start] + limit.cost(of: cuts[end] - cuts[start], longest: longest)
                    if cost < next[end] { (next[end], origin[end]) = (cost, start) }
                }
            }
            best = next
            previousCuts.append(origin)
            if best[pieces] < chosen.cost { chosen = (best[pieces], buckets) }
        }
        var ranges: [Range<Int>] = []
        var end = pieces
        for origin in previousCuts.prefix(chosen.buckets).reversed() {
            ranges.append(cuts[origin[end]]..<cuts[end])
            end = origin[end]
        }
        return ranges.reversed()
    }
}
