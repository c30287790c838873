import Foundation

extension NGramModel {
    /// How well a model predicts texts.
    public struct Perplexity: Sendable, Equatable {
        /// Lines of text, the empty ones not counted.
        public var sentences = 0
        /// Units of the text without ends of sentences.
        public var units = 0
        /// Units that the model does not know.
        public var unknownUnits = 0
        /// Σ ln p of all units and ends of sentences.
        public var logProbability = 0.0
        /// Σ ln p of those that the model knows.
        public var knownLogProbability = 0.0

        /// Nothing yet.
        public init() {}

        /// exp(-mean ln p) over all units and ends of sentences.
        public var perplexity: Double { value(logProbability, units + sentences) }

        /// The same without unknown units.
        public var knownPerplexity: Double {
            value(knownLogProbability, units + sentences - unknownUnits)
        }

        private func value(_ sum: Double, _ count: Int) -> Double {
            count > 0 ? exp(-sum / Double(count)) : .nan
        }
    }

    /// Adds a sentence to the figures.
    public func score(_ sentence: String, into total: inout Perplexity) {
        let units = unit.units(of: sentence)
        guard !units.isEmpty else { return }
        var state = start
        for unit in units {
            let isSpace = self.unit == .character && unit == Unit.space
            let number = isSpace ? space ?? unknown : self.number(of: unit)
            let (value, next) = score(number, after: state)
            state = next
            total.logProbability += value
            if number == unknown {
                total.unknownUnits += 1
            } else {
                total.knownLogProbability += value
            }
        }
        if let sentenceEnd {
            let value = score(sentenceEnd, after: state).logProbability
            total.logProbability += value
            total.knownLogProbability += value
        }
        total.units += units.count
        total.sentences += 1
    }

    /// The figures of texts, one sentence a line, which gzip may have compressed.
    ///
    /// - Throws: `FileSystemError`, `GzipError`, `ManifestError.badLines` for lines that are not UTF-8,
    ///   or `NGramError.noText`.
    public func perplexity(ofTexts paths: [String]) throws -> Perplexity {
        var total = Perplexity()
        for path in paths {
            try TextLines.forEach(path: path) { _, line in score(line, into: &total) }
        }
        guard total.units > 0 else { throw NGramError.noText(paths: paths) }
        return total
    }
}
