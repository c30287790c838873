import ArgumentParser
import Foundation
import SpeechCore

/// `colld score`: hypotheses held against references.
struct ScoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "score",
        abstract: "Score texts: WER, CER, BLEU, chrF and chrF++.",
        discussion: """
            Files hold one utterance a line; gzip may have compressed them, and - is standard input. \
            Figures equal those of jiwer 4.0.0 and sacreBLEU 2.6.0, whose signatures are printed.

            --normalize measures both sides a second time in one way of writing: NFKC and lower case \
            without punctuation and symbols; marks of Brahmic, Thai, Arabic and other scripts stay.

            BLEU takes 13a tokens, and characters for languages that are written without spaces, unless \
            --tokenize says otherwise; ja-mecab needs the program MeCab with its IPA dictionary.
            """)

    @Option(
        help: ArgumentHelp(
            "wer, cer, bleu, chrf, chrf++; several with commas or several times.",
            valueName: "metric"),
        transform: Self.metrics)
    var metric: [[ScoreMetric]] = []

    @Option(help: "Lines that are right; several times for several references.")
    var references: [String]

    @Option(help: "Lines of the system that is scored.")
    var hypotheses: String

    @Option(help: "Lines of a second system: how likely is the difference by chance?")
    var compare: String?

    @Option(help: "How chance is modelled: paired bootstrap or approximate randomization.")
    var test: SignificanceTest = .bootstrap

    @Option(help: "Resamples of --compare; 1000, or 10000 trials of randomization, if not given.")
    var samples: Int?

    @Option(help: "BLEU's tokens: 13a, intl, char, zh, ja-mecab or none.")
    var tokenize: BLEUTokenizer?

    @Option(help: "The language of all lines, such as de, cmn or srp_Latn.")
    var lang: String?

    @Option(help: "A language on each line, for figures by language.")
    var languages: String?

    @Option(help: "What CER counts: code-point, as jiwer, or grapheme.")
    var characters: CharacterUnit = .codePoint

    @Flag(help: "Show figures of normalised texts beside the raw ones.")
    var normalize = false

    @Flag(help: "Ignore case in BLEU and chrF.")
    var lowercase = false

    @Option(help: "Resamples for 95 % confidence intervals; 0 for none.")
    var bootstrap = 0

    @Option(help: "The seed of resamples.")
    var seed: UInt64 = 12345

    @Option(help: "Lay out so many of the worst utterances.")
    var worst = 0

    @Flag(help: "Print each line's scores too.")
    var segments = false

    @Flag(help: "Count what is said to an empty reference as insertions, as jiwer does.")
    var allowEmptyReferences = false

    @Option(help: "Digits behind the point.")
    var width = 1

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        let files = references + [hypotheses] + [compare, languages].compactMap { $0 }
        guard files.count(where: { $0 == "-" }) < 2 else {
            throw ValidationError("only one file can be standard input")
        }
        guard !references.isEmpty else { throw ValidationError("--references is missing") }
        guard lang == nil || languages == nil else {
            throw ValidationError("--lang and --languages exclude each other")
        }
        guard bootstrap >= 0, bootstrap != 1, samples.map({ $0 > 1 }) ?? true else {
            throw ValidationError("a number of resamples must be 2 or more")
        }
        guard (0...15).contains(width), worst >= 0 else {
            throw ValidationError("--width must be from 0 to 15 and --worst 0 or more")
        }
    }

    func run() throws {
        let settings = settings
        let lines = ScoredLines(
            references: references, hypotheses: hypotheses, languages: languages, language: lang)
        let texts = try lines.read(allowsEmptyReferences: allowEmptyReferences)
        let second = try compare.map {
            try ScoredLines.hypotheses($0, references: references[0], count: texts.count)
        }
        let report = try ScoreReport(texts, settings: settings)
        let comparisons = try second.map {
            try ScoreComparison.compare(
                texts, with: $0, settings: settings, test: test, samples: samples)
        }
        for warning in report.warnings {
            FileHandle.standardError.write(Data("warning: \(warning)\n".utf8))
        }
        let display = ScoreDisplay(report: report, comparisons: comparisons, width: width)
        print(json ? try Output.json(display) : display.text)
    }

    private var settings: ScoreSettings {
        var metrics: [ScoreMetric] = []
        for one in metric.joined() where !metrics.contains(one) { metrics.append(one) }
        return ScoreSettings(
            metrics: metrics.isEmpty ? [.wer, .cer] : metrics,
            forms: normalize ? [.raw, .normalized] : [.raw], characterUnit: characters,
            tokenizer: tokenize, lowercase: lowercase,
            allowsEmptyReferences: allowEmptyReferences, bootstrapSamples: bootstrap, seed: seed,
            worst: worst, keepsSegments: segments)
    }

    /// Metrics between commas.
    private static func metrics(_ argument: String) throws -> [ScoreMetric] {
        try argument.split(separator: ",").map { name in
            guard let metric = ScoreMetric(rawValue: name.lowercased()) else {
                let all = ScoreMetric.allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("expected one of \(all); found '\(name)'")
            }
            return metric
        }
    }
}

extension BLEUTokenizer: ExpressibleByArgument {}
extension CharacterUnit: ExpressibleByArgument {}
extension SignificanceTest: ExpressibleByArgument {}
