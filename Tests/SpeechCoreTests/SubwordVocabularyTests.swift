import Foundation
import SpeechCore
import TestSupport
import Testing

/// Folders of sub-word tokenizers, as we and `transformers` read them.
@Suite struct SubwordVocabularyTests {
    private static func vocabulary(
        _ name: String, _ use: SubwordVocabulary.Use, languages: [String] = [],
        _ preparation: TextPreparation = .init(normalization: .nfkc, lowersCase: true)
    ) throws -> SubwordVocabulary {
        let url = Fixtures.url("sentencepiece/\(name).model")
        return try SubwordVocabulary(
            modelFile: Data(contentsOf: url), preparation: preparation, languages: languages,
            use: use)
    }

    @Test func piecesAreLabels() throws {
        try withTemporaryDirectory { folder in
            let written = try Self.vocabulary(
                "labels_unigram", .ctc, languages: ["deu", "eng"], .init())
            try written.write(to: folder)
            let tokenizer = try #require(try CTCTokenizer(folder: folder))
            #expect(tokenizer.blank == 0 && tokenizer.unknown == 1)
            #expect(tokenizer.vocabulary.count == written.model.count)
            #expect(tokenizer.languageTags == ["deu": 4, "eng": 5])
            let labels = try tokenizer.labels(of: " the  sea shells", language: "eng")
            #expect(labels == [5] + written.model.encode("the sea shells"))
            // Two frames each, blanks between.
            let frames = labels.flatMap { [$0, $0, 0] }
            let transcript = tokenizer.decode(frames)
            #expect(transcript.text == "[eng] the sea shells")
            let plain = tokenizer.decode(frames, skipsSpecialTokens: true)
            #expect(plain.text == "the sea shells")
            #expect(plain.words.map(\.text) == ["the", "sea", "shells"])
            #expect(plain.words.first?.start == 3)
            #expect(plain.words.last?.end == frames.count - 1)
            #expect(tokenizer.charactersWithoutToken(in: "the Ħ sea") == ["Ħ"])
            expectError(CTCTokenizerError.self, containing: ["fra"]) {
                try CTCTokenizer(folder: folder, language: "fra")
            }
        }
    }

    @Test func piecesAreTokensOfADecoder() throws {
        try withTemporaryDirectory { folder in
            try Self.vocabulary("labels_bpe", .translation).write(to: folder)
            // It is none for frames.
            #expect(try CTCTokenizer(folder: folder) == nil)
            let tokenizer = try #require(try SubwordTokenizer(folder: folder))
            #expect(tokenizer.padding == 0 && tokenizer.start == 2 && tokenizer.end == 3)
            let ids = tokenizer.encode("Ｔhe 😀 SEA</s>shore")
            #expect(ids.contains(3))
            #expect(tokenizer.decode(ids) == "the 😀 sea</s> shore")
            #expect(tokenizer.decode(ids, skipsSpecialTokens: true) == "the 😀 sea shore")
        }
    }

    @Test func namesWhatIsWrong() throws {
        expectError(SentencePieceError.self, containing: ["piece 0", "<pad>"]) {
            try Self.vocabulary("unigram", .ctc)
        }
        expectError(SentencePieceError.self, containing: ["[fra]", "no such piece"]) {
            try Self.vocabulary("labels_unigram", .ctc, languages: ["fra"])
        }
        try withTemporaryDirectory { folder in
            try Self.vocabulary("labels_unigram", .ctc).write(to: folder)
            let config = folder.appendingPathComponent("tokenizer_config.json")
            let text = try String(contentsOf: config, encoding: .utf8)
            func rewrite(_ old: String, _ new: String) throws {
                try text.replacing(old, with: new)
                    .write(to: config, atomically: true, encoding: .utf8)
            }
            try rewrite("\"<pad>\"", "\"[PAD]\"")
            expectError(JSONFileError.self, containing: ["pad_token", "[PAD]"]) {
                try CTCTokenizer(folder: folder)
            }
            try rewrite("\"nfkc\"", "\"nfd\"")
            expectError(JSONFileError.self, containing: ["text_normalization", "nfkc", "nfd"]) {
                try CTCTokenizer(folder: folder)
            }
            try rewrite("ParakeetTokenizer", "T5Tokenizer")
            #expect(try CTCTokenizer(folder: folder) == nil)
        }
    }

    private static let script = """
        import json, os, random, sys
        os.environ["HF_HUB_OFFLINE"] = "1"
        os.environ["TRANSFORMERS_VERBOSITY"] = "error"
        from transformers import AutoTokenizer
        chance = random.Random(3)
        report = {}
        for folder in sys.argv[1:]:
            own = AutoTokenizer.from_pretrained(folder)
            config = json.load(open(folder + "/tokenizer_config.json"))
            assert type(own).__name__ in ("ParakeetTokenizer", "PreTrainedTokenizerFast", "TokenizersBackend")
            assert (config["tokenizer_class"] == "ParakeetTokenizer") == (type(own).__name__ == "ParakeetTokenizer")
            size = len(own)
            assert size == own.vocab_size and own.pad_token_id == 0 and own.unk_token_id == 1
            words = json.load(open(folder + "/words.json"))
            texts = [" ".join(chance.choices(words, k=chance.randint(1, 8))) for _ in range(60)]
            texts += ["", " ", "  a\\t b ", "Ħ ĦĦ q", "<s>the</s> sea", "the<pad>sea", "[eng]the", "😀"]
            ids = [[i for i in (chance.randrange(size) for _ in range(15)) for _ in range(chance.choice([1, 2]))]
                   for _ in range(60)]
            report[folder] = {
                "texts": texts, "encoded": [own(t).input_ids for t in texts], "ids": ids,
                "decoded": [own.decode(i) for i in ids],
                "plain": [own.decode([a for a, b in zip(i, [-1] + i) if a != b] if "Para" in type(own).__name__ else i,
                                     skip_special_tokens=True, **({"group_tokens": False} if "Para" in type(own).__name__ else {}))
                          for i in ids]}
        print(json.dumps(report))
        """

    private struct Report: Decodable {
        let texts: [String]
        let encoded: [[Int]]
        let ids: [[Int]]
        let decoded, plain: [String]
    }

    @Test(.enabled(if: PythonOracle.isThere)) func transformersReadsTheFiles() throws {
        let words =
            """
            the The sea shells river bank über Flußufer Müllerin ein Wille zorro ¿Qué mañana? chien à
            côté лиса прыгает золото, नमस्ते हिन्दी किताब สวัสดีครับ อากาศ 你好，世界。 天気 مرحبا السماء 안녕하세요
            1984 365! ﬁn ＡＢ e\u{301}cole
            """.split(whereSeparator: \.isWhitespace).map(String.init)
        try withTemporaryDirectory { root in
            var paths: [String] = []
            for (name, use, languages) in [
                ("labels_unigram", SubwordVocabulary.Use.ctc, ["deu", "eng"]),
                ("labels_bpe", .ctc, []), ("labels_unigram", .translation, ["deu", "eng"]),
                ("labels_bpe", .translation, []),
            ] {
                let folder = root.appendingPathComponent("\(paths.count)")
                try Self.vocabulary(name, use, languages: languages).write(to: folder)
                try JSONEncoder().encode(words)
                    .write(to: folder.appendingPathComponent("words.json"))
                paths.append(folder.path)
            }
            let data = try PythonOracle.run(Self.script, paths)
            let reports = try JSONDecoder().decode([String: Report].self, from: data)
            #expect(reports.count == 4)
            for (path, report) in reports {
                let folder = URL(fileURLWithPath: path)
                let tokenizer = try #require(try SubwordTokenizer(folder: folder))
                let isLabels = tokenizer.use == .ctc
                for (text, ids) in zip(report.texts, report.encoded) {
                    let end = isLabels ? [] : [tokenizer.end]
                    #expect(tokenizer.encode(text) + end == ids, "\(path) '\(text)'")
                }
                let labels = try CTCTokenizer(folder: folder)
                #expect((labels != nil) == isLabels)
                for (index, ids) in report.ids.enumerated() {
                    for skips in [false, true] {
                        let expected = skips ? report.plain[index] : report.decoded[index]
                        let found =
                            labels?.decode(ids, skipsSpecialTokens: skips).text
                            ?? tokenizer.decode(ids, skipsSpecialTokens: skips)
                        // Transcripts have no space at their ends, as Python takes space.
                        let text =
                            isLabels
                            ? expected.trimmingCharacters(
                                in: .whitespacesAndNewlines.union(
                                    CharacterSet(charactersIn: "\u{1C}"..."\u{1F}"))) : expected
                        #expect(Array(found.utf8) == Array(text.utf8), "\(path) \(ids)")
                    }
                }
            }
        }
    }
}
