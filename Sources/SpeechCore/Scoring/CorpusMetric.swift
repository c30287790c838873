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
    /// The sums over some utterances, each by its place; all, if none are named.
    func sums(_ statistics: [Int32], _ segments: [Int]? = nil) -> [Int] {
        let width = width
        var sums = [Int](repeating: 0, count: width)
        func add(_ segment: Int) {
            let start = segment * width
            for index in 0..<width { sums[index] += Int(statistics[start + index]) }
        }
        if let segments {
            segments.forEach(add)
        } else {
            (0..<statistics.count / width).forEach(add)
        }
        return sums
    }
}
