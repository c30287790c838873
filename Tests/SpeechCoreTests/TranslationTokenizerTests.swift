import Foundation
import SpeechCore
import TestSupport
import Testing

/// Tokenizers of text decoders beside those of `transformers`.
@Suite struct TranslationTokenizerTests {
    private func write(_ files: [String: String], _ model: String, to folder: URL) throws {
        for (name, text) in files {
            try text.write(
                to: folder.appendingPathComponent(name), atomically: true, encoding: .utf8)
        }
        try FileManager.default.copyItem(
            at: Fixtures.url("sentencepiece/\(model).model"),
            to: folder.appendingPathComponent("sentencepiece.bpe.model"))
    }

    /// Ids that no file gives follow the pieces.
    @Test func countsFromTheLists() throws {
        try withTemporaryDirectory { folder in
            let config = """
                {"tokenizer_class": "MBart50TokenizerFast",
                 "additional_special_tokens": ["ar_AR", {"content": "en_XX"}]}
                """
            try write(["tokenizer_config.json": config], "unigram", to: folder)
            let tokenizer = try #require(try TranslationTokenizer(folder: folder))
            let pieces = tokenizer.model.count
            #expect(tokenizer.kind == .mbart50)
            #expect(tokenizer.languages == ["ar_AR": pieces + 1, "en_XX": pieces + 2])
            #expect(tokenizer.count == pieces + 3)
            #expect(tokenizer.start == 0 && tokenizer.padding == 1)
            #expect(tokenizer.end == 2 && tokenizer.unknown == 3)
            let own = tokenizer.model.encode("the sea 😀")
            let ids = try tokenizer.labels(of: "the sea 😀", language: "en_XX")
            #expect(ids == [pieces + 2] + own.map { $0 == 0 ? 3 : $0 + 1 } + [2])
            #expect(
                tokenizer.decode(try tokenizer.labels(of: "the sea", language: "ar_AR"))
                    == "the sea")
            #expect(tokenizer.encode("the</s>") == tokenizer.encode("the") + [2])
            expectError(CTCTokenizerError.self, containing: ["ar_AR, en_XX", "'xx'"]) {
                try tokenizer.labels(of: "a", language: "xx")
            }
        }
    }

    @Test func readsWhatWasTrainedHere() throws {
        try withTemporaryDirectory { folder in
            let model = try Data(contentsOf: Fixtures.url("sentencepiece/labels_unigram.model"))
            try SubwordVocabulary(
                modelFile: model, preparation: .init(normalization: .nfc, lowersCase: true),
                languages: ["deu", "eng"], use: .translation
            ).write(to: folder)
            let tokenizer = try #require(try TranslationTokenizer(folder: folder))
            #expect(tokenizer.kind == .own && tokenizer.count == tokenizer.model.count)
            let labels = try tokenizer.labels(of: "The Sea", language: "eng")
            #expect(labels.first == 5 && labels.last == 3)
            #expect(tokenizer.decode(labels) == "the sea")
        }
    }

    @Test func namesWhatIsWrong() throws {
        try withTemporaryDirectory { folder in
            try write(
                ["tokenizer_config.json": #"{"tokenizer_class": "NllbTokenizer"}"#], "bpe",
                to: folder)
            expectError(JSONFileError.self, containing: ["additional_special_tokens"]) {
                try TranslationTokenizer(folder: folder)
            }
            try #"{"tokenizer_class": "M2M100Tokenizer"}"#.write(
                to: folder.appendingPathComponent("tokenizer_config.json"), atomically: true,
                encoding: .utf8)
            expectError(FileSystemError.self, containing: ["vocab.json"]) {
                try TranslationTokenizer(folder: folder)
            }
            try #"{"<s>": 0, "<pad>": 1, "</s>": 2}"#.write(
                to: folder.appendingPathComponent("vocab.json"), atomically: true, encoding: .utf8)
            expectError(JSONFileError.self, containing: ["vocab.json", "<unk>"]) {
                try TranslationTokenizer(folder: folder)
            }
            try #"{"tokenizer_class": "T5Tokenizer"}"#.write(
                to: folder.appendingPathComponent("tokenizer_config.json"), atomically: true,
                encoding: .utf8)
            #expect(try TranslationTokenizer(folder: folder) == nil)
        }
    }

    private static let script = """
        import io, json, os, random, shutil, sys
        os.environ["HF_HUB_OFFLINE"] = "1"
        os.environ["TRANSFORMERS_VERBOSITY"] = "error"
        import sentencepiece
        from transformers import M2M100Tokenizer, MBart50Tokenizer, MBartTokenizer, NllbTokenizer
        chance = random.Random(1)
        words = ["".join(chance.choices("abcdefghijklmnop äöü привет नमस्ते", k=chance.randint(1, 7))) for _ in range(300)]
        corpus = [" ".join(chance.choices(words, k=8)) for _ in range(1500)]
        texts = [" ".join(" ".join(chance.choices(words, k=chance.randint(1, 9))).split()) for _ in range(80)]
        texts += ["abc</s> def", "ﬁne ＡＢ", "Ħ a", "x😀😀y"]
        report = {}
        for kind, model_type, language in [
            (NllbTokenizer, "bpe", "deu_Latn"), (M2M100Tokenizer, "bpe", "de"),
            (MBart50Tokenizer, "unigram", "de_DE"),
        ]:
            folder = f"{sys.argv[1]}/{kind.__name__}"
            os.makedirs(folder)
            model = io.BytesIO()
            sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(corpus), model_writer=model, model_type=model_type,
                                                     vocab_size=250, hard_vocab_limit=False, character_coverage=1.0, minloglevel=2)
            open(folder + "/sentencepiece.bpe.model", "wb").write(model.getvalue())
            own = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
            settings = {}
            if kind is M2M100Tokenizer:
                vocabulary = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}
                for i in range(3, own.get_piece_size()):
                    vocabulary[own.id_to_piece(i)] = len(vocabulary)
                json.dump(vocabulary, open(folder + "/vocab.json", "w"))
            if kind is NllbTokenizer:
                settings["extra_special_tokens"] = ["ace_Latn", "deu_Latn", "eng_Latn", "hin_Deva", "zul_Latn"]
            tokenizer = kind.from_pretrained(folder, **settings)
            saved = folder + "/saved"
            tokenizer.save_pretrained(saved)
            shutil.copy(folder + "/sentencepiece.bpe.model", saved)
            tokenizer = kind.from_pretrained(saved, src_lang=language)
            ids = [tokenizer(text).input_ids for text in texts]
            report[saved] = {
                "language": language, "texts": texts, "ids": ids, "count": max(len(tokenizer), max(map(max, ids)) + 1)}
        print(json.dumps(report))
        """

    private struct Report: Decodable {
        let language: String
        let texts: [String]
        let ids: [[Int]]
        let count: Int
    }

    @Test(.enabled(if: PythonOracle.isThere)) func agreesWithTransformers() throws {
        try withTemporaryDirectory { root in
            let data = try PythonOracle.run(Self.script, [root.path])
            let reports = try JSONDecoder().decode([String: Report].self, from: data)
            #expect(reports.count == 3)
            for (path, report) in reports {
                let tokenizer = try #require(
                    try TranslationTokenizer(folder: URL(fileURLWithPath: path)))
                #expect(tokenizer.count >= report.count, "\(path)")
                for (text, ids) in zip(report.texts, report.ids) {
                    let labels = try tokenizer.labels(of: text, language: report.language)
                    #expect(labels == ids, "\(path) '\(text)'")
                }
            }
        }
    }
}
