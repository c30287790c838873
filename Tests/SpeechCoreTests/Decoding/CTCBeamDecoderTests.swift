import Foundation
import SpeechCore
import TestSupport
import Testing

/// The search beside one that tries every path, and what it promises by itself.
@Suite struct CTCBeamDecoderTests {
    private static func exact(_ change: (inout CTCBeamDecoder.Settings) -> Void = { _ in })
        -> CTCBeamDecoder.Settings
    {
        var settings = CTCBeamDecoder.Settings()
        settings.beamSize = 20_000
        settings.tokenThreshold = -.infinity
        settings.beamThreshold = .infinity
        settings.bestCount = 40
        change(&settings)
        return settings
    }

    private func compare(
        _ search: ReferenceSearch, _ decoder: CTCBeamDecoder, _ rows: [[Float]], _ what: String
    ) {
        let expected = search.best(rows)
        let found = decoder.best(rows.flatMap { $0 })
        #expect(found.count == min(decoder.settings.bestCount, expected.count), "\(what)")
        for (result, reference) in zip(found, expected) {
            // The model keeps its weights in single precision.
            let tolerance = search.model == nil ? 1e-9 : 1e-5
            expectClose(
                result.score, reference.score, within: tolerance, "\(what) '\(result.text)'")
            // Equal scores may come in any order.
            let isTie = expected.count { abs($0.score - reference.score) < tolerance } > 1
            #expect(isTie || result.text == reference.text, "\(what)")
        }
    }

    @Test(arguments: 0..<12) func equalsTheSearchOfAllPaths(_ seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed), stream: 1)
        let cases: [(tokens: [String], delimiter: Int?, words: DecoderVocabulary.Words)] = [
            (["", "a", "b", "|"], 3, .delimited),
            (["", "▁a", "b", "▁", "ab"], 3, .pieces),
            (["", "a", "b", "|"], 3, .characters),
            (["", "▁ab", "▁a", "b"], nil, .pieces),
        ]
        for (tokens, delimiter, words) in cases {
            let rows = DecoderInput.random(
                frames: 6, tokens: tokens.count, sharpness: 3, &random)
            let vocabulary = DecoderVocabulary(
                tokens: tokens, blank: 0, delimiter: words == .pieces ? nil : delimiter,
                words: words)
            let isCharacters = seed.isMultiple(of: 2)
            let units =
                isCharacters ? ["a", "b", "<space>"] : ["a", "b", "ab", "ba", "aab", "bb"]
            let order = 1 + seed % 4
            let arpa = DecoderInput.arpa(units, order: order, share: 0.5, &random)
            let unit: NGramModel.Unit = isCharacters ? .character : .word
            let model = try DecoderInput.model(arpa, unit: unit)
            let settings = Self.exact {
                $0.languageModelWeight = 0.2 + random.uniform()
                $0.wordBonus = random.uniform() * 4 - 2
                $0.unknownWordPenalty = -random.uniform() * 3
            }
            let hotWords = [HotWord("ab", boost: 2.5), HotWord("a b", boost: 1.5)]
            let lexicon = ["a", "b", "ab", "bab", "aa"]
            var search = ReferenceSearch(
                tokens: tokens, delimiter: delimiter, words: words, settings: settings)
            compare(
                search, try CTCBeamDecoder(settings: settings, vocabulary: vocabulary), rows,
                "\(words), no model")
            search.model = (ReferenceNGrams(arpa), order, unit)
            compare(
                search,
                try CTCBeamDecoder(
                    settings: settings, vocabulary: vocabulary, languageModel: model), rows,
                "\(words), \(unit)")
            search.hotWords = hotWords
            compare(
                search,
                try CTCBeamDecoder(
                    settings: settings, vocabulary: vocabulary, languageModel: model,
                    hotWords: hotWords), rows, "\(words), \(unit), hot words")
            search.lexicon = Set(lexicon)
            compare(
                search,
                try CTCBeamDecoder(
                    settings: settings, vocabulary: vocabulary, languageModel: model,
                    lexicon: Lexicon(lexicon), hotWords: hotWords), rows,
                "\(words), \(unit), lexicon")
        }
    }

    private static let letters = DecoderVocabulary(
        tokens: ["<pad>", "|"] + "abcdefghijklmnopqrstuvwxyz".map { String($0) }, blank: 0,
        delimiter: 1)

    private static func ids(_ text: String) -> [Int] {
        text.unicodeScalars.map { $0 == " " ? 1 : Int($0.value) - 95 }
    }

    private static func rows(_ text: String, probability: Double = 0.9) -> [Float] {
        DecoderInput.spelled(ids(text), tokens: 28, probability: probability).flatMap { $0 }
    }

    @Test func findsWordsWithTheirTimes() throws {
        let decoder = try CTCBeamDecoder(vocabulary: Self.letters)
        let found = decoder(Self.rows(" hello  world "))
        #expect(found.text == "hello world")
        // Three frames a character, the last of them blank.
        #expect(found.words.map(\.start) == [3, 24])
        #expect(found.words.map(\.end) == [17, 38])
        for word in found.words { expectClose(word.confidence, 0.9, within: 1e-6) }
        let greedy = CTCGreedyDecoder(Self.letters)(Self.rows("hello world"))
        let beam = decoder(Self.rows("hello world"))
        #expect(beam.words.map(\.text) == greedy.words.map(\.text))
        #expect(beam.words.map(\.start) == greedy.words.map(\.start))
        #expect(beam.words.map(\.end) == greedy.words.map(\.end))
        #expect(beam.acousticScore >= greedy.score)
    }

    @Test func emptyAudioGivesEmptyText() throws {
        let decoder = try CTCBeamDecoder(vocabulary: Self.letters)
        #expect(decoder([]).text.isEmpty)
        #expect(decoder([]).words.isEmpty)
        #expect(decoder([]).score == 0)
        // Frames without any number leave what there was.
        let lost = [Float](repeating: .nan, count: 28)
        #expect(decoder(Self.rows("ab") + lost + Self.rows(" c")).text == "ab c")
    }

    /// The audio says "kat" a little more than "cat".
    private static var unclear: [Float] {
        var rows = DecoderInput.spelled(ids("a kat sat"), tokens: 28)
        for frame in 6..<8 {
            rows[frame][ids("k")[0]] = log(0.5)
            rows[frame][ids("c")[0]] = log(0.4)
        }
        return rows.flatMap { $0 }
    }

    @Test func modelsChangeWhatIsHeard() throws {
        #expect(try CTCBeamDecoder(vocabulary: Self.letters)(Self.unclear).text == "a kat sat")
        var trainer = try NGramTrainer(.init())
        for line in ["a cat sat", "the cat sat", "a cat ran", "a dog sat"] { try trainer.add(line) }
        let model = try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("lm.arpa")
            try trainer.estimate().write(to: url)
            return try NGramModel(path: url.path)
        }
        let withModel = try CTCBeamDecoder(vocabulary: Self.letters, languageModel: model)
        #expect(withModel(Self.unclear).text == "a cat sat")
        #expect(withModel(Self.unclear).languageScore < 0)
        let withWords = try CTCBeamDecoder(
            vocabulary: Self.letters, lexicon: Lexicon(["a", "cat", "sat", "kate"]))
        #expect(withWords(Self.unclear).text == "a cat sat")
        let hot = try CTCBeamDecoder(
            vocabulary: Self.letters, hotWords: [HotWord("cat", boost: 2)])
        #expect(hot(Self.unclear).text == "a cat sat")
        // A longer word lends, and takes back.
        let other = try CTCBeamDecoder(
            vocabulary: Self.letters, hotWords: [HotWord("cats", boost: 2)])
        #expect(other(Self.unclear).text == "a kat sat")
        let plain = try CTCBeamDecoder(vocabulary: Self.letters)
        // Not quite equal, because the loan changes what the beam drops.
        expectClose(
            other(Self.unclear).score, plain(Self.unclear).score, within: 0.05, "taken back")
    }

    @Test func aLastWordThatIsNoneIsLeftOut() throws {
        let decoder = try CTCBeamDecoder(
            vocabulary: Self.letters, lexicon: Lexicon(["hello", "world"]))
        // So sure that nothing else can be heard.
        #expect(decoder(Self.rows("hello wor", probability: 0.99999)).text == "hello")
        #expect(decoder(Self.rows("hell", probability: 0.99999)).text.isEmpty)
        #expect(decoder(Self.rows("hello world")).text == "hello world")
    }

    @Test func specialTokensAreNotRecognisedAndTagsAreNoText() throws {
        let vocabulary = DecoderVocabulary(
            tokens: ["<pad>", "<unk>", "[deu]", "|", "a", "b"], blank: 0, delimiter: 3,
            ignored: [1], tags: [2])
        let rows = DecoderInput.spelled([2, 1, 4, 5, 3, 5], tokens: 6).flatMap { $0 }
        for found in [
            try CTCBeamDecoder(vocabulary: vocabulary)(rows),
            CTCGreedyDecoder(vocabulary, skipsSpecialTokens: true)(rows),
        ] {
            #expect(found.text == "ab b")
            #expect(found.words.map(\.text) == ["ab", "b"])
            #expect(found.tokens.first?.id == 2)
        }
    }

    @Test func hotWordsMustBeSpellable() {
        expectError(HotWordError.self, containing: ["'naïve'", "'ï'"]) {
            try CTCBeamDecoder(vocabulary: Self.letters, hotWords: [HotWord("naïve")])
        }
        expectError(HotWordError.self, containing: ["expected a word"]) {
            try CTCBeamDecoder(vocabulary: Self.letters, hotWords: [HotWord(" ")])
        }
    }

    @Test func capitalsAreComparedInLowerCase() throws {
        let tokenizer = try withTemporaryDirectory { folder in
            try #"{"<pad>": 0, "<unk>": 1, "|": 2, "C": 3, "A": 4, "T": 5, "K": 6}"#.write(
                to: folder.appendingPathComponent("vocab.json"), atomically: true, encoding: .utf8)
            try #"{"do_lower_case": true}"#.write(
                to: folder.appendingPathComponent("tokenizer_config.json"), atomically: true,
                encoding: .utf8)
            return try #require(try CTCTokenizer(folder: folder))
        }
        let vocabulary = DecoderVocabulary(tokenizer, size: 7)
        #expect(vocabulary.words == .delimited)
        let decoder = try CTCBeamDecoder(
            vocabulary: vocabulary, lexicon: Lexicon(["cat"]), hotWords: [HotWord("cat", boost: 1)])
        let rows = DecoderInput.spelled([6, 4, 5], tokens: 7, probability: 0.4).flatMap { $0 }
        #expect(decoder(rows).text == "cat")
        #expect(decoder(rows).words.map(\.text) == ["cat"])
    }
}
