import Foundation
import SpeechCore
import TestSupport
import Testing

/// The same text, ids and offsets as `transformers` for many vocabularies.
@Suite struct CTCTokenizerOracleTests {
    private static let script = """
        import json, os, random, sys
        os.environ["HF_HUB_OFFLINE"] = "1"
        os.environ["TRANSFORMERS_VERBOSITY"] = "error"
        from transformers import Wav2Vec2CTCTokenizer
        folder, chance = sys.argv[1], random.Random(7)
        letters = list("ABCDEFGHIJKLMNOPQRSTUVWXYZ'ÄÖÜÉΣΑ") + ["SCH", "\\u0301", "ä", "ß", "ς"]
        usual = ["<pad>", "<s>", "</s>", "<unk>", "|"]
        brackets = ["[PAD]", "[UNK]", "|"]
        names = {"pad_token": "[PAD]", "unk_token": "[UNK]"}
        kinds = [
            (usual, {}, {}),
            (usual, {"do_lower_case": True}, {}),
            (usual, {"replace_word_delimiter_char": "_"}, {}),
            (usual, {"clean_up_tokenization_spaces": True}, {}),
            (brackets, names, {}),
            (brackets, {}, {"special_tokens_map.json": names | {"bos_token": {"content": "<s>"}}}),
            (["<pad>", "<unk>", " "], {"word_delimiter_token": " "}, {}),
            (["<pad>", "|"], {"bos_token": None}, {"added_tokens.json": {"<s>": 90, "</s>": 91}}),
        ]
        report = []
        for index, (specials, config, files) in enumerate(kinds):
            for nested in (False, True):
                place = f"{folder}/{index}{nested}"
                os.makedirs(place)
                some = chance.sample(letters, 20)
                vocabulary = {token: i for i, token in enumerate(specials + some)}
                others = {token: i for i, token in enumerate(specials + sorted(letters))}
                settings = {"tokenizer_class": "Wav2Vec2CTCTokenizer"} | config
                if nested:
                    settings["target_lang"] = "one"
                    vocabulary, flat = {"one": vocabulary, "other": others}, vocabulary
                else:
                    flat = vocabulary
                for name, value in (files | {"vocab.json": vocabulary, "config.json": {},
                                             "tokenizer_config.json": settings}).items():
                    json.dump(value, open(f"{place}/{name}", "w"))
                own = Wav2Vec2CTCTokenizer.from_pretrained(place)
                if index % 2:  # as transformers itself writes the files
                    own.save_pretrained(place)
                    own = Wav2Vec2CTCTokenizer.from_pretrained(place)
                pool = list(flat) + [" ", " ", "x", "3", "SC", "  "]
                texts = ["".join(chance.choices(pool, k=chance.randint(0, 30))) for _ in range(40)]
                if "[UNK]" not in flat and "<unk>" not in flat:
                    texts = []
                paths = [[chance.choice([0, chance.randrange(len(flat) + 4), chance.randrange(6)])
                          for _ in range(chance.randint(0, 40))] for _ in range(40)]
                decoded = []
                for path in paths:
                    path = [i for i in path for _ in range(chance.choice([1, 1, 2, 3]))]
                    out = own.decode(path, output_char_offsets=True, output_word_offsets=True)
                    span = lambda key, o: [o[key], int(o["start_offset"]), int(o["end_offset"])]
                    decoded.append({
                        "ids": path, "text": out.text,
                        "chars": [span("char", o) for o in out.char_offsets],
                        "words": [span("word", o) for o in out.word_offsets]})
                report.append({
                    "folder": place, "decoded": decoded,
                    "encoded": [{"text": t, "ids": own(t).input_ids} for t in texts]})
        json.dump(report, open(f"{folder}/report.json", "w"))
        """

    private struct Report: Decodable {
        struct Encoded: Decodable {
            let text: String
            let ids: [Int]
        }
        struct Decoded: Decodable {
            let ids: [Int]
            let text: String
            let chars: [Span]
            let words: [Span]
        }
        struct Span: Decodable, Equatable {
            let text: String
            let start, end: Int

            init(_ span: CTCTokenizer.Span) {
                (text, start, end) = (span.text, span.start, span.end)
            }

            init(from decoder: any Decoder) throws {
                var list = try decoder.unkeyedContainer()
                text = try list.decode(String.self)
                start = try list.decode(Int.self)
                end = try list.decode(Int.self)
            }
        }
        let folder: String
        let encoded: [Encoded]
        let decoded: [Decoded]
    }

    @Test(.enabled(if: PythonOracle.isThere)) func agreesWithTransformers() throws {
        try withTemporaryDirectory { folder in
            try PythonOracle.run(Self.script, [folder.path])
            let url = folder.appendingPathComponent("report.json")
            let reports = try JSONDecoder().decode([Report].self, from: Data(contentsOf: url))
            #expect(reports.count == 16)
            for report in reports {
                let tokenizer = try #require(
                    try CTCTokenizer(ModelDirectory(report.folder)), "\(report.folder)")
                for text in report.encoded {
                    #expect(try tokenizer.encode(text.text) == text.ids, "\(text.text)")
                }
                for path in report.decoded {
                    let found = tokenizer.decode(path.ids)
                    #expect(
                        Array(found.text.unicodeScalars) == Array(path.text.unicodeScalars),
                        "\(report.folder) \(path.ids)")
                    #expect(found.characters.map(Report.Span.init) == path.chars)
                    #expect(found.words.map(Report.Span.init) == path.words)
                }
            }
        }
    }
}
