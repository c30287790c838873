/// chrF and chrF++ (Popović, "chrF: character n-gram F-score for automatic MT evaluation", 2015; "chrF++:
/// words helping character n-grams", 2017), equal to those of sacreBLEU 2.6.0.
public struct CHRF: CorpusMetric {
    /// The longest n-grams of words: 0 for chrF, 2 for chrF++.
    public let wordOrder: Int
    /// Whether case is ignored.
    public let lowercase: Bool

    /// chrF of character n-grams up to 6 without spaces, with recall counting twice as much as precision.
    public init(wordOrder: Int = 0, lowercase: Bool = false) {
        precondition((0...4).contains(wordOrder), "chrF with words of order \(wordOrder)")
        self.wordOrder = wordOrder
        self.lowercase = lowercase
    }

    private static let characterOrder = 6
    var width: Int { 3 * (Self.characterOrder + wordOrder) }

    /// What sacreBLEU calls it: `chrF2`, `chrF2++`.
    public var name: String { "chrF2" + String(repeating: "+", count: wordOrder) }

    /// The score of all utterances together, 0 to 100.
    public func corpusScore(_ texts: [ScoredText]) -> Double {
        value(of: sums(statistics(texts.map(SegmentText.init))))
    }

    /// The score of one utterance, 0 to 100.
    public func sentenceScore(references: [String], hypothesis: String) -> Double {
        corpusScore([ScoredText(id: "", references: references, hypothesis: hypothesis)])
    }

    /// sacreBLEU's signature for so many references an utterance; nil where the number varies.
    public func signature(references: Int?) -> String {
        SacreBLEU.signature(
            references: references,
            [
                ("case", lowercase ? "lc" : "mixed"), ("eff", "yes"),
                ("nc", String(Self.characterOrder)), ("nw", String(wordOrder)), ("space", "no"),
            ])
    }

    func statistics(_ segments: [SegmentText]) -> [Int32] {
        var table = WordTable()
        var characterMatches = NGramMatches()
        var wordMatches = NGramMatches()
        func prepared(_ text: [UInt8]) -> (characters: [Int32], words: [Int32]) {
            let text = lowercase ? TextBytes.lowercased(text) : text
            let words = wordOrder == 0 ? [] : table.numbers(text, Self.words(text))
            return (TextBytes.scalarsWithoutSpaces(text), words)
        }
        var result: [Int32] = []
        result.reserveCapacity(segments.count * width)
        for segment in segments {
            let hypothesis = prepared(segment.hypothesis)
            var best: [Int] = []
            var bestScore = -1.0
            // Of several references the one with the best score, of equals the first.
            for reference in segment.references {
                let reference = prepared(reference)
                let counts =
                    characterMatches.counts(
                        hypothesis.characters, [reference.characters],
                        orders: Self.characterOrder)
                    + wordMatches.counts(
                        hypothesis.words, [reference.words], orders: wordOrder)
                let numbers = counts.flatMap {
                    [$0.reference > 0 ? $0.hypothesis : 0, $0.reference, $0.matches]
                }
                let score = segment.references.count > 1 ? value(of: numbers) : 0
                if score > bestScore { (best, bestScore) = (numbers, score) }
            }
            result.append(contentsOf: best.map { Int32($0) })
        }
        return result
    }

    /// Words with one mark of ASCII apart, the last character or else the first: "(hi)" is "(hi" and ")".
    private static func words(_ text: [UInt8]) -> [Range<Int>] {
        func isMark(_ byte: UInt8) -> Bool {
            switch byte {
            case 0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E: return true
            default: return false
            }
        }
        var words: [Range<Int>] = []
        for field in TextBytes.fields(text) {
            let isOne = TextBytes.scalarLength(text[field.lowerBound]) == field.count
            if !isOne, isMark(text[field.upperBound - 1]) {
                words.append(field.lowerBound..<field.upperBound - 1)
                words.append(field.upperBound - 1..<field.upperBound)
            } else if !isOne, isMark(text[field.lowerBound]) {
                words.append(field.lowerBound..<field.lowerBound + 1)
                words.append(field.lowerBound + 1..<field.upperBound)
            } else {
                words.append(field)
            }
        }
        return words
    }

    func value(of sums: [Int]) -> Double { score(of: sums, as: Double.self) }

    func resampledValue(of sums: [Int]) -> Double { score(of: sums, as: Float.self) }

    /// The score of sums.
    ///
    /// * `as`: what it is computed in. sacreBLEU resamples in single precision.
    private func score<Number: BinaryFloatingPoint>(
        of sums: [Int], as number: Number.Type
    ) -> Double {
        var (precision, recall): (Number, Number) = (0, 0)
        var orders: Number = 0
        for index in stride(from: 0, to: width, by: 3) where sums[index] > 0 && sums[index + 1] > 0
        {
            precision += Number(sums[index + 2]) / Number(sums[index])
            recall += Number(sums[index + 2]) / Number(sums[index + 1])
            orders += 1
        }
        guard orders > 0 else { return 0 }
        precision /= orders
        recall /= orders
        guard precision + recall > 0 else { return 0 }
        let product: Number = 5 * precision * recall
        return Double(100 * (product / (4 * precision + recall)))
    }
}
