import Foundation
import SpeechCore
import TestSupport
import Testing

@Suite struct CTCGreedyDecoderTests {
    /// Log-probabilities whose best tokens are these.
    private func rows(_ ids: [Int], tokens: Int, best: Float = -0.1) -> [Float] {
        ids.flatMap { id in (0..<tokens).map { $0 == id ? best : -9 } }
    }

    @Test(
        arguments: [
            "wav2vec2_ctc", "wav2vec2_mms_ctc", "w2vbert_adapter_ctc", "store_safetensors_weight_g",
        ])
    func givesTheTextOfTheReference(_ model: String) throws {
        let url = Fixtures.model(model)
        let references = try JSONDecoder().decode(
            [String: CTCTokenizerTests.Reference].self,
            from: Data(contentsOf: url.appendingPathComponent("ctc.json")))
        for (language, reference) in references {
            let tokenizer = try #require(
                try CTCTokenizer(
                    ModelDirectory(url.path), language: references.count > 1 ? language : nil))
            let size = tokenizer.vocabulary.map(\.id).max()! + 1
            let decoder = CTCGreedyDecoder(DecoderVocabulary(tokenizer, size: size))
            for greedy in reference.greedy where greedy.ids.allSatisfy({ $0 < size }) {
                let found = decoder(rows(greedy.ids, tokens: size))
                #expect(found.text == greedy.text)
                let words = tokenizer.decode(greedy.ids).words
                #expect(found.words.map(\.start) == words.map(\.start))
                #expect(found.words.map(\.end) == words.map(\.end))
                expectClose(found.score, -0.1 * Double(greedy.ids.count), within: 1e-4)
            }
        }
    }

    @Test func aWordIsAsSureAsItsFrames() {
        let vocabulary = DecoderVocabulary(tokens: ["", "a", "b", "|"], blank: 0, delimiter: 3)
        let frames: [(Int, Double)] = [
            (1, 0.9), (1, 0.7), (0, 0.8), (2, 0.6), (3, 0.9), (2, 0.5), (0, 0.9),
        ]
        let rows = frames.flatMap { id, value in
            (0..<4).map { Float(log($0 == id ? value : (1 - value) / 3)) }
        }
        let found = CTCGreedyDecoder(vocabulary)(rows)
        #expect(found.text == "ab b")
        #expect(found.words.map(\.start) == [0, 5])
        #expect(found.words.map(\.end) == [4, 6])
        expectClose(found.words.map(\.confidence), [(0.9 + 0.7 + 0.6) / 3, 0.5], within: 1e-6)
        expectClose(
            found.score, frames.reduce(0) { $0 + log($1.1) }, within: 1e-6, "the best path")
        #expect(found.words[1].seconds(framesPerSecond: 50) == 0.1...0.12)
        #expect(CTCGreedyDecoder(vocabulary)([]).text.isEmpty)
    }

    @Test func vocabulariesWithoutDelimiter() {
        let pieces = DecoderVocabulary(tokens: ["<blk>", "▁he", "llo", "▁", "w", "▁you"], blank: 0)
        #expect(pieces.words == .pieces)
        let found = CTCGreedyDecoder(pieces)(rows([1, 2, 2, 0, 3, 4, 5], tokens: 6))
        #expect(found.text == "hello w you")
        #expect(found.words.map(\.text) == ["hello", "w", "you"])
        #expect(found.words.map(\.start) == [0, 5, 6])
        let characters = DecoderVocabulary(tokens: ["<blk>", "北", "京"], blank: 0)
        #expect(characters.words == .characters)
        let chinese = CTCGreedyDecoder(characters)(rows([1, 1, 0, 2, 0, 2], tokens: 3))
        #expect(chinese.text == "北京京")
        #expect(chinese.words.map(\.text) == ["北", "京", "京"])
    }
}
