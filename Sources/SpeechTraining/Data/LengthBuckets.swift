/// A division of utterances, sorted by length, into buckets of similar length.
///
/// All batches of a bucket have the number of utterances that fits when the longest of the bucket is
/// among them, so a bucket can be shuffled at will and still has the same number of batches. The
/// limits between buckets are chosen to waste least: the sum over buckets of the batches' capacity
/// and of their audio, padded to the longest of the bucket, is minimal. That puts limits where one
/// more utterance fits into a batch, and gives few utterances few buckets.
struct LengthBuckets: Sendable {
    /// The limit of a batch.
    struct Limit: Sendable {
        /// Seconds, padding included.
        let seconds: Double
        /// 0 for any number.
        let utterances: Int

        /// The number of clips of one length that fit into a batch, at least 1.
        func clips(of length: Double) -> Int {
            // The bound keeps a length near 0 within the range of Int.
            var count = max(1, Int(min(seconds / length, 1e9).rounded()))
            while count > 1, Double(count) * length > seconds { count -= 1 }
            return utterances > 0 ? min(count, utterances) : count
        }

        /// The number of batches that clips make, none longer than `longest`.
        func batches(of count: Int, longest: Double) -> Int {
            let clips = clips(of: longest)
            return (count + clips - 1) / clips
        }

        fileprivate func cost(of count: Int, longest: Double) -> Double {
            Double(batches(of: count, longest: longest)) * seconds + Double(count) * longest
        }
    }

    /// The utterances of each bucket, by their place in the sorted order.
    let ranges: [Range<Int>]

    /// Divides utterances, by dynamic programming over at most `cuts` candidate limits.
    ///
    /// * `count`: how many utterances there are, at least one.
    /// * `maxBuckets`: the largest number of buckets, at least 1.
    /// * `length`: seconds by place, ascending.
    init(
        of count: Int, limit: Limit, maxBuckets: Int, cuts: Int = 256,
        length: (_ place: Int) -> Double
    ) {
        precondition(count > 0 && maxBuckets > 0)
        let pieces = min(count, cuts)
        let cuts = (0...pieces).map { count * $0 / pieces }
        let longest = (0...pieces).map { $0 == 0 ? 0 : length(cuts[$0] - 1) }
        // best[end]: the cost of the first `end` pieces in the number of buckets of this round.
        var best = [Double](repeating: .infinity, count: pieces + 1)
        best[0] = 0
        var previousCuts: [[Int]] = []
        var chosen = (cost: Double.infinity, buckets: 0)
        for buckets in 1...min(maxBuckets, pieces) {
            var next = [Double](repeating: .infinity, count: pieces + 1)
            var origin = [Int](repeating: 0, count: pieces + 1)
            for end in buckets...pieces {
                for start in (buckets - 1)..<end where best[start] < .infinity {
                    let cost =
                        best[start]
                        + limit.cost(of: cuts[end] - cuts[start], longest: longest[end])
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
        self.ranges = ranges.reversed()
    }
}
