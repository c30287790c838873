import Foundation
import SpeechCore
import TestSupport
import Testing

@Suite struct ErrorRateTests {
    private let words = ErrorRate(unit: .word)
    private let codePoints = ErrorRate(unit: .character(.codePoint))
    private let graphemes = ErrorRate(unit: .character(.grapheme))

    @Test func countsErrorsByKind() {
        let errors = words.sentenceScore(
            reference: "the cat sat on the mat", hypothesis: "well a cat sat on mat")
        #expect(errors == ErrorCounts(hits: 4, substitutions: 1, deletions: 1, insertions: 1))
        #expect(errors.edits == 3)
        #expect(errors.referenceLength == 6)
        #expect(errors.hypothesisLength == 6)
        #expect(errors.rate == 0.5)
    }

    @Test func poolsACorpus() {
        let errors = words.corpusScore([
            ScoredText(id: "1", reference: "one two three four", hypothesis: "one two three four"),
            ScoredText(id: "2", reference: "five", hypothesis: "six"),
        ])
        // Not the mean of 0 and 1.
        #expect(errors.rate == 0.2)
    }

    @Test func lettersWithTheirMarksAreOneGrapheme() {
        // The vowel sign of the second letter is missing.
        let (reference, hypothesis) = ("हिन्दी", "हन्दी")
        #expect(
            codePoints.sentenceScore(reference: reference, hypothesis: hypothesis).rate == 1 / 6.0)
        let errors = graphemes.sentenceScore(reference: reference, hypothesis: hypothesis)
        #expect(errors.substitutions == 1)
        #expect(errors.edits == 1)
        // Spellings of one letter are different texts, as in jiwer.
        #expect(codePoints.sentenceScore(reference: "é", hypothesis: "e\u{301}").edits == 2)
        #expect(graphemes.sentenceScore(reference: "é", hypothesis: "e\u{301}").edits == 1)
    }

    @Test func emptyTexts() {
        #expect(words.sentenceScore(reference: "", hypothesis: "").rate == 0)
        #expect(words.sentenceScore(reference: "", hypothesis: "one two").rate == 2)
        #expect(words.sentenceScore(reference: "one two", hypothesis: " ").deletions == 2)
        #expect(words.corpusScore([]).rate == 0)
    }

    /// Distances by the whole table of Wagner and Fischer, for lengths around the words of a machine.
    @Test func findsTheShortestAlignment() {
        var generator = SeededGenerator(seed: 5)
        for length in [1, 2, 9, 63, 64, 65, 127, 128, 129, 300] {
            for symbols in [2, 5, 40] {
                let reference = (0..<length).map { _ in generator.uniform(below: symbols) }
                let other = generator.uniform(below: length + 30)
                let hypothesis = (0..<other).map { index in
                    index < length && generator.uniform(below: 3) > 0
                        ? reference[index] : generator.uniform(below: symbols)
                }
                let errors = words.sentenceScore(
                    reference: text(reference), hypothesis: text(hypothesis))
                #expect(errors.edits == Self.distance(reference, hypothesis))
                #expect(errors.referenceLength == reference.count)
                #expect(errors.hypothesisLength == hypothesis.count)
            }
        }
    }

    /// Texts whose matrix is halved before it is filled.
    @Test func findsTheShortestAlignmentOfLongTexts() {
        var generator = SeededGenerator(seed: 6)
        let reference = (0..<2300).map { _ in generator.uniform(below: 900) }
        let tail = (0..<600).map { _ in generator.uniform(below: 900) }
        let changed = tail + reference.filter { _ in generator.uniform(below: 4) > 0 }
        for hypothesis in [changed, Array(reference[400...]), tail + reference + tail] {
            let errors = words.sentenceScore(
                reference: text(reference), hypothesis: text(hypothesis))
            #expect(errors.edits == Self.distance(reference, hypothesis))
            #expect(errors.referenceLength == reference.count)
            #expect(errors.hypothesisLength == hypothesis.count)
        }
    }

    private func text(_ words: [Int]) -> String {
        words.map { "w\($0)" }.joined(separator: " ")
    }

    private static func distance(_ a: [Int], _ b: [Int]) -> Int {
        var row = Array(0...b.count)
        for (i, x) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, y) in b.enumerated() {
                let next = min(row[j + 1] + 1, row[j] + 1, diagonal + (x == y ? 0 : 1))
                diagonal = row[j + 1]
                row[j + 1] = next
            }
        }
        return row[b.count]
    }
}
