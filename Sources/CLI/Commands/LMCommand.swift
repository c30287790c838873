import ArgumentParser
import Foundation
import SpeechCore

/// `colld lm`: n-gram models for decoding.
struct LMCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lm", abstract: "Train and try n-gram language models.",
        subcommands: [Train.self, Perplexity.self])

    /// `colld lm train`: an ARPA file from texts.
    struct Train: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "train",
            abstract: "Estimate an n-gram model by modified Kneser-Ney smoothing.",
            discussion: """
                Texts have a sentence a line and are taken as they are; gzip may have compressed \
                them. Texts too small for discounts of their own get 0.5, 1 and 1.5, and that is \
                said.
                """)

        @Option(parsing: .upToNextOption, help: "Text files.", completion: .file())
        var text: [String]

        @Option(help: "The ARPA file; compressed if it ends in .gz.")
        var output: String

        @Option(help: "The length of the longest n-grams, 1 to 6.")
        var order = 3

        @Option(
            help: """
                For each order: leave out n-grams that occur at most so often, as in 0,0,1; the last \
                number holds for all higher orders.
                """)
        var prune = "0"

        @Option(help: "What is predicted: word or character, with <space> between words.")
        var unit = UnitOption.word

        @Flag(help: "Print JSON.")
        var json = false

        /// What was trained.
        private struct Result: Encodable {
            let output: String
            let sentences, units: Int
            let counts: [Int]
            let discounts: [NGramEstimate.Discounts]
            let seconds: Double
        }

        func validate() throws {
            _ = try settings()
        }

        private func settings() throws -> NGramTrainer.Settings {
            var settings = NGramTrainer.Settings()
            settings.order = order
            settings.unit = unit.unit
            let numbers = prune.split(separator: ",", omittingEmptySubsequences: false)
                .map { Int($0) }
            guard !numbers.contains(nil) else {
                throw ValidationError("--prune must be numbers with commas between them")
            }
            settings.prune = numbers.compactMap { $0 }
            do {
                _ = try NGramTrainer(settings)
            } catch let error as NGramError {
                throw ValidationError("--\(error)")
            }
            return settings
        }

        func run() throws {
            let start = ContinuousClock.now
            var trainer = try NGramTrainer(settings())
            for path in text { try trainer.add(path: path) }
            guard trainer.sentenceCount > 0 else { throw NGramError.noText(paths: text) }
            let estimate = try trainer.estimate()
            try estimate.write(to: URL(fileURLWithPath: output))
            let result = Result(
                output: output, sentences: trainer.sentenceCount, units: trainer.unitCount,
                counts: estimate.counts, discounts: estimate.discounts,
                seconds: start.duration(to: .now) / .seconds(1))
            if json { return print(try Output.json(result)) }
            print("\(result.sentences) sentences, \(result.units) units")
            for (index, discounts) in result.discounts.enumerated() {
                let values = discounts.values.map { Output.number($0) }.joined(separator: ", ")
                print(
                    "\(result.counts[index]) \(index + 1)-grams, discounts \(values)"
                        + (discounts.isFallback ? " (fixed: too little text)" : ""))
            }
            print("\(output) in \(Output.number(result.seconds)) s")
        }
    }

    /// `colld lm perplexity`: how well a model predicts texts.
    struct Perplexity: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "perplexity", abstract: "Tell how well a model predicts texts.",
            discussion: "Ends of sentences are predicted and counted; logarithms are natural.")

        @Option(help: "An ARPA file, which gzip may have compressed.", completion: .file())
        var model: String

        @Option(
            parsing: .upToNextOption, help: "Text files, a sentence a line.",
            completion: .file())
        var text: [String]

        @Option(help: "What the model predicts, if its words do not tell.")
        var unit: UnitOption?

        @Flag(help: "Print JSON.")
        var json = false

        private struct Result: Encodable {
            let sentences, units, unknownUnits: Int
            let logProbability, perplexity, knownPerplexity: Double

            private enum CodingKeys: String, CodingKey {
                case sentences, units, perplexity
                case unknownUnits = "unknown_units"
                case logProbability = "log_probability"
                case knownPerplexity = "known_perplexity"
            }
        }

        func run() throws {
            let total = try NGramModel(path: model, unit: unit?.unit).perplexity(ofTexts: text)
            if json {
                return print(
                    try Output.json(
                        Result(
                            sentences: total.sentences, units: total.units,
                            unknownUnits: total.unknownUnits,
                            logProbability: total.logProbability, perplexity: total.perplexity,
                            knownPerplexity: total.knownPerplexity)))
            }
            print(
                """
                perplexity \(Output.number(total.perplexity)); \
                \(Output.number(total.knownPerplexity)) without unknown units
                \(total.sentences) sentences, \(total.units) units, \(total.unknownUnits) unknown
                """)
        }
    }
}

/// What a language model predicts, as flags spell it.
enum UnitOption: String, ExpressibleByArgument, CaseIterable {
    case word, character

    var unit: NGramModel.Unit {
        switch self {
        case .word: .word
        case .character: .character
        }
    }
}
