import Foundation
import SpeechCore
import TestSupport
import Testing

/// Vocabularies counted from texts, and the files they are written to.
@Suite struct CTCVocabularyTests {
    private func build(
        _ texts: [TextCorpus.Text], _ settings: CTCVocabulary.Settings = .init(),
        languages: [String]? = nil
    ) throws -> CTCVocabulary {
        try CTCVocabulary.build(settings, from: TextCorpus(texts), languages: languages)
    }

    private func reread(_ vocabulary: CTCVocabulary) throws -> CTCTokenizer {
        try withTemporaryDirectory { folder in
            try vocabulary.write(to: folder)
            return try #require(try CTCTokenizer(folder: folder))
        }
    }

    @Test func countsCharacters() throws {
        let vocabulary = try build([
            .init("ab a|b", language: "eng"), .init("bé\u{301}", language: "fra"), .init(nil),
            .init(" \t", language: "eng"),
        ])
        #expect(
            vocabulary.tokens.map { Array($0.unicodeScalars) }
                == ["<pad>", "<unk>", "|", "a", "b", "\u{e9}", "\u{301}"]
                .map { Array($0.unicodeScalars) })
        let english = vocabulary.coverage[0]
        #expect(english.language == "eng" && english.texts == 1 && english.emptyTexts == 1)
        #expect(english.characters == 4 && english.coveredShare == 1)
        #expect(english.kept.map(\.count) == [2, 2])
        #expect(vocabulary.coverage.map(\.language) == ["eng", "fra", nil])
        #expect(vocabulary.coverage[2].emptyTexts == 1)
    }

    /// Rare characters go; the report says which, and how many texts they leave incomplete.
    @Test func leavesOutWhatIsRare() throws {
        let texts: [TextCorpus.Text] = [
            .init("aaaa bbb", language: "eng"), .init("aaçç", language: "eng"),
            .init("ç\u{7}", language: "fra"),
        ]
        let counted = try build(texts, .init(minimumCount: 4))
        #expect(counted.tokens.suffix(1) == ["a"])
        let english = counted.coverage[0]
        #expect(english.leftOut.map(\.codePoint) == ["U+0062", "U+00E7"])
        #expect(english.leftOut.map(\.count) == [3, 2])
        #expect(english.coveredShare == 6.0 / 11 && english.textsWithUnknown == 2)
        // Six of eleven, then nine: the bell is a control character.
        let shared = try build(texts, .init(characterCoverage: 0.6))
        #expect(shared.tokens.suffix(3) == ["a", "b", "ç"])
        #expect(shared.coverage[1].leftOut.map(\.codePoint) == ["U+0007"])
        expectError(VocabularyError.self, containing: ["at least 99", "6 times"]) {
            try build(texts, .init(minimumCount: 99))
        }
    }

    @Test func findsScriptsThatLookWrong() throws {
        let coverage = try build([
            .init("привет cат", language: "ru"), .init("नमस्ते", language: "hin"),
            .init("x", language: "zzz"),
        ]).coverage
        #expect(coverage.map(\.language) == ["hin", "ru", "zzz"])
        #expect(coverage[0].foreignScripts.isEmpty && coverage[0].hasKnownScripts)
        #expect(coverage[1].foreignScripts.map(\.script) == [.latin])
        #expect(coverage[1].foreignScripts.map(\.count) == [1])
        #expect(coverage[1].foreignScripts[0].share == 1.0 / 9)
        #expect(!coverage[2].hasKnownScripts && coverage[2].foreignScripts.isEmpty)
    }

    /// Marks stay where there is no single character for them.
    @Test func preparesTexts() {
        let nfkc = TextPreparation(normalization: .nfkc, lowersCase: true)
        #expect(nfkc(" ＡB\u{3000}\tﬁ\n") == "ab fi")
        #expect(Array(nfkc("E\u{301}").unicodeScalars) == ["\u{e9}"])
        #expect(
            Array(TextPreparation(normalization: .nfc)("ก\u{e48}").unicodeScalars)
                == ["ก", "\u{e48}"])
        #expect(TextPreparation(lowersCase: true)("ΟΔΟΣ ΣΑ") == "οδος σα")
        #expect(
            Array(TextPreparation()("e\u{301}").unicodeScalars) == ["e", "\u{301}"])
    }

    @Test func tagsLanguages() throws {
        let texts: [TextCorpus.Text] = [
            .init("Hallo", language: "deu"), .init("Hello", language: "eng"),
        ]
        let settings = CTCVocabulary.Settings(
            preparation: .init(normalization: .nfc, lowersCase: true), hasLanguageTags: true)
        let vocabulary = try build(texts, settings)
        #expect(vocabulary.languages == ["deu", "eng"])
        #expect(vocabulary.tokens.prefix(6) == ["<pad>", "<unk>", "|", "[deu]", "[eng]", "a"])
        let tokenizer = try reread(vocabulary)
        #expect(tokenizer.vocabulary.map(\.token) == vocabulary.tokens)
        #expect(tokenizer.blank == 0 && tokenizer.unknown == 1)
        #expect(tokenizer.languageTags == ["deu": 3, "eng": 4])
        #expect(tokenizer.language(ofTag: 4) == "eng" && tokenizer.language(ofTag: 5) == nil)
        #expect(tokenizer.preparation == settings.preparation)
        // a e h l o
        #expect(
            try tokenizer.labels(of: " HELLO  ola ", language: "eng") == [
                4, 7, 6, 8, 8, 9, 2, 9, 8, 5,
            ])
        #expect(try tokenizer.encode("[deu] hallo") == [3, 7, 5, 8, 8, 9])
        #expect(tokenizer.decode([0, 4, 4, 0, 7, 7, 6]).text == "[eng]he")
        #expect(tokenizer.decode([4, 7, 6], skipsSpecialTokens: true).text == "he")
        #expect(try tokenizer.labels(of: "", language: "deu") == [3])
        expectError(CTCTokenizerError.self, containing: ["deu, eng", "'fra'"]) {
            try tokenizer.labels(of: "a", language: "fra")
        }
        expectError(CTCTokenizerError.self, containing: ["<pad>", "he<pad>"]) {
            try tokenizer.labels(of: "he<pad>", language: "deu")
        }
        expectError(VocabularyError.self, containing: ["expected a language", "1 text"]) {
            try build(texts + [.init("x")], settings)
        }
        expectError(VocabularyError.self, containing: ["'a b'"]) {
            try build([.init("x", language: "a b")], settings)
        }
    }

    /// From manifests and text files, for chosen languages.
    @Test func readsFiles() throws {
        try withTemporaryDirectory { folder in
            let manifest = folder.appendingPathComponent("m.jsonl")
            try """
            {"id": "a", "audio_filepath": "a.wav", "duration": 1, "text": "ab", "lang": "eng"}
            {"id": "b", "audio_filepath": "b.wav", "duration": 1, "text": "cd", "lang": "fra",
             "target_text": "xy", "target_lang": "eng"}
            """.replacingOccurrences(of: ",\n ", with: ", ")
                .write(to: manifest, atomically: true, encoding: .utf8)
            let lines = folder.appendingPathComponent("t.txt")
            try Data("é\r\n\nz".utf8).write(to: lines)
            func tokens(_ corpus: TextCorpus) throws -> [String] {
                Array(try CTCVocabulary.build(from: corpus).tokens.dropFirst(3))
            }
            #expect(
                try tokens(TextCorpus(manifests: [manifest], files: [lines]))
                    == ["a", "b", "c", "d", "z", "é"])
            #expect(
                try tokens(TextCorpus(manifests: [manifest], languages: ["fra"])) == ["c", "d"])
            #expect(
                try tokens(TextCorpus(manifests: [manifest], takesTranslations: true))
                    == ["x", "y"])
            expectError(VocabularyError.self, containing: ["m.jsonl", "'deu'", "in eng, fra"]) {
                try CTCVocabulary.build(
                    from: TextCorpus(manifests: [manifest]), languages: ["eng", "deu"])
            }
            try Data("a\n\u{e9}\n".unicodeScalars.map { UInt8($0.value) }).write(to: lines)
            expectError(ManifestError.self, containing: ["t.txt", "2", "UTF-8"]) {
                try tokens(TextCorpus(manifests: [], files: [lines]))
            }
            try Data("{}\n".utf8).write(to: manifest)
            expectError(ManifestError.self, containing: ["m.jsonl:1"]) {
                try tokens(TextCorpus(manifests: [manifest]))
            }
        }
        expectError(VocabularyError.self, containing: ["expected text", "none"]) {
            try build([.init("  "), .init(nil)])
        }
    }
}
