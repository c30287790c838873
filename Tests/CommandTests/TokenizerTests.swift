import Foundation
import SpeechCore
import TestSupport
import Testing

extension Commands {
    @Suite("colld tokenizer") struct TokenizerTests {
        private static let english = [
            "the sea shells", "the quick brown fox", "she sells sea shells by the sea shore",
            "the fox jumps over the river", "shells and shores",
        ]
        private static let german = [
            "der Fluß am Ufer", "der schnelle Fuchs", "die Müllerin am Fluß", "ein Fuchs x",
        ]

        private func manifest(_ folder: URL) throws -> String {
            let texts =
                Self.english.map { ($0, "eng") } + Self.german.map { ($0, "deu") }
                + [("da да", "deu")]
            let lines = texts.enumerated().map { index, text in
                """
                {"id": "\(index)", "audio_filepath": "\(index).wav", "duration": 2, \
                "text": "\(text.0)", "lang": "\(text.1)", "target_text": "Satz \(index % 3) mit \
                Wörtern", "target_lang": "deu"}
                """
            }
            let url = folder.appendingPathComponent("m.jsonl")
            try lines.map { $0 + "\n" }.joined().write(to: url, atomically: true, encoding: .utf8)
            return url.path
        }

        private func train(
            _ folder: URL, _ arguments: [String], exits status: Int32 = 0,
            saying fragments: [String] = []
        ) throws -> CommandResult {
            try expectColld(
                ["tokenizer", "train", "--train", manifest(folder), "--output"]
                    + [folder.appendingPathComponent("out").path] + arguments,
                exits: status, saying: fragments)
        }

        @Test("characters with tags, and a report")
        func characters() throws {
            try withTemporaryDirectory { folder in
                let result = try train(
                    folder,
                    ["--type", "char", "--language-tags", "--lower-case", "--min-count", "2"])
                #expect(result.output.contains("tokens (char)"))
                #expect(result.output.contains("tags: [deu] [eng]"))
                #expect(result.output.contains("of the script Cyrl"), "\(result.output)")
                #expect(result.output.contains("left out"))
                let out = folder.appendingPathComponent("out")
                let tokenizer = try #require(try CTCTokenizer(folder: out))
                #expect(tokenizer.languageTags == ["deu": 3, "eng": 4])
                let labels = try tokenizer.labels(of: "THE SEA", language: "eng")
                #expect(tokenizer.decode(labels).text == "[eng]the sea")
                try expectColld(
                    ["tokenizer", "train", "--type", "char", "--text", "x", "--output", out.path],
                    exits: 2, saying: [out.path])
            }
        }

        @Test("sub-words for CTC and for a decoder", arguments: ["unigram", "bpe"])
        func subwords(_ kind: String) throws {
            try withTemporaryDirectory { folder in
                let json = try train(
                    folder,
                    [
                        "--type", kind, "--vocab-size", "50", "--language-tags", "--json",
                        "--normalization", "nfkc",
                    ]
                ).json()
                #expect(json["tokens"] as? Int == 50)
                #expect(json["type"] as? String == kind)
                #expect(json["language_tags"] as? [String] == ["deu", "eng"])
                let coverage = try #require(json["coverage"] as? [[String: Any]])
                #expect(coverage.map { $0["language"] as? String } == ["deu", "eng"])
                #expect(coverage.allSatisfy { $0["covered_share"] as? Double == 1 })
                let out = folder.appendingPathComponent("out")
                let tokenizer = try #require(try CTCTokenizer(folder: out))
                let labels = try tokenizer.labels(of: "the sea shells", language: "eng")
                #expect(tokenizer.decode(labels, skipsSpecialTokens: true).text == "the sea shells")
                #expect(labels.count < 13)
            }
            try withTemporaryDirectory { folder in
                _ = try train(
                    folder,
                    [
                        "--type", "bpe", "--vocab-size", "300", "--task",
                        "translation", "--byte-fallback",
                    ])
                let tokenizer = try #require(
                    try SubwordTokenizer(folder: folder.appendingPathComponent("out")))
                #expect(tokenizer.use == .translation)
                let text = "Satz 1 mit Wörtern 😀"
                #expect(tokenizer.decode(tokenizer.encode(text)) == text)
            }
        }

        @Test("bad input is named")
        func badInput() throws {
            try withTemporaryDirectory { folder in
                _ = try train(
                    folder, ["--type", "unigram", "--vocab-size", "5000"], exits: 2,
                    saying: ["m.jsonl", "Vocabulary size"])
                _ = try train(
                    folder, ["--type", "char", "--languages", "eng,fra"], exits: 2,
                    saying: ["m.jsonl", "'fra'", "found text in eng"])
                let text = folder.appendingPathComponent("t.txt")
                try Data([0x61, 0x0A, 0xFF, 0x0A]).write(to: text)
                let flags = ["tokenizer", "train", "--type", "bpe", "--text", text.path]
                try expectColld(
                    flags + ["--output", "o"], exits: 2, saying: ["t.txt:2", "UTF-8"])
                try Data("\n \n".utf8).write(to: text)
                try expectColld(
                    flags + ["--output", "o"], exits: 2, saying: ["t.txt", "expected text"])
                try expectColld(
                    flags + ["--output", "o", "--language-tags"], exits: 2, saying: ["t.txt"])
                #expect(
                    !FileManager.default.fileExists(
                        atPath: folder.appendingPathComponent("out").path))
            }
        }
    }
}
