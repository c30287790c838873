import ArgumentParser
import Foundation
import SpeechAudio
import SpeechCore
import Synchronization

/// `colld data`: corpora and their manifests.
struct DataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data", abstract: "Make corpora and manifests.",
        subcommands: [DataSynthesizeCommand.self])
}

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

/// How far the synthesis is: a bar on a terminal, a line for each tenth elsewhere.
private final class SynthesisDisplay: Sendable {
    private enum Style {
        case none, bar, lines
    }

    private let style: Style
    private let start = ContinuousClock.now
    /// Tenths that have been told, or drawings of the bar.
    private let shown = Mutex(0)

    init(isShown: Bool) {
        let environment = ProcessInfo.processInfo.environment
        let isOff = environment["COLLD_NO_PROGRESS"].map { $0 != "0" && !$0.isEmpty } ?? false
        let isTerminal = isatty(2) == 1 && environment["TERM"] != "dumb"
        style = !isShown || isOff ? .none : isTerminal ? .bar : .lines
    }

    func show(_ progress: CorpusSynthesizer.Progress) {
        let share = progress.targetSeconds > 0 ? progress.seconds / progress.targetSeconds : 1
        let elapsed = start.duration(to: .now) / .seconds(1)
        let text =
            "\(progress.utterances) utterances, \(Self.clock(progress.seconds)) of "
            + "\(Self.clock(progress.targetSeconds)) of speech, "
            + "\(Output.number(progress.seconds / max(elapsed, 1e-3))) s/s"
        shown.withLock { count in
            switch style {
            case .none: return
            case .bar:
                let filled = Int(share * 24)
                let bar =
                    String(repeating: "█", count: filled)
                    + String(repeating: "░", count: 24 - filled)
                Self.write("\r\u{1B}[2K\(bar) \(text)")
                count += 1
            case .lines:
                let tenths = Int(share * 10)
                guard tenths > count else { return }
                count = tenths
                Self.write("\(tenths * 10) %: \(text)\n")
            }
        }
    }

    /// Clears the bar.
    func finish() {
        if style == .bar, shown.withLock({ $0 > 0 }) { Self.write("\r\u{1B}[2K") }
    }

    /// 1:02:03 or 2:03.
    static func clock(_ seconds: Double) -> String {
        let whole = Int(seconds.rounded())
        let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60)
        return hours > 0
            ? String(format: "%d:%02d:%02d", hours, minutes, rest)
            : String(format: "%d:%02d", minutes, rest)
    }

    private static func write(_ text: String) {
        FileHandle.standardError.write(Data(text.utf8))
    }
}

/// What was made, by language and split.
private struct CorpusReport: Encodable {
    struct Part: Encodable {
        var utterances = 0
        var seconds = 0.0
    }

    struct Language: Encodable {
        let language: String
        /// By the name of the split.
        var splits: [String: Part] = [:]
    }

    let folder: String
    let manifests: [String]
    let languages: [Language]
    let utterances: Int
    let seconds: Double
    let keptUtterances: Int

    private enum CodingKeys: String, CodingKey {
        case folder, manifests, languages, utterances, seconds
        case keptUtterances = "kept_utterances"
    }

    /// Counts what the manifests hold.
    init(_ summary: CorpusSynthesizer.Summary, folder: URL) throws {
        self.folder = folder.path
        let splits = CorpusDesign.Split.allCases.compactMap { split in
            summary.parts[split].map { (split.rawValue, $0) }
        }
        manifests = splits.map(\.1.manifest.path)
        var languages: [Language] = []
        for (split, part) in splits {
            for utterance in try JSONLinesManifest.read(part.manifest) {
                let code = utterance.lang ?? ""
                if !languages.contains(where: { $0.language == code }) {
                    languages.append(Language(language: code))
                }
                guard let index = languages.firstIndex(where: { $0.language == code }) else {
                    continue
                }
                languages[index].splits[split, default: Part()].utterances += 1
                languages[index].splits[split, default: Part()].seconds += utterance.duration
            }
        }
        self.languages = languages
        utterances = splits.reduce(0) { $0 + $1.1.utterances }
        seconds = splits.reduce(0) { $0 + $1.1.seconds }
        keptUtterances = summary.keptUtterances
    }

    var text: String {
        let splits = CorpusDesign.Split.allCases.map(\.rawValue)
        func cells(_ part: Part?) -> [String] {
            part.map { [String($0.utterances), SynthesisDisplay.clock($0.seconds)] } ?? ["-", "-"]
        }
        func sum(_ parts: [Part]) -> Part {
            parts.reduce(into: Part()) { total, part in
                total.utterances += part.utterances
                total.seconds += part.seconds
            }
        }
        var rows = [["language"] + (splits + ["all"]).flatMap { [$0, "length"] }]
        for language in languages {
            rows.append(
                [language.language] + splits.flatMap { cells(language.splits[$0]) }
                    + cells(sum(Array(language.splits.values))))
        }
        rows.append(
            ["total"]
                + splits.flatMap { split in cells(sum(languages.compactMap { $0.splits[split] })) }
                + cells(Part(utterances: utterances, seconds: seconds)))
        let table = TextTable(
            rows, alignment: [.left] + Array(repeating: .right, count: rows[0].count - 1),
            ruledBefore: [1, rows.count - 1])
        let kept = keptUtterances > 0 ? "\n\(keptUtterances) utterances were there already" : ""
        return table.text + "\n\n" + manifests.joined(separator: "\n") + kept
    }
}
