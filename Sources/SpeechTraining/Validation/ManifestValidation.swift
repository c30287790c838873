public import Foundation
internal import SpeechAudio
public import SpeechCore

/// Why the validation of a manifest ends the command with another code than 0.
public enum ManifestValidationError: ReportedError, Equatable {
    /// Not one utterance is fit.
    case nothingLeft(manifest: String, lost: Int)
    /// Some utterances are not fit, and that was to be an error.
    case lost(manifest: String, lost: Int, total: Int)

    /// What was expected and what was found, for a person to read.
    public var description: String {
        switch self {
        case .nothingLeft(let manifest, let lost):
            "'\(manifest)': expected at least one fit utterance, found none in \(lost)"
        case .lost(let manifest, let lost, let total):
            "'\(manifest)': expected only fit utterances, found \(lost) of \(total) unfit"
        }
    }

    /// Bad input where nothing is left, else a gate that failed.
    public var exitStatus: ExitStatus {
        switch self {
        case .nothingLeft: .badInput
        case .lost: .gateFailed
        }
    }
}

/// Checks every utterance of a manifest: its audio, its texts and what it has in common with others.
///
/// Lines are read and checked by several threads, a few blocks ahead of what is collected, and about
/// 150 bytes are kept of each; findings, reports and manifests do not depend on the number of threads.
public struct ManifestValidation: Sendable {
    /// The manifest.
    public let manifest: URL
    /// What utterances must be like.
    public let settings: ValidationSettings
    /// What texts must be like.
    public let targets: TargetCheck
    /// Threads that read and check.
    public let threads: Int

    /// Prepares a validation; nothing is read yet.
    ///
    /// * `threads`: 0 for one a core.
    public init(
        manifest: URL, settings: ValidationSettings = ValidationSettings(),
        targets: TargetCheck = TargetCheck(), threads: Int = 0
    ) {
        precondition(threads >= 0)
        self.manifest = manifest
        self.settings = settings
        self.targets = targets
        self.threads =
            threads > 0 ? threads : ProcessInfo.processInfo.activeProcessorCount
    }

    /// Checks all lines.
    ///
    /// - Throws: `FileSystemError` or `ManifestError` when the manifest cannot be read at all, or what
    ///   goes wrong beyond single utterances.
    public func run(reporter: RunReporter = RunReporter(showsProgress: false)) throws
        -> ValidatedManifest
    {
        // Audio takes milliseconds, a line of text microseconds.
        let blocks = try ManifestBlocks(
            manifest, ofBytes: settings.checksAudio ? 2 << 10 : 64 << 10)
        let check = UtteranceCheck(settings: settings, targets: targets)
        let queue = PrefetchQueue(
            range: 0..<blocks.count, threads: threads, limit: 4 * threads
        ) { index, _ in
            try blocks.lines(ofBlock: index).map { try CheckedLine($0, check) }
        }
        defer { queue.stop() }
        var records = ValidationRecords()
        var progress = ValidationProgress(lines: blocks.lineCount)
        while let lines = try queue.take() {
            for line in lines { records.append(line) }
            progress.report(lines, to: reporter)
        }
        reporter.finish()
        records.compare(check)
        return ValidatedManifest(
            blocks: blocks, records: records, settings: settings)
    }
}

/// A line and what was found when it was looked at alone.
struct CheckedLine: Sendable {
    let number: Int
    let bytes: Range<Int>
    let lang: String?
    /// Seconds; 0 where the line gives none.
    var duration = 0.0
    var result = UtteranceCheck.Result()
    /// Of the id, and of what makes equal audio the same example.
    var id: ContentHash?
    var audio: ContentHash?
    /// Of the file and the place in it.
    var file: ContentHash?

    /// Checks a line.
    ///
    /// - Throws: What goes wrong beyond this line.
    init(_ line: ManifestLine, _ check: UtteranceCheck) throws {
        number = line.number
        bytes = line.bytes
        switch line.content {
        case .fault(let fault):
            lang = fault.lang
            duration = fault.duration ?? 0
            // A text of white space is what the reason is for, though no reader takes the line.
            result.findings = [
                ValidationFinding(
                    fault.hasBlankText ? .emptyText : .badLine, expected: "a line of a manifest",
                    found: fault.detail)
            ]
        case .utterance(let utterance):
            lang = utterance.lang
            duration = utterance.duration
            result = try check.result(of: utterance)
            id = ContentHash(utterance.id)
            file = ContentHash(
                utterance.audioPath + "\n\(utterance.byteRange?.lowerBound ?? 0)")
            // One recording may be translated into several languages.
            let language = utterance.targetText.map { _ in utterance.targetLang ?? "" }
            audio = result.content.map { $0.combined(with: language ?? "") }
        }
    }
}

/// How far a validation is.
private struct ValidationProgress: ProgressLine {
    private let total: Int
    private var done = 0
    private var seconds = 0.0
    private var lost = 0
    private var tenths = 0
    private let start = ContinuousClock.now
    private var shown = ContinuousClock.now

    init(lines: Int) { total = lines }

    /// A line for each tenth; a bar is redrawn ten times a second.
    mutating func report(_ lines: [CheckedLine], to reporter: RunReporter) {
        guard let last = lines.last else { return }
        done = last.number
        for line in lines {
            seconds += line.duration
            if !line.result.findings.isEmpty { lost += 1 }
        }
        let reached = 10 * done / max(1, total)
        let isDue = reached > tenths
        tenths = reached
        guard isDue || shown.duration(to: .now) > .milliseconds(100) else { return }
        shown = .now
        reporter.report(self, isDue: isDue)
    }

    var line: String {
        let elapsed = max(1e-3, start.duration(to: .now) / .seconds(1))
        return "\(done)/\(total) lines  \(ProgressState.duration(seconds)) audio  "
            + String(format: "%.0f audio-s/s", seconds / elapsed)
            + (lost > 0 ? "  \(lost) unfit" : "")
    }

    func bar(columns: Int) -> String {
        ProgressBar.text(" " + line, share: Double(done) / Double(max(1, total)), columns: columns)
    }
}
