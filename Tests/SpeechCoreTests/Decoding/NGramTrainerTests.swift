import Foundation
import SpeechCore
import TestSupport
import Testing

/// Training beside a computation by dictionaries that follows the definition word by word.
@Suite struct NGramTrainerTests {
    private func train(_ sentences: [String], _ settings: NGramTrainer.Settings, gz: Bool = false)
        throws -> (model: NGramModel, estimate: NGramEstimate)
    {
        var trainer = try NGramTrainer(settings)
        for sentence in sentences { try trainer.add(sentence) }
        let estimate = try trainer.estimate()
        return try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent(gz ? "lm.arpa.gz" : "lm.arpa")
            try estimate.write(to: url)
            return (try NGramModel(path: url.path, unit: settings.unit), estimate)
        }
    }

    private func settings(
        order: Int, prune: [Int] = [0], unit: NGramModel.Unit = .word
    ) -> NGramTrainer.Settings {
        var settings = NGramTrainer.Settings()
        settings.order = order
        settings.prune = prune
        settings.unit = unit
        return settings
    }

    /// Sentences of a few hundred words, most of them rare.
    private func corpus(_ sentences: Int, seed: UInt64) -> [String] {
        var random = SeededGenerator(seed: seed)
        return (0..<sentences).map { _ in
            (0..<1 + random.uniform(below: 12)).map { _ in
                "w\(Int(pow(200, random.uniform())) + random.uniform(below: 3))"
            }.joined(separator: " ")
        }
    }

    @Test func byHand() throws {
        let (model, estimate) = try train(["a b"], settings(order: 2))
        // Too few n-grams for discounts of their own: 0.5 from every count, which is 1.
        #expect(estimate.discounts.allSatisfy { $0.isFallback })
        #expect(estimate.counts == [5, 3])
        // Three continuations; a quarter of the half that is left for each of a, b, </s>, <unk>.
        let unigram = 0.5 / 3 + 0.5 / 4
        func p(_ word: String, _ context: String...) -> Double {
            exp(model.logProbability(of: word, after: context))
        }
        expectClose(p("a"), unigram, within: 1e-7)
        expectClose(p("<unk>"), 0.125, within: 1e-7)
        expectClose(p("a", "<s>"), 0.5 + 0.5 * unigram, within: 1e-7)
        expectClose(p("b", "<s>"), 0.5 * unigram, within: 1e-7)
        expectClose(p("b", "b"), 0.5 * unigram, within: 1e-7)
    }

    /// Interpolated modified Kneser–Ney by its definition.
    private struct Definition {
        let order: Int
        var counts: [[String]: Int] = [:]
        var vocabulary: Set<String> = ["</s>", "<unk>"]

        init(_ sentences: [String], order: Int) {
            self.order = order
            var raw: [[String]: Int] = [:]
            for sentence in sentences {
                let words = ["<s>"] + sentence.split(separator: " ").map(String.init) + ["</s>"]
                vocabulary.formUnion(words.dropFirst())
                for length in 1...order where words.count >= length {
                    for start in 0...words.count - length {
                        raw[Array(words[start..<start + length]), default: 0] += 1
                    }
                }
            }
            for (ngram, count) in raw where ngram != ["<s>"] {
                if ngram.count == order || ngram[0] == "<s>" { counts[ngram] = count }
            }
            for ngram in raw.keys where ngram.count > 1 && ngram[1] != "<s>" {
                let rest = Array(ngram.dropFirst())
                counts[rest, default: 0] += 1
            }
        }

        func discount(_ length: Int, _ count: Int) -> Double {
            func n(_ wanted: Int) -> Double {
                Double(counts.count { $0.key.count == length && $0.value == wanted })
            }
            let y = n(1) / (n(1) + 2 * n(2))
            let k = Double(min(count, 3))
            return k - (k + 1) * y * n(min(count, 3) + 1) / n(min(count, 3))
        }

        func probability(_ word: String, _ context: [String], _ d: [[Double]]) -> Double {
            let lower =
                context.isEmpty
                ? 1 / Double(vocabulary.count)
                : probability(word, Array(context.dropFirst()), d)
            let next = counts.filter {
                $0.key.count == context.count + 1 && Array($0.key.dropLast()) == context
            }
            guard !next.isEmpty else { return lower }
            let total = Double(next.values.reduce(0, +))
            let taken = next.values.reduce(0.0) { $0 + d[context.count][min($1, 3) - 1] }
            let count = next[context + [word]] ?? 0
            let own = count == 0 ? 0 : Double(count) - d[context.count][min(count, 3) - 1]
            return own / total + taken / total * lower
        }
    }

    @Test(arguments: [1, 2, 3, 4]) func equalsTheDefinition(_ order: Int) throws {
        let once = corpus(120, seed: 3)
        // Some again, so that longer n-grams are not all rare.
        let sentences = once + once.prefix(45) + once.prefix(15) + once.prefix(4)
        let (model, estimate) = try train(sentences, settings(order: order))
        let definition = Definition(sentences, order: order)
        try #require(estimate.discounts.allSatisfy { !$0.isFallback })
        let discounts = (1...order).map { length in
            (1...3).map { definition.discount(length, $0) }
        }
        for (found, expected) in zip(estimate.discounts, discounts) {
            expectClose(found.values, expected, within: 1e-12)
        }
        var random = SeededGenerator(seed: 4)
        for _ in 0..<60 {
            let words =
                ["<s>"]
                + sentences[random.uniform(below: 120)].split(separator: " ").map(String.init)
                + ["</s>"]
            let end = 1 + random.uniform(below: words.count - 1)
            let context = Array(words[max(0, end - order + 1)..<end])
            // What occurs, and what does not.
            for word in [words[end], "w1", "w5", "</s>", "<unk>"] {
                expectClose(
                    exp(model.logProbability(of: word, after: context)),
                    definition.probability(word, context, discounts), within: 2e-7,
                    "\(word) after \(context)")
            }
        }
    }

    @Test(
        arguments: [
            (1, [0]), (2, [0]), (3, [0, 0, 1]), (3, [0, 1]), (4, [0, 0, 1, 2]), (6, [0, 0, 1]),
        ])
    func everyContextSumsToOne(_ order: Int, _ prune: [Int]) throws {
        let sentences = corpus(300, seed: 8)
        let (model, estimate) = try train(sentences, settings(order: order, prune: prune))
        #expect(estimate.counts == model.counts)
        let predicted = model.words.filter { $0 != "<s>" }
        var random = SeededGenerator(seed: 9)
        for round in 0..<40 {
            let words =
                ["<s>"]
                + sentences[random.uniform(below: 300)].split(separator: " ").map(String.init)
            let end = random.uniform(below: words.count + 1)
            var context = Array(words.prefix(end).suffix(order))
            if round.isMultiple(of: 5) { context.append("never") }
            let sum = predicted.reduce(0.0) {
                $0 + exp(model.logProbability(of: $1, after: context))
            }
            expectClose(sum, 1, within: 1e-6, "\(context)")
        }
    }

    @Test func pruningLeavesOutWhatIsRare() throws {
        let sentences = ["a b c", "a b c", "a b d", "x y"]
        let all = try train(sentences, settings(order: 3)).estimate
        let (model, pruned) = try train(sentences, settings(order: 3, prune: [0, 0, 1]))
        // <s> a b, a b c, b c </s> occur more than once; a b d, b d </s>, <s> x y, x y </s> do not.
        #expect(all.counts[2] == 7)
        #expect(pruned.counts[2] == 3)
        #expect(Array(pruned.counts.prefix(2)) == Array(all.counts.prefix(2)))
        #expect(model.order == 3)
    }

    @Test func charactersAndGzip() throws {
        let (model, estimate) = try train(
            ["ab ba", "aab"], settings(order: 3, unit: .character), gz: true)
        #expect(model.unit == .character)
        #expect(Set(model.words) == ["<unk>", "<s>", "</s>", "a", "b", "<space>"])
        #expect(estimate.counts[0] == 6)
        var total = NGramModel.Perplexity()
        model.score("ab a", into: &total)
        #expect(total.units == 4 && total.unknownUnits == 0)
    }

    @Test func wrongSettingsAndTextsAreRefused() throws {
        for (order, prune, key) in [
            (0, [0], "order"), (7, [0], "order"), (3, [1], "prune"), (3, [0, 2, 1], "prune"),
            (2, [0, 0, 0], "prune"), (2, [], "prune"),
        ] {
            expectError(NGramError.self, containing: [key]) {
                try NGramTrainer(settings(order: order, prune: prune))
            }
        }
        expectError(NGramError.self, containing: ["at least one word"]) {
            try NGramTrainer(settings(order: 2)).estimate()
        }
        try withTemporaryDirectory { folder in
            let path = folder.appendingPathComponent("x.txt").path
            try "a b\n\na </s> b\n".write(toFile: path, atomically: true, encoding: .utf8)
            var trainer = try NGramTrainer(settings(order: 2))
            expectError(NGramError.self, containing: ["x.txt:3", "'</s>'"]) {
                try trainer.add(path: path)
            }
            try Data([0x61, 0x0A, 0xFF]).write(to: URL(fileURLWithPath: path))
            expectError(ManifestError.self, containing: ["x.txt:2", "UTF-8"]) {
                try trainer.add(path: path)
            }
        }
    }
}
