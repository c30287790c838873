import ArgumentParser
import Foundation
import SpeechCore
import SpeechTraining

/// `colld evaluate`: the error rates of a recogniser.
struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Recognise the utterances of a manifest and score them against its transcripts.",
        discussion: """
            Prints WER and CER of raw and of normalised texts, by language and over all. --output also \
            writes what was recognised of each utterance.

              colld evaluate --model run/model --data test.jsonl --output report.json
            """)

    @Option(help: "A recogniser: a directory, or a repository in the local Hugging Face cache.")
    var model: String

    @Option(help: ArgumentHelp("A manifest of utterances with transcripts.", valueName: "manifest"))
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
        let task = try decoding.makeTask(model, deviceOptions, reporter: reporter)
        let report = try EvaluateTask(
            task,
            scoring: ScoreSettings(
                metrics: [.wer, .cer], forms: [.raw, .normalized], characterUnit: characters,
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
}
