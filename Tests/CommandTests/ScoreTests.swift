import Foundation
import TestSupport
import Testing

extension Commands {
    @Suite("score") struct ScoreTests {
        /// Writes files of lines and gives their paths by name.
        private func withFiles<R>(
            _ files: [String: String], _ body: ((String) -> String) throws -> R
        ) throws -> R {
            try withTemporaryDirectory { folder in
                for (name, text) in files {
                    try Data(text.utf8).write(to: folder.appendingPathComponent(name))
                }
                return try body { folder.appendingPathComponent($0).path }
            }
        }

        private static let files = [
            "ref": "The cat sat on the mat.\nHello, world!\n今日は雨が降る\n",
            "hyp": "the cat sat on mat\nHello world\n今日は雨が降った\n",
            "second": "a dog sat\nbye world\n明日は雨\n",
            "lang": "eng\neng\njpn\n",
        ]

        @Test("prints the lines of jiwer and sacreBLEU")
        func lines() throws {
            try withFiles(Self.files) { path in
                let output = try expectColld(
                    [
                        "score", "--metric", "wer,BLEU", "--metric", "chrf++", "--tokenize", "13a",
                        "--references", path("ref"), "--hypotheses", path("hyp"), "--width", "2",
                    ], exits: 0
                ).output
                let lines = output.split(separator: "\n")
                #expect(lines.count == 3, "\(output)")
                #expect(
                    lines[0].hasPrefix(
                        "WER|nrefs:1|unit:word|norm:none|like:jiwer-4.0.0 = 66.67 "
                            + "(wer = 0.6666666666666666 substitutions = 5 deletions = 1 "))
                #expect(
                    lines[1].hasPrefix(
                        "BLEU|nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0 = "))
                #expect(
                    lines[2].hasPrefix(
                        "chrF2++|nrefs:1|case:mixed|eff:yes|nc:6|nw:2|space:no|version:2.6.0 = "))
            }
        }

        @Test("shows languages, raw and normalised figures, the worst lines and a second system")
        func report() throws {
            try withFiles(Self.files) { path in
                let arguments = [
                    "score", "--references", path("ref"), "--hypotheses", path("hyp"),
                    "--languages", path("lang"), "--normalize", "--worst", "2", "--segments",
                    "--compare", path("second"), "--samples", "50", "--bootstrap", "20",
                ]
                let text = try expectColld(arguments, exits: 0).output
                for part in [
                    "language", "WER norm.", "eng", "jpn *", "micro", "macro", "read CER",
                    "paired bootstrap resampling with 50 trials", "utterance 1 (eng): WER 16.7",
                    "REF: the cat sat on the mat\nHYP: the cat sat on *** mat\n",
                ] {
                    #expect(text.contains(part), "\(part) in \(text)")
                }
                let json = try expectColld(arguments + ["--json"], exits: 0).json()
                let languages = try #require(json["languages"] as? [[String: Any]])
                #expect(languages.map { $0["language"] as? String } == ["eng", "jpn"])
                let scores = try #require(languages[0]["scores"] as? [[String: Any]])
                #expect(
                    scores.map { $0["form"] as? String } == [
                        "raw", "raw", "normalized", "normalized",
                    ])
                #expect(scores[2]["value"] as? Double == 0.125)
                let comparisons = try #require(json["comparisons"] as? [[String: Any]])
                #expect(comparisons.count == 4)
                #expect(comparisons.allSatisfy { $0["p_value"] is Double })
            }
        }

        @Test("reads standard input and several references")
        func standardInput() throws {
            try withFiles(["a": "eins zwei\n", "b": "ein zwei\n"]) { path in
                let result = try runColld(
                    [
                        "score", "--metric", "bleu", "--references", path("a"), "--references",
                        path("b"), "--hypotheses", "-", "--json",
                    ], input: "ein zwei")
                #expect(result.status == 0, "\(result.errors)")
                let total = try #require(try result.json()["total"] as? [String: Any])
                let score = try #require((total["scores"] as? [[String: Any]])?.first)
                #expect((score["signature"] as? String)?.hasPrefix("nrefs:2|") == true)
                let bleu = try #require(score["bleu"] as? [String: Any])
                #expect(bleu["counts"] as? [Int] == [2, 1, 0, 0])
            }
        }

        @Test("bad input is named by file and line")
        func badInput() throws {
            try withFiles(
                Self.files.merging([
                    "short": "a\nb\n", "empty": "a\n\nc\n", "codes": "eng\nenglisch\njpn\n",
                ]) { $1 }
            ) { path in
                func expect(_ arguments: [String], _ status: Int32, _ fragments: [String]) throws {
                    try expectColld(
                        ["score", "--references", path("ref")] + arguments, exits: status,
                        saying: fragments)
                }
                try expect(
                    ["--hypotheses", path("short")], 2, ["ref' has 3 lines", "short' has 2"])
                try expect(
                    ["--hypotheses", path("hyp"), "--languages", path("codes")], 2,
                    ["codes' line 2", "'englisch'"])
                try expect(
                    ["--hypotheses", path("hyp"), "--lang", "qqq"], 2, ["'qqq'", "qqq_Latn"])
                try expect(["--hypotheses", path("none")], 2, ["none"])
                try expect(
                    ["--hypotheses", path("hyp"), "--metric", "ter"], 64, ["ter", "chrf++"])
                try expect(
                    ["--hypotheses", "-", "--compare", "-"], 64, ["only one file"])
                try expectColld(
                    ["score", "--references", path("empty"), "--hypotheses", path("hyp")],
                    exits: 2, saying: ["empty' line 2", "at least one word"])
                try expectColld(
                    [
                        "score", "--references", path("empty"), "--hypotheses", path("hyp"),
                        "--allow-empty-references",
                    ], exits: 0)
                try expectColld(
                    [
                        "score", "--metric", "bleu", "--tokenize", "ja-mecab", "--references",
                        path("ref"), "--hypotheses", path("hyp"),
                    ], exits: 2, saying: ["MeCab", "apt-get install mecab"],
                    environment: ["PATH": "/nonexistent"])
                try expectColld(
                    [
                        "score", "--references", path("ref"), "--hypotheses", path("hyp"),
                        "--lang", "eng",
                    ], exits: 0, saying: ["warning: ", "written in another script, the first '3'"])
            }
        }
    }
}
