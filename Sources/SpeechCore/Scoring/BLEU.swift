import Foundation

/// BLEU (Papineni et al., "BLEU: a method for automatic evaluation of machine translation", 2002), equal
/// to that of sacreBLEU 2.6.0.
public struct BLEU: CorpusMetric {
    /// What stands for an order of n-grams without a match (Chen and Cherry, "A systematic comparison of
    /// smoothing techniques for sentence-level BLEU", 2014).
    public enum Smoothing: Sendable, Hashable {
        /// Nothing, so that the score is 0.
        case none
        /// A number of matches, sacreBLEU's 0.1 unless another is given.
        case floor(Double)
        /// A number that is added to matches and n-grams above the first order, sacreBLEU's 1 unless
        /// another is given.
        case addK(Int)
        /// Half a match, for the next such order a quarter, and so on.
        case exponential
    }

    /// How texts are taken apart.
    public let tokenizer: BLEUTokenizer
    /// Whether case is ignored.
    public let lowercase: Bool
    /// What stands for orders without a match.
    public let smoothing: Smoothing
    /// Whether only orders count that the hypothesis is long enough for, as for single sentences.
    public let effectiveOrder: Bool

    /// BLEU of 4-grams.
    public init(
        tokenizer: BLEUTokenizer = .v13a, lowercase: Bool = false,
        smoothing: Smoothing = .exponential, effectiveOrder: Bool = false
    ) {
        self.tokenizer = tokenizer
        self.lowercase = lowercase
        self.smoothing = smoothing
        self.effectiveOrder = effectiveOrder
    }

    private static let orders = 4
    let width = 2 + 2 * orders

    /// The score of all utterances together.
    ///
    /// - Throws: `ScoreError` when the tokenizer needs MeCab and cannot have it.
    public func corpusScore(_ texts: [ScoredText]) throws -> BLEUScore {
        score(of: sums(try statistics(texts.map(SegmentText.init))), as: Double.self)
    }

    /// The score of one utterance; `effectiveOrder` should be set.
    ///
    /// - Throws: as `corpusScore(_:)`.
    public func sentenceScore(references: [String], hypothesis: String) throws -> BLEUScore {
        try corpusScore([ScoredText(id: "", references: references, hypothesis: hypothesis)])
    }

    /// sacreBLEU's signature for so many references an utterance; nil where the number varies.
    ///
    /// - Throws: as `corpusScore(_:)`.
    public func signature(references: Int?) throws -> String {
        let smooth =
            switch smoothing {
            case .none: "none"
            case .floor(let value): String(format: "floor[%.2f]", value)
            case .addK(let value): String(format: "add-k[%.2f]", Double(value))
            case .exponential: "exp"
            }
        return SacreBLEU.signature(
            references: references,
            [
                ("case", lowercase ? "lc" : "mixed"), ("eff", effectiveOrder ? "yes" : "no"),
                ("tok", try tokenizer.signature()), ("smooth", smooth),
            ])
    }

    func statistics(_ segments: [SegmentText]) throws -> [Int32] {
        let hypotheses = try tokenized(segments.map(\.hypothesis))
        var rest = try tokenized(segments.flatMap(\.references))[...]
        var table = WordTable()
        var matches = NGramMatches()
        func words(_ text: [UInt8]) -> [Int32] { table.numbers(text, TextBytes.fields(text)) }
        var result: [Int32] = []
        result.reserveCapacity(segments.count * width)
        for (segment, text) in zip(segments, hypotheses) {
            let hypothesis = words(text)
            let references = rest.prefix(segment.references.count).map(words)
            rest = rest.dropFirst(segment.references.count)
            let counts = matches.counts(hypothesis, references, orders: Self.orders)
            // The closest length, of equals the shorter.
            let length =
                references.map(\.count).min {
                    let distances = (abs($0 - hypothesis.count), abs($1 - hypothesis.count))
                    return distances.0 == distances.1 ? $0 < $1 : distances.0 < distances.1
                } ?? 0
            result.append(Int32(hypothesis.count))
            result.append(Int32(length))
            result.append(contentsOf: counts.map { Int32($0.matches) })
            result.append(contentsOf: counts.map { Int32($0.hypothesis) })
        }
        return result
    }

    private func tokenized(_ texts: [[UInt8]]) throws -> [[UInt8]] {
        try tokenizer.tokenized(
            texts.map { text in
                let text = lowercase ? TextBytes.lowercased(text) : text
                let end = TextBytes.stripped(text).upperBound
                return end == text.count ? text : Array(text[..<end])
            })
    }

    func value(of sums: [Int]) -> Double { score(of: sums, as: Double.self).score }

    func resampledValue(of sums: [Int]) -> Double { score(of: sums, as: Float.self).score }

    /// The score of sums.
    ///
    /// * `as`: what precisions are computed in. sacreBLEU resamples in single precision.
    func score<Number: BinaryFloatingPoint>(
        of sums: [Int], as number: Number.Type
    ) -> BLEUScore {
        let (hypothesisLength, referenceLength) = (sums[0], sums[1])
        var counts = Array(sums[2..<2 + Self.orders])
        var totals = Array(sums[(2 + Self.orders)...])
        var penalty = 1.0
        if hypothesisLength < referenceLength {
            penalty =
                hypothesisLength > 0
                ? exp(1 - Double(referenceLength) / Double(hypothesisLength)) : 0
        }
        var precisions = [Number](repeating: 0, count: Self.orders)
        var score = 0.0
        if counts.contains(where: { $0 > 0 }) {
            var halvings: Number = 1
            var order = Self.orders
            for index in 0..<Self.orders {
                if case .addK(let value) = smoothing, index > 0 {
                    counts[index] += value
                    totals[index] += value
                }
                guard totals[index] > 0 else { break }
                if effectiveOrder { order = index + 1 }
                let total = Number(totals[index])
                if counts[index] > 0 {
                    precisions[index] = 100 * Number(counts[index]) / total
                } else if smoothing == .exponential {
                    halvings *= 2
                    precisions[index] = 100 / (halvings * total)
                } else if case .floor(let value) = smoothing {
                    precisions[index] = 100 * Number(value) / total
                }
            }
            let logarithms = precisions[..<order].reduce(0.0) { sum, precision in
                sum + (precision == 0 ? -9_999_999_999 : log(Double(precision)))
            }
            score = penalty * exp(logarithms / Double(order))
        }
        return BLEUScore(
            score: score, counts: counts, totals: totals,
            precisions: precisions.map { Double($0) }, brevityPenalty: penalty,
            hypothesisLength: hypothesisLength, referenceLength: referenceLength)
    }
}

/// BLEU and what it is made of.
public struct BLEUScore: Sendable, Hashable, Codable {
    /// 0 to 100.
    public let score: Double
    /// N-grams of the hypotheses that their references have, for the orders from 1.
    public let counts: [Int]
    /// N-grams of the hypotheses.
    public let totals: [Int]
    /// `counts` by `totals` in percent, smoothed.
    public let precisions: [Double]
    /// What the score is multiplied by when hypotheses are shorter than references; at most 1.
    public let brevityPenalty: Double
    /// Tokens of the hypotheses.
    public let hypothesisLength: Int
    /// Tokens of the references, of several the one whose length is closest.
    public let referenceLength: Int

    private enum CodingKeys: String, CodingKey {
        case score, counts, totals, precisions
        case brevityPenalty = "brevity_penalty"
        case hypothesisLength = "hypothesis_length"
        case referenceLength = "reference_length"
    }

    /// What sacreBLEU prints behind the score.
    public var verbose: String {
        let ratio =
            referenceLength == 0 ? 0 : Double(hypothesisLength) / Double(referenceLength)
        let parts = precisions.map { String(format: "%.1f", $0) }.joined(separator: "/")
        return parts + String(format: " (BP = %.3f ratio = %.3f", brevityPenalty, ratio)
            + " hyp_len = \(hypothesisLength) ref_len = \(referenceLength))"
    }
}

/// What all metrics of sacreBLEU have in common.
enum SacreBLEU {
    /// The version whose values these are.
    static let version = "2.6.0"

    /// A signature as sacreBLEU writes it.
    static func signature(references: Int?, _ settings: [(String, String)]) -> String {
        let parts =
            [("nrefs", references.map(String.init) ?? "var")] + settings + [("version", version)]
        return parts.map { "\($0.0):\($0.1)" }.joined(separator: "|")
    }
}
