import Foundation
import SpeechCore
import Testing

/// An n-gram model as a dictionary, straight from the text of an ARPA file.
struct ReferenceNGrams {
    private(set) var entries: [[String]: (probability: Double, backoff: Double)] = [:]

    init(_ arpa: String) {
        for line in arpa.split(separator: "\n") {
            let fields = line.split(separator: "\t")
            guard fields.count >= 2, let probability = Double(fields[0]) else { continue }
            let words = fields[1].split(separator: " ").map(String.init)
            let backoff = fields.count > 2 ? Double(fields[2]) ?? .nan : 0
            entries[words] = (probability * log(10), backoff * log(10))
        }
    }

    func logProbability(_ word: String, after context: [String]) -> Double {
        if let entry = entries[context + [word]] { return entry.probability }
        if context.isEmpty { return entries[["<unk>"]]!.probability }
        let backoff = entries[context]?.backoff ?? 0
        return backoff + logProbability(word, after: Array(context.dropFirst()))
    }

    /// ln P of units and the end of the sentence, and the number of unknown ones.
    func score(_ units: [String], order: Int) -> (logProbability: Double, unknown: Int) {
        var history = ["<s>"]
        var sum = 0.0
        var unknown = 0
        for unit in units + ["</s>"] {
            let known = entries[[unit]] == nil ? "<unk>" : unit
            unknown += known == "<unk>" ? 1 : 0
            sum += logProbability(known, after: Array(history.suffix(order - 1)))
            history.append(known)
        }
        return (sum, unknown)
    }
}

/// The best texts by trying every path of one token a frame.
struct ReferenceSearch {
    let tokens: [String]
    var delimiter: Int?
    let words: DecoderVocabulary.Words
    let settings: CTCBeamDecoder.Settings
    var model: (ngrams: ReferenceNGrams, order: Int, unit: NGramModel.Unit)?
    var lexicon: Set<String>?
    var hotWords: [HotWord] = []

    /// ln P of every row of tokens; the blank is token 0.
    private func labels(_ rows: [[Float]]) -> [[Int]: Double] {
        var paths: [([Int], Double)] = [([], 0)]
        for row in rows {
            paths = paths.flatMap { path, score in
                row.indices.map { (path + [$0], score + Double(row[$0])) }
            }
        }
        var sums: [[Int]: Double] = [:]
        for (path, score) in paths {
            var labels: [Int] = []
            for (place, token) in path.enumerated()
            where token != 0 && (place == 0 || path[place - 1] != token) {
                if token == delimiter, labels.isEmpty || labels.last == delimiter { continue }
                labels.append(token)
            }
            if labels.last == delimiter, delimiter != nil { labels.removeLast() }
            sums[labels, default: 0] += exp(score)
        }
        return sums.mapValues { log($0) }
    }

    /// The words of a text, and whether a space is before each.
    private func spelled(_ labels: [Int]) -> [(word: String, isSpaced: Bool)] {
        var result: [(word: String, isSpaced: Bool)] = []
        var isNew = true
        for label in labels {
            if label == delimiter {
                isNew = true
                continue
            }
            let isMarked = words == .pieces && tokens[label].hasPrefix("▁")
            let text = isMarked ? String(tokens[label].dropFirst()) : tokens[label]
            if isNew || isMarked || words == .characters {
                result.append((text, (isNew || isMarked) && !result.isEmpty))
            } else {
                result[result.count - 1].word += text
            }
            isNew = false
        }
        return result
    }

    private func occurrences(of hotWord: String, in words: [(word: String, isSpaced: Bool)]) -> Int
    {
        var text = words.map { ($0.isSpaced ? " " : "") + $0.word }.joined()
        var pattern = hotWord
        if self.words != .characters { (text, pattern) = (" \(text) ", " \(pattern) ") }
        return text.indices.count { text[$0...].hasPrefix(pattern) }
    }

    /// Every text with the best score of all rows of tokens that spell it, the best first.
    func best(_ rows: [[Float]]) -> [(text: String, score: Double)] {
        var results: [String: Double] = [:]
        for (labels, acoustic) in labels(rows) where acoustic > -.infinity {
            let words = spelled(labels)
            if let lexicon, !words.allSatisfy({ lexicon.contains($0.word) }) { continue }
            var score = acoustic
            if let model {
                let units = words.flatMap { word, isSpaced -> [String] in
                    guard model.unit == .character else { return [word] }
                    return (isSpaced ? ["<space>"] : []) + word.map { String($0) }
                }
                let (value, unknown) = model.ngrams.score(units, order: model.order)
                score += settings.languageModelWeight * value
                score += settings.wordBonus * Double(words.count)
                let others = units.filter { model.ngrams.entries[[$0]] == nil }
                #expect(others.count == unknown)
                for unit in others {
                    score += settings.unknownWordPenalty * Double(unit.count + 6) / 12
                }
            }
            for word in hotWords {
                score += word.boost * Double(occurrences(of: word.text, in: words))
            }
            let text = words.map { ($0.isSpaced ? " " : "") + $0.word }.joined()
            results[text] = max(results[text] ?? -.infinity, score)
        }
        return results.sorted { ($0.value, $1.key) > ($1.value, $0.key) }
            .map { (text: $0.key, score: $0.value) }
    }
}

/// Inputs of decoders.
enum DecoderInput {
    /// Log-probabilities [T, V], the sharper the more they vary.
    static func random(
        frames: Int, tokens: Int, sharpness: Double, _ random: inout SeededGenerator
    ) -> [[Float]] {
        (0..<frames).map { _ in
            let logits = (0..<tokens).map { _ in random.uniform() * sharpness }
            let total = log(logits.reduce(0) { $0 + exp($1) })
            return logits.map { Float($0 - total) }
        }
    }

    /// Tokens one after another with blanks between them, each with a probability.
    static func spelled(
        _ ids: [Int], tokens: Int, blank: Int = 0, probability: Double = 0.9, frames: Int = 2
    ) -> [[Float]] {
        let rest = Float(log((1 - probability) / Double(tokens - 1)))
        func row(_ id: Int) -> [Float] {
            (0..<tokens).map { $0 == id ? Float(log(probability)) : rest }
        }
        return ids.flatMap { id in
            [[Float]](repeating: row(id), count: frames) + [row(blank)]
        }
    }

    /// An ARPA file with random numbers for words; contexts are there, endings need not be.
    static func arpa(
        _ words: [String], order: Int, share: Double, _ random: inout SeededGenerator
    ) -> String {
        func number() -> String { "\(-Double(1 + random.uniform(below: 3000)) / 1000)" }
        var ngrams: [[[String]]] = [(words + ["<unk>", "<s>", "</s>"]).map { [$0] }]
        for _ in 1..<max(1, order) {
            var next: [[String]] = []
            for context in ngrams[ngrams.count - 1] where context.last != "</s>" {
                for word in words + ["<unk>", "</s>"] where random.uniform() < share {
                    next.append(context + [word])
                }
            }
            ngrams.append(next)
        }
        var text = "\\data\\\n"
        for (index, list) in ngrams.enumerated() { text += "ngram \(index + 1)=\(list.count)\n" }
        for (index, list) in ngrams.enumerated() {
            text += "\n\\\(index + 1)-grams:\n"
            for ngram in list {
                text += number() + "\t" + ngram.joined(separator: " ")
                // Some without a weight of back-off.
                if index + 1 < order, random.uniform() < 0.8 { text += "\t" + number() }
                text += "\n"
            }
        }
        return text + "\n\\end\\\n"
    }

    /// A model from the text of an ARPA file.
    static func model(_ arpa: String, unit: NGramModel.Unit? = nil) throws -> NGramModel {
        let url = FileManager.default.temporaryDirectory
            .appendingPathComponent("colld-test-\(UUID().uuidString).arpa")
        try Data(arpa.utf8).write(to: url)
        defer { try? FileManager.default.removeItem(at: url) }
        return try NGramModel(path: url.path, unit: unit)
    }
}
