/// The two sides of an utterance as UTF-8.
struct SegmentText: Sendable {
    let references: [[UInt8]]
    let hypothesis: [UInt8]

    init(_ text: ScoredText) {
        references = text.references.map { Array($0.utf8) }
        hypothesis = Array(text.hypothesis.utf8)
    }
}

/// A metric whose value for many utterances follows from the sums of whole numbers that each has.
///
/// So a corpus, a language and a resample of either are scored in the same way, and texts are compared
/// once.
protocol CorpusMetric: Sendable {
    /// How many numbers an utterance has.
    var width: Int { get }
    /// The numbers of all utterances, one behind the other.
    func statistics(_ segments: [SegmentText]) throws -> [Int32]
    /// The metric of the sums.
    func value(of sums: [Int]) -> Double
    /// The metric of the sums of a resample, in the precision that its reference computes them in.
    func resampledValue(of sums: [Int]) -> Double
}

extension CorpusMetric {
    /// The sums over utterances, each by its place; a place may come several times.
    func sums(_ statistics: [Int32], _ segments: some Sequence<Int>) -> [Int] {
        var sums = [Int](repeating: 0, count: width)
        statistics.withUnsafeBufferPointer { statistics in
            sums.withUnsafeMutableBufferPointer { sums in
                for segment in segments {
                    let start = segment * sums.count
                    for index in 0..<sums.count { sums[index] += Int(statistics[start + index]) }
                }
            }
        }
        return sums
    }

    /// The sums over all utterances.
    func sums(_ statistics: [Int32]) -> [Int] {
        sums(statistics, 0..<statistics.count / width)
    }
}
