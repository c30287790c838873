import ArgumentParser
import Foundation
import SpeechTraining

/// `colld data validate`: what of a manifest is fit for training.
struct DataValidateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate",
        abstract: "Check audio and texts of a manifest, and write one of what is fit.",
        discussion: """
            Prints utterances and hours by language: all, kept, and lost to each reason. An utterance \
            with several reasons counts for the first of them in this order; the report has all.

            bad-line          the line cannot be read
            unreadable        audio missing, damaged, cut short, or of no known format
            wrong-duration    the file is longer or shorter than the manifest says
            too-short         below --min-duration
            too-long          above --max-duration
            silence           more than --max-silence of it below --silence-level
            clipping          more than --max-clipping of its samples in runs at full scale
            empty-text        a text without a letter or number, or none with --require-text
            foreign-script    more than --max-foreign of its letters in scripts that the language is \
            not written in
            mixed-script      a word in several of the Latin, Greek and Cyrillic alphabets
            unknown-symbol    a character that the vocabulary lacks
            too-many-targets  more targets than CTC can place on the model's frames
            duplicate-id      the id of an earlier utterance
            duplicate-audio   the samples of an earlier utterance, whatever the format

            The scripts of a language come with its code; of codes that are not known, what most of \
            its letters are in. Of duplicates the first fit one is kept.

            The exit code is 2 when nothing is fit, and 3 with --strict when anything is not.
            """)

    @Argument(help: "The manifest, in any format that training reads.")
    var manifest: String

    @Option(
        help: ArgumentHelp("Where to write the fit utterances, as JSON Lines.", valueName: "file"))
    var output: String?

    @Option(
        help: ArgumentHelp(
            "Where to write sums and every unfit line with its reasons, as JSON.",
            valueName: "file"))
    var report: String?

    @Option(help: "The model that texts are for: its frames, and its vocabulary if it has one.")
    var model: String?

    @Option(
        help: ArgumentHelp(
            "A vocab.json, or the folder of one, in place of the model's.", valueName: "path"))
    var vocabulary: String?

    @Flag(help: "Check texts alone; durations are those of the manifest.")
    var noAudio = false

    @OptionGroup var limits: ValidationLimitOptions

    @Flag(help: "End with the exit code 3 when an utterance is not fit.")
    var strict = false

    @OptionGroup var work: WorkOptions

    func run() throws {
        var settings = limits.settings
        settings.checksAudio = !noAudio
        let validation = ManifestValidation(
            manifest: URL(fileURLWithPath: manifest), settings: settings,
            targets: try TargetCheck(model: model, vocabulary: vocabulary),
            threads: work.threadCount)
        let result = try validation.run(reporter: RunReporter(showsProgress: !work.noProgress))
        if let report { try result.writeReport(to: URL(fileURLWithPath: report)) }
        print(work.json ? try Output.json(result.summary) : Self.text(result.summary))
        try result.requireFit()
        if let output { try result.writeManifest(to: URL(fileURLWithPath: output)) }
        if strict { try result.requireAllFit() }
    }

    private static func text(_ summary: ValidationSummary) -> String {
        let reasons = summary.reasons
        func cells(_ amount: ValidationSummary.Amount?) -> [String] {
            amount.map { [String($0.utterances), Output.hours($0.hours)] } ?? ["-", "-"]
        }
        func row(_ name: String, _ part: ValidationSummary.Part) -> [String] {
            [name] + cells(part.all) + cells(part.kept)
                + reasons.flatMap { cells(part.lost[$0]) }
        }
        var rows = [["language", "utterances", "hours", "kept", "hours"]]
        rows[0] += reasons.flatMap { [$0.rawValue, "hours"] }
        rows += summary.languages.map { row($0.language ?? "-", $0) }
        rows.append(row("total", summary.total))
        let table = TextTable(
            rows, alignment: [.left] + Array(repeating: .right, count: rows[0].count - 1),
            ruledBefore: [1, rows.count - 1]
        ).text
        guard !summary.symbols.isEmpty else { return table }
        let shown = summary.symbols.prefix(20).map { "\($0.symbol) (\($0.codePoint)) \($0.count)" }
        let more = summary.symbols.count - shown.count
        return table + "\n\nwithout a token: " + shown.joined(separator: ", ")
            + (more > 0 ? " and \(more) more" : "")
    }
}

/// What an utterance must be like to be kept.
struct ValidationLimitOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The shortest utterance.", valueName: "seconds"))
    var minDuration = ValidationSettings().minDuration

    @Option(help: ArgumentHelp("The longest utterance; any without it.", valueName: "seconds"))
    var maxDuration: Double?

    @Option(
        help: ArgumentHelp(
            """
            How much longer than in the manifest a file may be, if no other utterance is a part of it.
            """, valueName: "seconds"))
    var durationTolerance = ValidationSettings().durationTolerance

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Frames of 20 ms below this are silent.", valueName: "dBFS"))
    var silenceLevel = ValidationSettings().silenceLevel

    @Option(help: ArgumentHelp("The largest share of silence, 0 to 1.", valueName: "share"))
    var maxSilence = ValidationSettings().maxSilence

    @Option(help: ArgumentHelp("The largest share of clipped samples, 0 to 1.", valueName: "share"))
    var maxClipping = ValidationSettings().maxClipping

    @Option(
        help: ArgumentHelp(
            "The largest share of letters in foreign scripts, 0 to 1.", valueName: "share"))
    var maxForeign = ValidationSettings().maxForeign

    @Flag(help: "An utterance without a text is not fit.")
    var requireText = false

    @Option(
        help: ArgumentHelp(
            "Reasons to leave out, with commas between them.", valueName: "reasons"))
    var ignore: ReasonsOption?

    var settings: ValidationSettings {
        var settings = ValidationSettings()
        settings.minDuration = minDuration
        settings.maxDuration = maxDuration
        settings.durationTolerance = durationTolerance
        settings.silenceLevel = silenceLevel
        settings.maxSilence = maxSilence
        settings.maxClipping = maxClipping
        settings.maxForeign = maxForeign
        settings.requiresText = requireText
        settings.ignored = ignore?.reasons ?? []
        return settings
    }

    func validate() throws {
        func require(_ holds: Bool, _ flag: String, _ expected: String, _ found: Double) throws {
            guard !holds else { return }
            throw ValidationError("--\(flag): expected \(expected), found \(found)")
        }
        for (flag, share) in [
            ("max-silence", maxSilence), ("max-clipping", maxClipping),
            ("max-foreign", maxForeign),
        ] {
            try require((0...1).contains(share), flag, "0 to 1", share)
        }
        for (flag, seconds) in [
            ("min-duration", minDuration), ("duration-tolerance", durationTolerance),
        ] {
            try require(seconds >= 0, flag, "0 or more", seconds)
        }
        if let maxDuration {
            try require(
                maxDuration > minDuration, "max-duration", "more than --min-duration", maxDuration)
        }
        try require(silenceLevel <= 0, "silence-level", "at most 0", silenceLevel)
    }
}

/// Reasons with commas between them.
struct ReasonsOption: ExpressibleByArgument {
    let reasons: Set<ValidationReason>

    init?(argument: String) {
        let names = argument.split(separator: ",", omittingEmptySubsequences: false)
            .map { $0.trimmingCharacters(in: .whitespaces) }
        let reasons = names.compactMap(ValidationReason.init(rawValue:))
        // A line that cannot be read cannot be kept.
        guard reasons.count == names.count, !reasons.contains(.badLine) else { return nil }
        self.reasons = Set(reasons)
    }

    static var allValueStrings: [String] {
        ValidationReason.allCases.filter { $0 != .badLine }.map(\.rawValue)
    }
}
