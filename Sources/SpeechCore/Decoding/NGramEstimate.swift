public import Foundation

/// A model estimated from counts, ready to be written.
///
/// With a(·) the counts that `NGramTrainer` describes, D the discount of a count and h' = h without its
/// first word:
///
/// ```
/// P(w | h) = (a(h w) - D(a(h w))) / Σx a(h x) + B(h) · P(w | h')
/// B(h)     = (Σ D(a(h x)) over kept n-grams h x + Σ a(h x) over pruned ones) / Σx a(h x)
/// P(w | h') of single words: 1 / (number of words, <unk> and </s> with them, <s> not)
/// ```
///
/// so that the probabilities of all words behind any words sum to 1.
public struct NGramEstimate: Sendable {
    /// What is taken from the counts of one order.
    public struct Discounts: Sendable, Codable, Equatable {
        /// From counts of 1, of 2, and of 3 or more.
        public let values: [Double]
        /// Whether these are the fixed 0.5, 1 and 1.5, because the text has too few n-grams: none
        /// of a count 1 to 3, or a discount out of range.
        ///
        /// lmplz stops there and takes the same with `--discount_fallback`.
        public let isFallback: Bool

        private enum CodingKeys: String, CodingKey {
            case values
            case isFallback = "is_fallback"
        }

        /// Chen and Goodman, equation 26.
        ///
        /// * `counts`: how many n-grams have the count 1, 2, 3 and 4.
        init(_ counts: [Int]) {
            let fallback = [0.5, 1, 1.5]
            guard counts[0] > 0, counts[1] > 0, counts[2] > 0 else {
                values = fallback
                isFallback = true
                return
            }
            let n = counts.map { Double($0) }
            let share = n[0] / (n[0] + 2 * n[1])
            let found = (1...3).map { (count: Int) -> Double in
                Double(count) - Double(count + 1) * share * n[count] / n[count - 1]
            }
            isFallback = (1...3).contains { !(0...Double($0)).contains(found[$0 - 1]) }
            values = isFallback ? fallback : found
        }

        func callAsFunction(_ count: Int) -> Double {
            count == 0 ? 0 : values[min(count, 3) - 1]
        }
    }

    /// One order of the model.
    private struct Level {
        var probabilities: [Double]
        /// B of the n-grams as contexts.
        var backoffs: [Double]
        var isKept: [Bool]
    }

    /// The discounts of each order from 1.
    public let discounts: [Discounts]
    /// The number of n-grams kept of each order from 1.
    public let counts: [Int]
    private let trainer: NGramTrainer
    private let levels: [Level]

    init(_ trainer: NGramTrainer) {
        self.trainer = trainer
        let source = trainer.levels
        let order = source.count
        var discounts: [Discounts] = []
        var levels: [Level] = []
        for length in 1...order {
            let level = source[length - 1]
            let adjusted = Self.adjusted(source, length)
            let prune = trainer.settings.prune
            let threshold = prune[min(length, prune.count) - 1]
            // <unk> and <s> have no count, and stay.
            let isKept = level.occurrences.map { length == 1 || $0 > threshold }
            var tally = [Int](repeating: 0, count: 5)
            for count in adjusted where (1...4).contains(count) { tally[count] += 1 }
            let discount = Discounts(Array(tally.dropFirst()))
            discounts.append(discount)

            // Contexts are the n-grams of the order below, or the one empty one.
            let contextCount = length == 1 ? 1 : source[length - 2].table.count
            var totals = [Double](repeating: 0, count: contextCount)
            var left = [Double](repeating: 0, count: contextCount)
            func context(_ index: Int) -> Int {
                length == 1 ? 0 : Int(level.table.keys[index] >> 32)
            }
            for (index, count) in adjusted.enumerated() {
                totals[context(index)] += Double(count)
                left[context(index)] += isKept[index] ? discount(count) : Double(count)
            }
            let backoffs = zip(left, totals).map { $1 > 0 ? $0 / $1 : 1 }
            var probabilities = [Double](repeating: 0, count: adjusted.count)
            for index in adjusted.indices where isKept[index] {
                let count = adjusted[index]
                let parent = context(index)
                let lower =
                    length == 1
                    ? 1 / Double(adjusted.count - 1)
                    : levels[length - 2].probabilities[Int(level.suffixes[index])]
                let own =
                    totals[parent] > 0 ? (Double(count) - discount(count)) / totals[parent] : 0
                probabilities[index] = own + backoffs[parent] * lower
            }
            if length > 1 { levels[length - 2].backoffs = backoffs }
            levels.append(Level(probabilities: probabilities, backoffs: [], isKept: isKept))
        }
        self.discounts = discounts
        self.levels = levels
        counts = levels.map { level in level.isKept.count { $0 } }
    }

    /// a(·) of all n-grams of a length.
    private static func adjusted(_ source: [NGramTrainer.Level], _ length: Int) -> [Int] {
        let level = source[length - 1]
        if length == source.count { return level.occurrences }
        /// Which n-grams begin with `<s>`.
        var isFirst = source[0].table.keys.indices.map { $0 == NGramTrainer.start }
        for next in source[1..<max(1, length)] {
            isFirst = next.table.keys.map { isFirst[Int($0 >> 32)] }
        }
        return level.occurrences.indices.map { index in
            isFirst[index] ? level.occurrences[index] : level.predecessors[index]
        }
    }

    /// Writes an ARPA file, compressed where its name ends in `.gz`.
    ///
    /// - Throws: `FileSystemError`.
    public func write(to url: URL) throws {
        try AtomicFile.write(to: url) { sink in
            guard url.pathExtension == "gz" else { return try write { try sink.write($0) } }
            let gzip = try GzipSink(sink, path: url.path)
            try write { try gzip.write($0) }
            try gzip.finish()
        }
    }

    private func write(_ emit: (String) throws -> Void) throws {
        var text = "\\data\\\n"
        for (index, count) in counts.enumerated() { text += "ngram \(index + 1)=\(count)\n" }
        var lower: [String] = []
        for (index, level) in levels.enumerated() {
            text += "\n\\\(index + 1)-grams:\n"
            let keys = trainer.levels[index].table.keys
            /// The words of each n-gram, those of pruned ones empty.
            var names = [String](repeating: "", count: keys.count)
            for number in keys.indices where level.isKept[number] {
                let word = trainer.words[Int(UInt32(truncatingIfNeeded: keys[number]))]
                let name = index == 0 ? word : lower[Int(keys[number] >> 32)] + " " + word
                names[number] = name
                let isStart = index == 0 && number == NGramTrainer.start
                text += isStart ? "-99" : Self.log(level.probabilities[number])
                text += "\t" + name
                if !level.backoffs.isEmpty { text += "\t" + Self.log(level.backoffs[number]) }
                text += "\n"
                if text.utf8.count > 1 << 16 {
                    try emit(text)
                    text = ""
                }
            }
            lower = names
        }
        try emit(text + "\n\\end\\\n")
    }

    /// The logarithm to base 10, with -99 for that of 0.
    private static func log(_ value: Double) -> String {
        value > 0 ? "\(Float(log10(value)))" : "-99"
    }
}
