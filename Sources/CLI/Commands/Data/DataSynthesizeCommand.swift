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
            Writes audio/<language>/, train.jsonl, valid.jsonl and test.jsonl with texts and English \
            translations: numbers, dates, prices, measures, names and small stories. The three share \
            neither sentences nor speakers. The same flags give the same bytes; a run that was stopped \
            goes on where it ended.
            """)

    @Option(help: ArgumentHelp("The folder of the corpus.", valueName: "dir"))
    var output: String

    @Option(help: "Codes with commas between them such as de,fr,sw, or all.")
    var languages = "all"

    @Option(help: "Hours of speech over all languages together.")
    var hours: Double?

    @Option(help: "Minutes of speech in each language, if not --hours. (default: 5)")
    var minutesPerLanguage: Double?

    @Option(
        help: """
            Speakers of each language, from one for each of the three parts up to \
            \(CorpusDesign.voiceLimit).
            """)
    var voices = 12

    @Option(help: "The share of the speech that becomes valid.jsonl; 0 for none.")
    var validShare = 0.1

    @Option(help: "The share of the speech that becomes test.jsonl; 0 for none.")
    var testShare = 0.1

    @Option(help: "The share of the utterances with noise, from 0 to 1.")
    var noise = 0.0

    // Also what begins with a minus.
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How far speech is above noise: a number of dB, or two with a colon between them.",
            valueName: "dB"))
    var snr = DecibelRange(5...25)

    @Option(help: "The share of the utterances in rooms with echoes, from 0 to 1.")
    var rooms = 0.0

    @Option(help: "Decides sentences, speakers and splits.")
    var seed: UInt64 = 0

    @Option(help: "flac or wav.")
    var format = AudioFormatOption.flac

    @OptionGroup var work: WorkOptions

    func validate() throws {
        guard hours == nil || minutesPerLanguage == nil else {
            throw ValidationError("give either --hours or --minutes-per-language")
        }
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
                languages: codes, minutesPerLanguage: minutes, voices: voices,
                validFraction: validShare, testFraction: testShare, seed: seed,
                format: format.format, noise: noise, signalToNoise: snr.range, rooms: rooms),
            folder: URL(fileURLWithPath: output),
            threads: work.threadCount)
        let display = SynthesisDisplay(isShown: !work.noProgress)
        let summary = try Self.waiting {
            try await synthesizer.run { display.show($0) }
        }
        display.finish()
        let report = try CorpusReport(summary, folder: synthesizer.folder)
        print(work.json ? try Output.json(report) : report.text)
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

/// Levels as a flag spells them: `15` or `5:25`.
struct DecibelRange: ExpressibleByArgument {
    let range: ClosedRange<Double>

    init(_ range: ClosedRange<Double>) { self.range = range }

    init?(argument: String) {
        let parts = argument.split(separator: ":", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { Double($0) }.filter(\.isFinite)
        guard numbers.count == parts.count, (1...2).contains(numbers.count),
            numbers[0] <= numbers[numbers.count - 1]
        else { return nil }
        range = numbers[0]...numbers[numbers.count - 1]
    }

    var defaultValueDescription: String {
        String(format: "%g:%g", range.lowerBound, range.upperBound)
    }
}
