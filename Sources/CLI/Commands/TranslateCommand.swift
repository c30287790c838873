import ArgumentParser
import Foundation
import SpeechCore
import SpeechTraining

/// `colld translate`: what audio says, in another language.
struct TranslateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "translate",
        abstract: "Translate what is said in audio files of any length.",
        discussion: """
            One file gives its text; several give lines of file, tab and text. A file without a sample \
            has an empty text. Files longer than --chunk-seconds are cut where they are quiet; --json \
            gives the parts with their times, too.

              colld translate --model run/model talk.flac
              colld translate --model run/model --language deu *.wav --beam 8 --length-penalty 1.2
            """)

    @Option(
        help: "A translation model: a directory, or a repository in the local Hugging Face cache.")
    var model: String

    @Argument(help: "Audio files, or folders of them.")
    var audio: [String]

    @Option(help: "The language to translate into; the model's own, if not given.")
    var language: String?

    @Option(help: "Texts that the search follows at a time; what the model says, if not given.")
    var beam: Int?

    @OptionGroup var translation: TranslationOptions
    @OptionGroup var computing: ComputingOptions
    @OptionGroup var deviceOptions: DeviceOptions

    @Flag(help: "Show no progress.")
    var noProgress = false

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard beam.map({ (1...1024).contains($0) }) ?? true else {
            throw ValidationError("--beam must be from 1 to 1024")
        }
    }

    func run() throws {
        let clips = try EncodeClip.files(audio)
        let task = try translation.makeTask(
            model, beams: beam, computing, deviceOptions,
            reporter: RunReporter(showsProgress: !noProgress))
        let (results, skipped) = try task.run(
            clips, into: Array(repeating: language, count: clips.count))
        guard !results.isEmpty else { throw DatasetError.allSkipped(skipped: skipped) }
        if json {
            print(try Output.json(results.map(Translation.init)))
            return
        }
        for result in results {
            print((clips.count > 1 ? result.clip.path + "\t" : "") + result.text)
        }
    }

    /// What a file says.
    private struct Translation: Encodable {
        struct Segment: Encodable {
            let start, end: Double
            let text: String
            let score: Double?
        }

        let path: String
        let seconds: Double
        let language: String?
        let text: String
        let segments: [Segment]

        init(_ result: TranslateTask.Result) {
            path = result.clip.path
            seconds = result.seconds
            language = result.language
            text = result.text
            segments = result.segments.map {
                Segment(start: $0.start, end: $0.end, text: $0.text, score: $0.score)
            }
        }
    }
}
