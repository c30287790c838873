import Foundation
import SpeechCore
import TestSupport
import Testing

@Suite struct StreamingDecoderTests {
    private static let vocabulary = DecoderVocabulary(
        tokens: ["", "|", "a", "b", "c", "d"], blank: 0, delimiter: 1)

    /// Frames in parts of 1 to 20.
    private func stream(
        _ rows: [[Float]], _ decoder: StreamingDecoder, _ random: inout SeededGenerator
    ) -> [Recognition] {
        var start = 0
        var stable: [String] = []
        while start < rows.count {
            let end = min(rows.count, start + 1 + random.uniform(below: 20))
            decoder.append(rows[start..<end].flatMap { $0 })
            start = end
            let partial = decoder.partial
            let words = partial.stableWords.map(\.text)
            #expect(words.count == partial.stableWordCount)
            #expect(words.starts(with: stable), "\(stable) became \(words)")
            stable = words
        }
        #expect(decoder.frameCount == rows.count)
        let results = decoder.finish()
        #expect(results[0].words.map(\.text).starts(with: stable))
        #expect(!stable.isEmpty)
        return results
    }

    @Test(arguments: [0, 1, 2]) func equalsTheDecoderOnAllFrames(_ seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let ids = (0..<60).map { $0 % 4 == 3 ? 1 : 2 + random.uniform(below: 4) }
        // Blurred, so that there is more than one way to hear it.
        let noise = DecoderInput.random(frames: 180, tokens: 6, sharpness: 3, &random)
        let rows = zip(DecoderInput.spelled(ids, tokens: 6, probability: 0.8), noise).map {
            (clear: [Float], noise: [Float]) -> [Float] in
            zip(clear, noise).map { Float(log(0.6 * exp(Double($0)) + 0.4 * exp(Double($1)))) }
        }
        let arpa = DecoderInput.arpa(["a", "b", "ab", "cd", "d"], order: 3, share: 0.4, &random)
        var settings = CTCBeamDecoder.Settings()
        settings.beamSize = 12
        settings.bestCount = 5
        // Or all would be one word, because the model knows so few.
        settings.wordBonus = 6
        let beam = try CTCBeamDecoder(
            settings: settings, vocabulary: Self.vocabulary,
            languageModel: DecoderInput.model(arpa), hotWords: [HotWord("abc", boost: 3)])
        let all = beam.best(rows.flatMap { $0 })
        #expect(all.count == 5)
        #expect(stream(rows, StreamingDecoder(beam), &random) == all)
        let greedy = CTCGreedyDecoder(Self.vocabulary)
        #expect(stream(rows, StreamingDecoder(greedy), &random) == [greedy(rows.flatMap { $0 })])
    }

    /// Long enough for the search to throw away what it does not need.
    @Test func hoursLeaveNothingBehind() throws {
        var random = SeededGenerator(seed: 5)
        var ids: [Int] = []
        for _ in 0..<400 {
            for _ in 0...random.uniform(below: 4) { ids.append(2 + random.uniform(below: 4)) }
            ids.append(1)
        }
        let rows = DecoderInput.spelled(ids, tokens: 6, probability: 0.6)
        let beam = try CTCBeamDecoder(vocabulary: Self.vocabulary)
        let found = beam(rows.flatMap { $0 })
        let greedy = CTCGreedyDecoder(Self.vocabulary)(rows.flatMap { $0 })
        #expect(found.text == greedy.text)
        #expect(found.words.map(\.start) == greedy.words.map(\.start))
        #expect(found.words.map(\.end) == greedy.words.map(\.end))
        #expect(found.words.count == 400)
    }
}
