import ArgumentParser
import Foundation
import SpeechAudio
import Synchronization

/// `colld data synthesize`: a multilingual corpus from espeak-ng.
struct DataSynthesizeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "synthesize",
        abstract: "Make a multilingual corpus: made-up sentences spoken by espeak-ng.",
        discussion: """
            Writes audio/<language>/, train.jsonl, valid.jsonl and test.jsonl (80, 10 and 10 % of the \
            speech) with texts and English translations. The same flags give the same bytes; a run \
            that was stopped goes on where it ended.
            """)

    @Option(help: ArgumentHelp("The folder of the corpus.", valueName: "dir"))
    var output: String

    @Option(help: "Codes with commas between them such as de,fr,sw, or all.")
    var languages = "all"

    @Option(help: "Hours of speech over all languages together.")
    var hours: Double?

    @Option(help: "Minutes of speech in each language, if not --hours. (default: 5)")
    var minutesPerLanguage: Double?

    @Option(help: "Speakers of each language, up to \(CorpusDesign.voiceLimit).")
    var voices = 6

    @Option(help: "Decides sentences, speakers and splits.")
    var seed: UInt64 = 0

    @Option(help: "flac or wav.")
    var format = AudioFormatOption.flac

    @Option(help: "Sentences spoken at once; 0 for one a core.")
    var threads = 0

    @Flag(help: "Show no progress.")
    var noProgress = false

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard hours == nil || minutesPerLanguage == nil else {
            throw ValidationError("give either --hours or --minutes-per-language")
        }
        guard threads >= 0 else { throw ValidationError("--threads must be 0 or more") }
    }

    func run() throws {
        let codes =
            languages == "all"
            ? CorpusDesign.availableLanguages
            : languages.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        let minutes =
            hours.map { $0 * 60 / Double(max(1, codes.count)) } ?? minutesPerLanguage ?? 5
        let synthesizer = try CorpusSynthesizer(
            design: CorpusDesign(
                languages: codes, minutesPerLanguage: minutes, voices: voices, seed: seed,
                format: format.format),
            folder: URL(fileURLWithPath: output),
            threads: threads > 0 ? threads : ProcessInfo.processInfo.activeProcessorCount)
        let display = SynthesisDisplay(isShown: !noProgress)
        let summary = try Self.waiting {
            try await synthesizer.run { display.show($0) }
        }
        display.finish()
        let report = try CorpusReport(summary, folder: synthesizer.folder)
        print(json ? try Output.json(report) : report.text)
    }

    /// Runs something asynchronous to its end; commands are synchronous, since LibTorch keeps its
    /// threads for the one that computes.
    private static func waiting<Value: Sendable>(
        _ body: @escaping @Sendable () async throws -> Value
    ) throws -> Value {
        let outcome = Outcome<Value>()
        let done = DispatchSemaphore(value: 0)
        Task.detached {
            let result: Result<Value, any Error>
            do {
                result = .success(try await body())
            } catch {
                result = .failure(error)
            }
            outcome.value.withLock { $0 = result }
            done.signal()
        }
        done.wait()
        guard let result = outcome.value.withLock({ $0 }) else {
            preconditionFailure("the task signalled before it had a result")
        }
        return try result.get()
    }

    private final class Outcome<Value: Sendable>: Sendable {
        let value = Mutex<Result<Value, any Error>?>(nil)
    }
}

/// The formats that a corpus can have, as flags spell them.
enum AudioFormatOption: String, ExpressibleByArgument, CaseIterable {
    case flac, wav

    var format: AudioWriter.Format {
        switch self {
        case .flac: .flac
        case .wav: .wav
        }
    }
}
