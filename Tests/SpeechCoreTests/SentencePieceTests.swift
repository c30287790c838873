import FileMutation
import Foundation
import SpeechCore
import TestSupport
import Testing

/// Models of SentencePiece and what its library makes of texts with them.
@Suite struct SentencePieceTests {
    struct Reference: Decodable {
        struct Text: Decodable {
            let text: String
            let ids: [Int]
            let pieces: [String]
            let decoded: String
        }
        struct Path: Decodable {
            let ids: [Int]
            let decoded: String
        }
        let size: Int
        let unk: Int
        let texts: [Text]
        let paths: [Path]

        /// Compares a model with what the library says.
        func check(_ model: SentencePieceModel, _ name: String) {
            #expect(model.count == size && model.unknown == unk, "\(name)")
            for text in texts {
                #expect(model.encode(text.text) == text.ids, "\(name): '\(text.text)'")
                #expect(
                    model.encodePieces(text.text).map { Array($0.utf8) }
                        == text.pieces.map { Array($0.utf8) }, "\(name): '\(text.text)'")
                #expect(
                    Array(model.decode(text.ids).utf8) == Array(text.decoded.utf8),
                    "\(name): '\(text.text)'")
            }
            for path in paths {
                #expect(
                    Array(model.decode(path.ids).utf8) == Array(path.decoded.utf8),
                    "\(name): \(path.ids)")
            }
        }
    }

    private static let folder = Fixtures.url("sentencepiece")

    private func model(_ name: String) throws -> SentencePieceModel {
        try SentencePieceModel(path: Self.folder.appendingPathComponent("\(name).model").path)
    }

    @Test func equalsTheReference() throws {
        let references = try JSONDecoder().decode(
            [String: Reference].self,
            from: Data(contentsOf: Self.folder.appendingPathComponent("expected.json")))
        #expect(references.count == 9)
        for (name, reference) in references { reference.check(try model(name), name) }
    }

    @Test func knowsItsPieces() throws {
        let unigram = try model("unigram")
        #expect(unigram.kind == .unigram && !unigram.hasByteFallback)
        #expect(unigram.pieces.prefix(3).map(\.text) == ["<unk>", "<s>", "</s>"])
        #expect(unigram.pieces.prefix(3).map(\.kind) == [.unknown, .control, .control])
        let tag = try #require(unigram.id(of: "[eng]"))
        #expect(unigram.pieces[tag].kind == .control)
        // Control symbols are in no text.
        #expect(!unigram.encode("[eng]").contains(tag))
        #expect(unigram.id(of: "nothing like it") == nil)
        let seg = try #require(unigram.id(of: "<seg>"))
        #expect(unigram.encode("a<seg>b").filter { $0 == seg }.count == 1)
        let bpe = try model("bpe")
        #expect(bpe.kind == .bpe && bpe.hasByteFallback)
        #expect(bpe.decode(bpe.encode("😀 Ħ")) == "😀 Ħ")
        // Nobody's ids are unknown ones.
        #expect(bpe.decode([-1, 100_000]) == " \u{2047}  \u{2047} ")
        #expect(try model("characters").kind == .characters)
    }

    /// Half a character's bytes are no text.
    @Test func replacesDamagedBytes() throws {
        let bpe = try model("bpe")
        let ids = bpe.encode("😀")
        #expect(ids.count == 5)
        #expect(bpe.decode(Array(ids.prefix(3))) == "\u{FFFD}\u{FFFD}")
        #expect(bpe.decode(Array(ids.suffix(1)) + ids) == "\u{FFFD} 😀")
    }

    @Test func namesWhatIsWrong() throws {
        let good = try Data(contentsOf: Self.folder.appendingPathComponent("unigram.model"))
        func expect(_ bytes: [UInt8], _ fragments: String...) {
            expectError(SentencePieceError.self, containing: ["x.model"] + fragments) {
                try SentencePieceModel(bytes: bytes, path: "x.model")
            }
        }
        expect([], "an unknown piece")
        expect(Array("<html>".utf8), "byte 0")
        expect(Array(good.dropLast(40)), "length")
        let unknown = SentencePieceBytes.piece("<unk>", 2)
        expect(unknown + unknown, "piece 1", "a text of its own")
        expect(unknown + SentencePieceBytes.piece("<u>", 2), "piece 1", "one unknown piece")
        expect(unknown + SentencePieceBytes.piece("", 1), "piece 1", "a text")
        expect(unknown + SentencePieceBytes.piece("a", 9), "piece 1", "from 1 to 6", "9")
        expect(unknown + SentencePieceBytes.piece("a", 1, score: .nan), "piece 1", "finite")
        expect(unknown + SentencePieceBytes.piece("<0x0A>", 6), "piece 1", "no byte")
        expect(
            unknown + SentencePieceBytes.piece("<0x0A>", 6) + [0x12, 3, 0x98, 0x02, 1], "256 bytes",
            "1")
        expect(unknown + [0x12, 2, 0x18, 3], "model_type", "3")
        expect(unknown + [0x1A, 4, 0x12, 2, 0, 0], "precompiled_charsmap")
        expect(unknown + [0x1A, 6, 0x12, 4, 8, 0, 0, 0], "precompiled_charsmap", "8")
        expectError(FileSystemError.self, containing: ["nothing.model"]) {
            try SentencePieceModel(path: "/nowhere/nothing.model")
        }
    }

    private static let script = """
        import io, json, random, sys
        import sentencepiece
        chance = random.Random(5)
        ranges = [(97, 122), (65, 90), (0xC0, 0x17F), (0x400, 0x45F), (0x905, 0x94D), (0xE01, 0xE3A),
                  (0x4E00, 0x4E40), (0xAC00, 0xAC30), (0x627, 0x652), (0xFF01, 0xFF5E), (0x300, 0x310)]
        def word(k):
            low, high = k
            return "".join(chr(chance.randint(low, high)) for _ in range(chance.randint(1, 7)))
        words = [word(chance.choice(ranges)) for _ in range(400)]
        def sentence(words):
            return " ".join(chance.choices(words, weights=[1 / (i + 1) for i in range(len(words))], k=chance.randint(1, 12)))
        corpus = [sentence(words) for _ in range(3000)]
        odd = ["😀", "\\u200d", "\\u00a0", "\\u3000", "\\ufb01", "\\u2581", "\\t", "½", "㍿", "\\u0301", "<mask>", "ſ", "ا\\u0651", "\\u1112\\u1161"]
        texts = [sentence(words) for _ in range(120)]
        texts += ["".join(chance.choices(odd + [" ", "  "] + words[:40], k=chance.randint(1, 15))) for _ in range(120)]
        texts += ["".join(chr(chance.choice([chance.randrange(32, 0xD800), chance.randrange(0xE000, 0x1FFFF)])) for _ in range(30)) for _ in range(60)]
        report = {}
        for index, settings in enumerate([
            dict(model_type="unigram", vocab_size=900, user_defined_symbols=["<mask>"]),
            dict(model_type="unigram", vocab_size=900, byte_fallback=True, normalization_rule_name="nmt_nfkc_cf"),
            dict(model_type="unigram", vocab_size=1000, normalization_rule_name="nfkc", remove_extra_whitespaces=False),
            dict(model_type="bpe", vocab_size=1200),
            dict(model_type="bpe", vocab_size=1500, byte_fallback=True, normalization_rule_name="nfkc_cf",
                 add_dummy_prefix=False, split_digits=True, pad_id=3),
            dict(model_type="char", vocab_size=500, normalization_rule_name="nfkc"),
        ]):
            model = io.BytesIO()
            sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(corpus), model_writer=model,
                character_coverage=0.99, hard_vocab_limit=False, minloglevel=2, **settings)
            path = f"{sys.argv[1]}/{index}.model"
            open(path, "wb").write(model.getvalue())
            own = sentencepiece.SentencePieceProcessor(path)
            paths = [[chance.randrange(own.get_piece_size()) for _ in range(12)] for _ in range(40)]
            report[path] = {"size": own.get_piece_size(), "unk": own.unk_id(),
                "texts": [{"text": t, "ids": own.encode(t), "pieces": own.encode(t, out_type=str),
                           "decoded": own.decode(own.encode(t))} for t in texts],
                "paths": [{"ids": p, "decoded": own.decode(p)} for p in paths]}
        json.dump(report, open(sys.argv[1] + "/report.json", "w"))
        """

    /// Models with the library's rules, on texts of any characters.
    @Test(.enabled(if: PythonOracle.isThere)) func agreesWithTheLibrary() throws {
        try withTemporaryDirectory { folder in
            try PythonOracle.run(Self.script, [folder.path])
            let url = folder.appendingPathComponent("report.json")
            let references = try JSONDecoder().decode(
                [String: Reference].self, from: Data(contentsOf: url))
            #expect(references.count == 6)
            for (path, reference) in references {
                reference.check(
                    try SentencePieceModel(path: path), String(path.suffix(7)))
            }
        }
    }
}
