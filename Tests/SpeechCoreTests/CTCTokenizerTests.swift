import Foundation
import SpeechCore
import TestSupport
import Testing

/// Text to tokens and back as the reference does it, from the files of a model.
@Suite struct CTCTokenizerTests {
    /// What `ctc.json` of a fixture says about one language.
    struct Reference: Decodable {
        struct Encoding: Decodable {
            let text: String
            let ids: [Int]
        }
        struct Decoding: Decodable {
            let ids: [Int]
            let text: String
            let chars: [CTCTokenizer.Span]

            enum CodingKeys: String, CodingKey { case ids, text, chars }

            init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: CodingKeys.self)
                ids = try container.decode([Int].self, forKey: .ids)
                text = try container.decode(String.self, forKey: .text)
                var list = try container.nestedUnkeyedContainer(forKey: .chars)
                var spans: [CTCTokenizer.Span] = []
                while !list.isAtEnd {
                    var entry = try list.nestedUnkeyedContainer()
                    spans.append(
                        .init(
                            text: try entry.decode(String.self), start: try entry.decode(Int.self),
                            end: try entry.decode(Int.self)))
                }
                chars = spans
            }
        }
        let encode: Encoding
        let greedy: [Decoding]
    }

    private func tokenizer(_ url: URL, _ language: String? = nil) throws -> CTCTokenizer {
        try #require(try CTCTokenizer(ModelDirectory(url.path), language: language))
    }

    /// Writes the files of a tokenizer beside an empty configuration.
    private func write(_ files: [String: String], to folder: URL) throws {
        for (name, text) in files.merging(["config.json": "{}"], uniquingKeysWith: { $1 }) {
            try text.write(
                to: folder.appendingPathComponent(name), atomically: true, encoding: .utf8)
        }
    }

    private func make(
        _ vocabulary: String, _ config: String = "{}", language: String? = nil,
        _ others: [String: String] = [:]
    ) throws -> CTCTokenizer {
        try withTemporaryDirectory { folder in
            let files = ["vocab.json": vocabulary, "tokenizer_config.json": config]
            try write(files.merging(others) { $1 }, to: folder)
            return try tokenizer(folder, language)
        }
    }

    @Test(
        arguments: [
            "wav2vec2_ctc", "wav2vec2_mms_ctc", "w2vbert_adapter_ctc", "store_safetensors_weight_g",
        ])
    func equalsTheReference(_ model: String) throws {
        let url = Fixtures.model(model)
        let references = try JSONDecoder().decode(
            [String: Reference].self,
            from: Data(contentsOf: url.appendingPathComponent("ctc.json")))
        for (language, reference) in references {
            let tokenizer = try tokenizer(url, references.count > 1 ? language : nil)
            #expect(tokenizer.language == (references.count > 1 ? language : nil))
            #expect(tokenizer.blank == 0)
            #expect(try tokenizer.encode(reference.encode.text) == reference.encode.ids)
            for greedy in reference.greedy {
                let transcript = tokenizer.decode(greedy.ids)
                #expect(transcript.text == greedy.text)
                #expect(transcript.characters == greedy.chars)
            }
        }
    }

    /// Without a language the files' own is taken.
    @Test func nestedVocabulariesHaveADefault() throws {
        let url = Fixtures.model("wav2vec2_mms_ctc")
        let tokenizer = try tokenizer(url)
        #expect(tokenizer.language == "eng")
        #expect(tokenizer.languages == ["eng", "fra"])
        #expect(tokenizer.vocabulary.count == 32)
        #expect(try self.tokenizer(url, "fra").vocabulary.count == 42)
        expectError(
            CTCTokenizerError.self, containing: ["vocab.json", "eng, fra", "'deu'"]
        ) { try CTCTokenizer(ModelDirectory(url.path), language: "deu") }
    }

    @Test func directoriesWithoutVocabularyHaveNoTokenizer() throws {
        #expect(try CTCTokenizer(ModelDirectory(Fixtures.model("w2vbert").path)) == nil)
    }

    private static let small =
        #"{"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 3, "|": 4, "A": 5, "B": 6}"#

    /// Repeated tokens are merged before blanks go, so that blanks keep double letters apart.
    @Test func mergesBeforeBlanksGo() throws {
        let tokenizer = try make(Self.small)
        #expect(tokenizer.decode([5, 5, 0, 5, 4, 4, 0, 4, 6, 6]).text == "AA  B")
        #expect(tokenizer.decode([5, 0, 5, 3, 3, 1]).text == "AA<unk><s>")
        #expect(tokenizer.decode([5, 0, 5, 3, 3, 1], skipsSpecialTokens: true).text == "AA")
        #expect(tokenizer.decode([]).text == "")
        #expect(tokenizer.decode([0, 0]).characters == [])
        // Ids of nobody are unknown tokens, and the same one.
        #expect(tokenizer.decode([70, 71, 3]).text == "<unk>")
    }

    /// Words are what stands between delimiters; the spaces at the ends are no words.
    @Test func findsWords() throws {
        let tokenizer = try make(Self.small)
        let transcript = tokenizer.decode([4, 5, 0, 5, 5, 4, 0, 4, 6, 0, 0, 4])
        #expect(transcript.text == "AA  B")
        #expect(
            transcript.words == [
                .init(text: "AA", start: 1, end: 5), .init(text: "B", start: 8, end: 9),
            ])
        #expect(transcript.characters.map(\.text) == [" ", "A", "A", " ", " ", "B", " "])
    }

    @Test func encodesSpecialTokensAsAWhole() throws {
        let tokenizer = try make(Self.small)
        #expect(try tokenizer.encode("A B|A") == [5, 4, 6, 4, 5])
        // Space around them belongs to them.
        #expect(try tokenizer.encode("A <unk> B") == [5, 3, 6])
        #expect(try tokenizer.encode("a<pad>") == [3, 0])
        #expect(try tokenizer.encode("") == [])
        #expect(tokenizer.blank == 0 && tokenizer.unknown == 3)
    }

    /// A vocabulary of capitals for lower-case text.
    @Test func changesCase() throws {
        let tokenizer = try make(
            #"{"<pad>": 0, "<unk>": 1, "|": 2, "A": 3, "S": 4, "Σ": 5, "É": 6}"#,
            #"{"do_lower_case": true}"#)
        #expect(try tokenizer.encode("aßé") == [3, 4, 4, 6])
        #expect(tokenizer.decode([3, 5, 2, 5, 3, 5, 4]).text == "aς σaσs")
    }

    /// Letters and their decompositions are different tokens, also where Unicode takes them as equal.
    @Test func tellsSpellingsApart() throws {
        let tokenizer = try make(
            #"{"<pad>": 0, "<unk>": 1, "|": 2, "e": 3, "é": 4, "\u0301": 5, "Å": 6, "\u212b": 7}"#)
        #expect(tokenizer.vocabulary.count == 8)
        #expect(try tokenizer.encode("e\u{301}\u{e9}\u{c5}\u{212b}") == [3, 5, 4, 6, 7])
        let text = tokenizer.decode([3, 5, 4]).text
        #expect(Array(text.unicodeScalars) == ["e", "\u{301}", "\u{e9}"])
    }

    @Test func longTokensWinOverTheirParts() throws {
        let tokenizer = try make(
            #"{"<pad>": 0, "<unk>": 1, "|": 2, "s": 3, "c": 4, "h": 5, "sch": 6, "sc": 7}"#)
        #expect(try tokenizer.encode("schsc sh") == [6, 7, 3, 5])
    }

    /// Other names of special tokens, and tokens that older files keep in a file of their own.
    @Test func readsOlderFiles() throws {
        let tokenizer = try make(
            #"{"a": 0, "b": 1, "|": 2, "[UNK]": 3, "[PAD]": 4}"#,
            #"{"unk_token": "[UNK]", "pad_token": "<nothing>", "word_delimiter_token": "|"}"#,
            [
                "special_tokens_map.json": """
                {"pad_token": {"content": "[PAD]", "lstrip": false}, "bos_token": "<s>",
                 "additional_special_tokens": ["b"]}
                """,
                "added_tokens.json": #"{"<s>": 5, "</s>": 6}"#,
            ])
        #expect(tokenizer.blank == 4 && tokenizer.unknown == 3)
        #expect(tokenizer.text(of: 6) == "</s>")
        #expect(tokenizer.text(of: 7) == nil)
        #expect(tokenizer.vocabulary.map(\.id) == [0, 1, 2, 3, 4])
        let path = [0, 4, 0, 1, 5, 3]
        #expect(tokenizer.decode(path).text == "aab<s>[UNK]")
        #expect(tokenizer.decode(path, skipsSpecialTokens: true).text == "aa")
    }

    /// Special tokens that no file gives an id stand behind the vocabulary.
    @Test func numbersSpecialTokens() throws {
        let tokenizer = try make(#"{"a": 0, "<pad>": 1, "|": 2}"#)
        #expect((3...5).map { tokenizer.text(of: $0) } == ["<s>", "</s>", "<unk>"])
        #expect(tokenizer.unknown == 5)
        let none = try make(#"{"a": 0, "<pad>": 1, "|": 2}"#, #"{"unk_token": null}"#)
        #expect(none.unknown == nil)
        expectError(CTCTokenizerError.self, containing: ["vocab.json", "U+E9", "'é'"]) {
            try none.encode("aé")
        }
    }

    @Test func cleansUpSpaces() throws {
        let tokenizer = try make(
            #"{"<pad>": 0, "<unk>": 1, "|": 2, "i": 3, ",": 4, "'": 5, "m": 6}"#,
            #"{"clean_up_tokenization_spaces": true, "replace_word_delimiter_char": "_"}"#)
        #expect(tokenizer.decode([3, 2, 5, 6]).text == "i_'m")
        let spaces = try make(
            #"{"<pad>": 0, "<unk>": 1, "|": 2, "i": 3, ",": 4, "'": 5, "m": 6}"#,
            #"{"clean_up_tokenization_spaces": true}"#)
        #expect(spaces.decode([3, 2, 5, 6, 2, 4]).text == "i'm,")
    }

    @Test(
        arguments: [
            ("[]", "{}", ["vocab.json", "an object"]),
            (#"{"a": "b"}"#, "{}", ["vocab.json", "'a'", "a whole number", "\"b\""]),
            (#"{"a": -1}"#, "{}", ["'a'", "a whole number", "-1"]),
            (#"{"a": 1e9}"#, "{}", ["'a'", "a whole number"]),
            (#"{"a": null}"#, "{}", ["'a'", "an id"]),
            (#"{"a": 1, "b": 1}"#, "{}", ["'b'", "an id of its own", "'a'"]),
            (#"{"a": 1, "a": 2}"#, "{}", ["vocab.json", "\"a\" occurs twice"]),
            (#"{"eng": {"a": 1}, "b": 2}"#, #"{"target_lang": "b"}"#, ["an object", "'b'"]),
            (#"{"eng": {"a": 1}}"#, "{}", ["expected one of eng", "target_lang"]),
            (#"{"eng": {"a": 1}}"#, #"{"target_lang": "deu"}"#, ["expected one of eng", "deu"]),
            (#"{"a": 1}"#, #"{"pad_token": null}"#, ["tokenizer_config.json", "pad_token"]),
            (#"{"a": 1}"#, #"{"pad_token": 3}"#, ["pad_token", "a text", "3"]),
            (#"{"a": 1}"#, #"{"do_lower_case": "x"}"#, ["do_lower_case", "true or false"]),
            (#"{"a": 1}"#, #"{"added_tokens_decoder": {"x": {}}}"#, ["added_tokens_decoder.x"]),
            (#"{"a": 1}"#, #"{"added_tokens_decoder": []}"#, ["added_tokens_decoder", "an array"]),
            (
                #"{"a": 1}"#, #"{"tokenizer_class": "WhisperTokenizer"}"#,
                ["tokenizer_config.json", "Wav2Vec2CTCTokenizer", "WhisperTokenizer"]
            ),
            (#"{"a": 1"#, "{}", ["vocab.json", "line 1"]),
        ])
    func namesWhatIsWrong(_ vocabulary: String, _ config: String, _ fragments: [String]) throws {
        let error = #expect(throws: (any Error).self) { try make(vocabulary, config) }
        let reported = try #require(error as? any ReportedError)
        #expect(reported.exitStatus == .badInput)
        for fragment in fragments {
            #expect("\(reported)".contains(fragment), "\(reported)")
        }
    }

    @Test func flatVocabulariesHaveNoLanguages() throws {
        expectError(CTCTokenizerError.self, containing: ["vocab.json", "'fra'"]) {
            try make(Self.small, language: "fra")
        }
        let config = #"{"target_lang": "fra"}"#
        #expect(try make(Self.small, config, language: "fra").language == nil)
    }
}
