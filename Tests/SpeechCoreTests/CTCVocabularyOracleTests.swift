import Foundation
import SpeechCore
import TestSupport
import Testing

/// `Wav2Vec2CTCTokenizer` reads what is written and makes the same ids and texts of it.
@Suite struct CTCVocabularyOracleTests {
    private static let script = """
        import json, os, random, sys
        os.environ["HF_HUB_OFFLINE"] = "1"
        os.environ["TRANSFORMERS_VERBOSITY"] = "error"
        from transformers import AutoTokenizer, Wav2Vec2CTCTokenizer
        chance = random.Random(3)
        report = {}
        for folder in sys.argv[1:]:
            one = Wav2Vec2CTCTokenizer.from_pretrained(folder)
            again = folder + "/again"
            one.save_pretrained(again)
            json.dump({"model_type": "wav2vec2"}, open(again + "/config.json", "w"))
            for own in (one, AutoTokenizer.from_pretrained(again)):
                assert type(own) is Wav2Vec2CTCTokenizer
                vocabulary = json.load(open(folder + "/vocab.json"))
                # Nothing is added behind the vocabulary.
                assert len(own) == len(vocabulary) == own.vocab_size, (len(own), len(vocabulary))
                assert own.pad_token_id == 0 and own.unk_token_id == 1
                assert own.bos_token is None and own.eos_token is None
            texts = json.load(open(folder + "/texts.json"))
            pool = list(vocabulary) + [" ", " ", "Q"]
            texts += ["".join(chance.choices(pool, k=chance.randint(0, 25))) for _ in range(60)]
            ids = [[i for i in (chance.randrange(len(vocabulary)) for _ in range(20))
                    for _ in range(chance.choice([1, 2]))] for _ in range(60)]
            report[folder] = {
                "encoded": [[t, own(t).input_ids] for t in texts],
                "decoded": [own.decode(i) for i in ids], "ids": ids,
                # Merged here first: transformers drops special tokens before it merges.
                "plain": [own.decode([a for a, b in zip(i, [-1] + i) if a != b],
                                     skip_special_tokens=True, group_tokens=False) for i in ids]}
        print(json.dumps(report))
        """

    private struct Report: Decodable {
        enum Field: Decodable {
            case text(String)
            case ids([Int])

            init(from decoder: any Decoder) throws {
                let container = try decoder.singleValueContainer()
                if let text = try? container.decode(String.self) {
                    self = .text(text)
                } else {
                    self = .ids(try container.decode([Int].self))
                }
            }
        }
        let encoded: [[Field]]
        let decoded, plain: [String]
        let ids: [[Int]]
    }

    private static let texts: [TextCorpus.Text] = [
        .init("Hello, [world]! It's fine", language: "eng"),
        .init("Grüße aus Köln ß", language: "deu"),
        .init("नमस्ते दुनिया कि", language: "hin"),
        .init("สวัสดีครับ น้ำ", language: "tha"),
        .init("你好，世界。ｶﾀ", language: "zho"),
        .init("مرحبا بِكُم", language: "ara"),
    ]

    @Test(.enabled(if: PythonOracle.isThere)) func transformersReadsTheFiles() throws {
        try withTemporaryDirectory { root in
            var tokenizers: [String: CTCTokenizer] = [:]
            for (index, hasTags) in [(0, false), (1, true)] {
                let vocabulary = try CTCVocabulary.build(
                    .init(
                        preparation: .init(normalization: .nfkc, lowersCase: true),
                        hasLanguageTags: hasTags), from: TextCorpus(Self.texts))
                let folder = root.appendingPathComponent("\(index)")
                try vocabulary.write(to: folder)
                let texts = Self.texts.map { text in
                    let tag = hasTags ? CTCVocabulary.tag(ofLanguage: text.language ?? "") : ""
                    return tag + vocabulary.settings.preparation(text.text ?? "")
                }
                try JSONEncoder().encode(texts)
                    .write(to: folder.appendingPathComponent("texts.json"))
                tokenizers[folder.path] = try CTCTokenizer(folder: folder)
                for text in Self.texts where hasTags {
                    let labels = try #require(
                        try tokenizers[folder.path]?
                            .labels(of: text.text ?? "", language: text.language))
                    #expect(!labels.contains(1))
                    #expect(tokenizers[folder.path]?.language(ofTag: labels[0]) == text.language)
                }
            }
            let data = try PythonOracle.run(Self.script, tokenizers.keys.sorted())
            let reports = try JSONDecoder().decode([String: Report].self, from: data)
            #expect(reports.count == 2)
            for (folder, report) in reports {
                let tokenizer = try #require(tokenizers[folder])
                for pair in report.encoded {
                    guard case .text(let text) = pair[0], case .ids(let ids) = pair[1] else {
                        Issue.record("\(pair)")
                        continue
                    }
                    #expect(try tokenizer.encode(text) == ids, "\(text)")
                }
                for (index, ids) in report.ids.enumerated() {
                    #expect(
                        Array(tokenizer.decode(ids).text.unicodeScalars)
                            == Array(report.decoded[index].unicodeScalars))
                    #expect(
                        Array(tokenizer.decode(ids, skipsSpecialTokens: true).text.unicodeScalars)
                            == Array(report.plain[index].unicodeScalars))
                }
            }
        }
    }
}
