import Foundation
import TestSupport
import Testing

extension Commands {
    @Suite("colld lm") struct LMTests {
        private static let text = """
            the cat sat on the mat
            the dog sat on the cat

            a cat and a dog
            """

        @Test("trains a model that predicts its text, compressed or not")
        func train() throws {
            try withTemporaryDirectory { folder in
                let text = folder.appendingPathComponent("text.txt").path
                try Self.text.write(toFile: text, atomically: true, encoding: .utf8)
                var perplexities: [Double] = []
                for name in ["lm.arpa", "lm.arpa.gz"] {
                    let output = folder.appendingPathComponent(name).path
                    let report = try expectColld(
                        [
                            "lm", "train", "--text", text, "--output", output, "--order", "2",
                            "--json",
                        ],
                        exits: 0
                    ).json()
                    #expect(report["sentences"] as? Int == 3)
                    #expect(report["units"] as? Int == 17)
                    let start = try Data(contentsOf: URL(fileURLWithPath: output)).prefix(6)
                    #expect((start == Data("\\data\\".utf8)) == (name == "lm.arpa"))
                    let figures = try expectColld(
                        ["lm", "perplexity", "--model", output, "--text", text, "--json"], exits: 0
                    ).json()
                    #expect(figures["unknown_units"] as? Int == 0)
                    perplexities.append(try #require(figures["perplexity"] as? Double))
                }
                #expect(perplexities[0] == perplexities[1])
                #expect((1..<10).contains(perplexities[0]))
                let shown = try expectColld(
                    ["lm", "train", "--text", text, "--output", text + ".arpa"], exits: 0)
                #expect(shown.output.contains("too little text"))
            }
        }

        @Test("refuses what is no text and what is no model")
        func refusals() throws {
            try withTemporaryDirectory { folder in
                let text = folder.appendingPathComponent("text.txt").path
                let output = folder.appendingPathComponent("lm.arpa").path
                try "a b\na <s> b\n".write(toFile: text, atomically: true, encoding: .utf8)
                try expectColld(
                    ["lm", "train", "--text", text, "--output", output], exits: 2,
                    saying: ["text.txt:2", "<s>"])
                try "\n".write(toFile: text, atomically: true, encoding: .utf8)
                try expectColld(
                    ["lm", "train", "--text", text, "--output", output], exits: 2,
                    saying: ["text.txt", "at least one word"])
                #expect(!FileManager.default.fileExists(atPath: output))
                try "\\data\\\nngram 1=2\n\\1-grams:\n-1\ta\n\\end\\\n".write(
                    toFile: output, atomically: true, encoding: .utf8)
                try expectColld(
                    ["lm", "perplexity", "--model", output, "--text", text], exits: 2,
                    saying: ["lm.arpa:5", "expected 2 1-grams", "found 1"])
            }
        }

        @Test("times beam search")
        func benchmark() throws {
            let result = try expectColld(
                [
                    "benchmark", "decode", "--seconds", "2", "--beam", "8", "--ngrams", "2000",
                    "--json",
                ], exits: 0
            ).json()
            #expect(try #require(result["beam_audio_seconds_per_second"] as? Double) > 0)
            #expect((result["ngrams"] as? [Int])?.count == 3)
        }
    }
}
