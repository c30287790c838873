import FileMutation
import Foundation
import SpeechCore
import TestSupport
import Testing

@Suite struct NGramModelTests {
    private static let arpa = """
        a comment
        \\data\\
        ngram 1=5
        ngram 2=3

        \\1-grams:
        -1.0\t<unk>
        -99\t<s>\t-0.5
        -0.8\t</s>
        -0.6\ta\t-0.25
        -0.7\tb\t-0.125

        \\2-grams:
        -0.1\t<s> a
        -0.2\ta b
        -0.3\tb </s>

        \\end\\
        """

    @Test func readsProbabilitiesAndBackoff() throws {
        let model = try DecoderInput.model(Self.arpa, unit: .word)
        #expect(model.order == 2)
        #expect(model.counts == [5, 3])
        func log10(_ word: String, _ context: String...) -> Double {
            model.logProbability(of: word, after: context) / log(10)
        }
        expectClose(log10("a", "<s>"), -0.1, within: 1e-6)
        expectClose(log10("b", "<s>"), -0.5 - 0.7, within: 1e-6)
        expectClose(log10("b", "<s>", "a"), -0.2, within: 1e-6)
        expectClose(log10("a", "b"), -0.125 - 0.6, within: 1e-6)
        expectClose(log10("never", "a"), -0.25 - 1, within: 1e-6)
        expectClose(log10("a", "never"), -0.6, within: 1e-6)
        var total = NGramModel.Perplexity()
        model.score("a b", into: &total)
        model.score("", into: &total)
        expectClose(total.logProbability / log(10), -0.6, within: 1e-6)
        expectClose(total.perplexity, pow(10, 0.2), within: 1e-6)
        #expect(total.units == 2 && total.sentences == 1 && total.unknownUnits == 0)
    }

    @Test(arguments: 1...6) func everyQueryIsThatOfTheDefinition(_ order: Int) throws {
        var random = SeededGenerator(seed: UInt64(order), stream: 7)
        let words = ["a", "bb", "ccc", "d"]
        // Few n-grams, so that many endings are missing.
        let arpa = DecoderInput.arpa(
            words, order: order, share: order > 4 ? 0.35 : 0.5, &random)
        let model = try DecoderInput.model(arpa)
        let reference = ReferenceNGrams(arpa)
        #expect(model.order == order)
        for _ in 0..<300 {
            let text = (0..<8).map { _ in (words + ["other"])[random.uniform(below: 5)] }
            var total = NGramModel.Perplexity()
            model.score(text.joined(separator: " "), into: &total)
            let expected = reference.score(text, order: order)
            expectClose(total.logProbability, expected.logProbability, within: 1e-4)
            #expect(total.unknownUnits == expected.unknown)
            expectClose(
                model.logProbability(of: text[7], after: Array(text.prefix(7))),
                reference.logProbability(
                    text[7] == "other" ? "<unk>" : text[7],
                    after: text.prefix(7).suffix(order - 1).map { $0 == "other" ? "<unk>" : $0 }),
                within: 1e-4)
        }
    }

    @Test func modelsOfCharactersAreRecognised() throws {
        let unigrams = { (words: [String]) in
            "\\data\\\nngram 1=\(words.count)\n\\1-grams:\n"
                + words.map { "-1\t\($0)\n" }.joined() + "\\end\\\n"
        }
        #expect(try DecoderInput.model(unigrams(["<s>", "a", "é", "<space>"])).unit == .character)
        #expect(try DecoderInput.model(unigrams(["<s>", "a", "bc"])).unit == .word)
        // Without <unk> there is one that is next to impossible.
        let model = try DecoderInput.model(unigrams(["a"]))
        expectClose(model.logProbability(of: "z", after: []), -100 * log(10), within: 1e-3)
        #expect(NGramModel.Unit.character.units(of: " ab  c ") == ["a", "b", "<space>", "c"])
        #expect(NGramModel.Unit.word.units(of: " ab  c\t") == ["ab", "c"])
    }

    @Test(
        arguments: [
            ("-0.3\tb </s>\n", "", ["x.arpa:17", "expected 3 2-grams", "found 2"]),
            ("ngram 2=3", "ngram 2=2", ["x.arpa:16", "expected 2 2-grams", "found more"]),
            ("ngram 1=5", "ngram 1=6", ["x.arpa:13", "expected 6 1-grams", "found 5"]),
            ("ngram 2=3", "ngram 3=3", ["x.arpa:4", "ngram 2="]),
            ("ngram 2=3", "ngram 2=x", ["x.arpa:4", "ngram 2="]),
            ("\\2-grams:", "\\3-grams:", ["x.arpa:13", "\\2-grams:"]),
            ("\\data\\", "data", ["\\data\\", "end of the file"]),
            ("\\end\\", "", ["end of the file"]),
            ("-0.2\ta b", "-0.2\ta z", ["x.arpa:15", "words of the 1-grams", "'z'"]),
            ("-0.2\ta b", "0.2\ta b", ["x.arpa:15", "at most 0", "0.2"]),
            ("-0.2\ta b", "-0.2x\ta b", ["x.arpa:15", "a number", "'-0.2x'"]),
            ("-0.2\ta b", "nan\ta b", ["x.arpa:15", "a number"]),
            ("-0.2\ta b", "-0.2\ta", ["x.arpa:15", "2 words"]),
            ("-0.2\ta b", "-0.2\ta b\t-0.1", ["x.arpa:15", "2 words"]),
            ("-0.2\ta b", "-0.2\t<s> a", ["x.arpa:15", "each n-gram once", "'<s> a'"]),
            ("-0.7\tb", "-0.7\ta", ["x.arpa:11", "each n-gram once"]),
        ])
    func wrongFilesAreRefused(_ old: String, _ new: String, _ fragments: [String]) throws {
        let text = Self.arpa.replacing(old, with: new)
        try #require(text != Self.arpa)
        try withTemporaryDirectory { folder in
            let path = folder.appendingPathComponent("x.arpa").path
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
            let error = expectError(NGramError.self, containing: fragments) {
                try NGramModel(path: path)
            }
            #expect(error?.exitStatus == .badInput)
        }
    }

    @Test func contextsMustBeThere() {
        let text = """
            \\data\\
            ngram 1=2
            ngram 2=1
            ngram 3=1
            \\1-grams:
            -1\ta
            -1\tb
            \\2-grams:
            -1\ta b
            \\3-grams:
            -1\tb a b
            \\end\\
            """
        expectError(NGramError.self, containing: [":11", "'b a'", "2-grams"]) {
            try DecoderInput.model(text)
        }
    }

    /// Damaged files are refused or read, and nothing worse.
    @Test func damagedFiles() throws {
        var random = SeededGenerator(seed: 11)
        let bytes = Array(Self.arpa.utf8)
        var accepted = 0
        for _ in 0..<1500 {
            var mutant = bytes
            for _ in 0...random.uniform(below: 3) {
                let place = random.uniform(below: mutant.count)
                switch random.uniform(below: 3) {
                case 0: mutant[place] = bytes[random.uniform(below: bytes.count)]
                case 1: mutant.remove(at: place)
                default: mutant.insert(UInt8(random.uniform(below: 256)), at: place)
                }
            }
            let text = String(decoding: mutant, as: UTF8.self)
            do {
                let model = try DecoderInput.model(text)
                accepted += 1
                #expect(!model.logProbability(of: "b", after: ["<s>", "a"]).isNaN)
            } catch is NGramError {}
        }
        #expect((100..<1400).contains(accepted), "\(accepted)")
    }

    @Test func gzipIsRead() throws {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("x.arpa.gz")
            try Data(GzipBytes.stored(Array(Self.arpa.utf8))).write(to: url)
            #expect(try NGramModel(path: url.path).counts == [5, 3])
        }
    }
}
