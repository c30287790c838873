/// Word and character error rates, equal to those of jiwer 4.0.0.
public struct ErrorRate: CorpusMetric {
    /// What is aligned.
    public enum Unit: Sendable, Hashable {
        /// What stands between single spaces, or runs of at least two white spaces of any kind.
        case word
        /// Characters, spaces among them; white space at the ends is left out.
        case character(CharacterUnit)
    }

    /// What is aligned.
    public let unit: Unit

    /// A rate of errors among words or characters.
    public init(unit: Unit) { self.unit = unit }

    let width = 4

    /// The errors of all utterances together.
    ///
    /// Their `rate` is that of the corpus: errors of all by units of all references. An empty reference
    /// counts as jiwer has it: all of its hypothesis is insertions.
    public func corpusScore(_ texts: [ScoredText]) -> ErrorCounts {
        Self.counts(sums(statistics(texts.map(SegmentText.init))))
    }

    /// The errors of one utterance.
    public func sentenceScore(reference: String, hypothesis: String) -> ErrorCounts {
        corpusScore([ScoredText(id: "", reference: reference, hypothesis: hypothesis)])
    }

    /// The units of both sides and the steps from one to the other.
    func alignment(
        reference: String, hypothesis: String
    ) -> (reference: [String], hypothesis: [String], operations: [EditOperation]) {
        var splitter = UnitSplitter(unit)
        var aligner = EditAligner()
        let first = splitter.units(Array(reference.utf8))
        let second = splitter.units(Array(hypothesis.utf8))
        return (
            first.map(splitter.text), second.map(splitter.text), aligner.operations(first, second)
        )
    }

    func statistics(_ segments: [SegmentText]) -> [Int32] {
        var splitter = UnitSplitter(unit)
        var aligner = EditAligner()
        var result: [Int32] = []
        result.reserveCapacity(segments.count * width)
        for segment in segments {
            let counts = aligner.counts(
                splitter.units(segment.references[0]), splitter.units(segment.hypothesis))
            for count in [counts.hits, counts.substitutions, counts.deletions, counts.insertions] {
                result.append(Int32(count))
            }
        }
        return result
    }

    func value(of sums: [Int]) -> Double { Self.counts(sums).rate }

    func resampledValue(of sums: [Int]) -> Double { value(of: sums) }

    static func counts(_ sums: [Int]) -> ErrorCounts {
        ErrorCounts(
            hits: sums[0], substitutions: sums[1], deletions: sums[2], insertions: sums[3])
    }
}

/// Takes texts apart into units that are numbers.
private struct UnitSplitter {
    private let unit: ErrorRate.Unit
    private var table = WordTable()

    init(_ unit: ErrorRate.Unit) { self.unit = unit }

    mutating func units(_ text: [UInt8]) -> [Int32] {
        switch unit {
        case .word:
            return table.numbers(text, TextBytes.words(text))
        case .character(.codePoint):
            return TextBytes.scalars(text, TextBytes.stripped(text))
        case .character(.grapheme):
            let range = TextBytes.stripped(text)
            var index = range.lowerBound
            let clusters = String(decoding: text[range], as: UTF8.self).map { character in
                let start = index
                index += character.utf8.count
                return start..<index
            }
            return table.numbers(text, clusters)
        }
    }

    func text(_ number: Int32) -> String {
        switch unit {
        case .character(.codePoint):
            return Unicode.Scalar(UInt32(number)).map { String(Character($0)) } ?? ""
        default:
            return table[number]
        }
    }
}
