import ArgumentParser
import Foundation
import SpeechCore
import SpeechTraining

/// `colld evaluate`: the error rates of a recogniser, or the scores of a translation model.
struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Recognise or translate the utterances of a manifest and score the texts.",
        discussion: """
            Of a recogniser WER and CER against the transcripts, of a translation model BLEU and chrF++ \
            against the translations (target_text); of raw and of normalised texts, by language or pair \
            of languages, and over all. --output also writes the text of each utterance.

              colld evaluate --model run/model --data test.jsonl --output report.json
              colld evaluate --model run/model --data test.jsonl --beam 5 --length-penalty 1.2
            """)

    @Option(
        help: """
            A recogniser or a translation model: a directory, or a repository in the local Hugging Face \
            cache.
            """)
    var model: String

    @Option(
        help: ArgumentHelp(
            "A manifest of utterances with transcripts or translations.", valueName: "manifest"))
    var data: String

    @Option(help: ArgumentHelp("The report to write, as JSON.", valueName: "file"))
    var output: String?

    @Option(
        help: "What CER counts: code-point, as jiwer, or grapheme.",
        transform: {
            guard let unit = CharacterUnit(rawValue: $0) else {
                throw ValidationError("expected code-point or grapheme; found '\($0)'")
            }
            return unit
        })
    var characters: CharacterUnit = .codePoint

    @Option(help: "Resamples for 95 % confidence intervals; 0 for none.")
    var bootstrap = 0

    @Option(help: "Lay out so many of the worst utterances.")
    var worst = 0

    @OptionGroup var decoding: DecodingOptions
    @OptionGroup var translation: TranslationOptions
    @OptionGroup var deviceOptions: DeviceOptions

    @Flag(help: "Show no progress.")
    var noProgress = false

    @Flag(help: "Print the report as JSON.")
    var json = false

    func validate() throws {
        guard bootstrap >= 0, bootstrap != 1, worst >= 0 else {
            throw ValidationError("--bootstrap must be 0 or at least 2, --worst 0 or more")
        }
    }

    func run() throws {
        let reporter = RunReporter(showsProgress: !noProgress)
        let system = try makeSystem(reporter)
        var metrics: [ScoreMetric] = [.wer, .cer]
        if case .translator = system { metrics = [.bleu, .chrfPlusPlus] }
        let report = try EvaluateTask(
            system,
            scoring: ScoreSettings(
                metrics: metrics, forms: [.raw, .normalized], characterUnit: characters,
                allowsEmptyReferences: true, bootstrapSamples: bootstrap, worst: worst),
            reporter: reporter
        ).run(model: model, data: URL(fileURLWithPath: data))
        for warning in report.scores.warnings { reporter.note("warning: \(warning)") }
        let text = try Output.json(report)
        if let output { try AtomicFile.write(text + "\n", to: URL(fileURLWithPath: output)) }
        if json {
            print(text)
            return
        }
        print(ScoreDisplay(report: report.scores).text)
        if let accuracy = report.languageAccuracy {
            print(String(format: "\nlanguage recognised: %.1f %%", 100 * accuracy))
        }
        print(
            String(
                format: "\n%.0f s of audio in %.1f s, %.1f times as fast as real time",
                report.audioSeconds, report.seconds,
                report.audioSeconds / max(report.seconds, 1e-9)))
    }

    private func makeSystem(_ reporter: RunReporter) throws -> EvaluateTask.System {
        guard try Translator.canRead(model) else {
            guard translation.lengthPenalty == nil else {
                throw TranslationError.optionDoesNotFit(
                    option: "--length-penalty", expected: "a translation model", model: model,
                    found: "another one")
            }
            return .recognizer(try decoding.makeTask(model, deviceOptions, reporter: reporter))
        }
        if let option = decoding.ofRecognizers.first {
            throw TranslationError.optionDoesNotFit(
                option: option, expected: "a recogniser", model: model,
                found: "a translation model")
        }
        let task = try translation.makeTask(
            model, beams: decoding.beam, decoding.computing, deviceOptions, reporter: reporter)
        return .translator(task, into: decoding.language)
    }
}
