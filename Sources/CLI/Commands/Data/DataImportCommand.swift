import ArgumentParser
import Foundation
import SpeechAudio
import SpeechTraining

/// `colld data import`: manifests of corpora that others made.
struct DataImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Write the manifests of a corpus as it was downloaded.",
        discussion: """
            The layout is recognised: \(CorpusLayout.all.map(\.name).joined(separator: ", ")) \
            (the last only by its name). Audio stays where it is. A folder with several languages of \
            Common Voice, FLEURS, MLS or VoxPopuli becomes one manifest a split with all of them. \
            What cannot be imported is listed in skipped.jsonl beside the manifests, with the reason.
            """)

    @Option(
        help: ArgumentHelp(
            "The folder or file of the corpus; shards as in 'train-{000..127}.tar'.",
            valueName: "path"))
    var from: String

    @Option(
        help: ArgumentHelp(
            "A folder for one manifest a split, or a file ending in .jsonl for all.",
            valueName: "path"))
    var output: String

    @Option(help: "The layout, if it is not to be recognised.")
    var layout: String?

    @Option(help: "A split to import, may be repeated; the usual ones without any.")
    var split: [String] = []

    @Option(help: "The language to write instead of the corpus' own.")
    var language: String?

    @Option(help: "The language of translations.")
    var targetLanguage: String?

    @Option(
        help: ArgumentHelp(
            "The column of the transcript, such as raw_transcription of FLEURS.",
            valueName: "name"))
    var textColumn: String?

    @Option(
        help: ArgumentHelp(
            "Where relative paths start and commands run; for CoVoST the folder of Common Voice.",
            valueName: "dir"))
    var root: String?

    @Flag(
        help: """
            Run the commands that stand for audio files in wav.scp or Lhotse's manifests, and keep \
            their output in audio/ beside the manifests.
            """)
    var allowPipes = false

    @OptionGroup var work: WorkOptions

    func run() throws {
        var source = CorpusSource(path: from)
        source.root = root.map { URL(fileURLWithPath: $0, isDirectory: true).absoluteURL }
        source.language = language
        source.targetLanguage = targetLanguage
        source.textColumn = textColumn
        source.allowsPipes = allowPipes
        let importer = try CorpusImporter(
            source, output: URL(fileURLWithPath: output), layout: layout, splits: split,
            threads: work.threadCount)
        let isQuiet = work.noProgress || RunReporter.isSwitchedOff
        var lastLine = ContinuousClock.now
        let report = try importer.run { progress in
            guard !isQuiet, lastLine.duration(to: .now) >= .seconds(5) else { return }
            lastLine = .now
            let line =
                "\(progress.split): \(progress.utterances) utterances so far, "
                + "\(progress.leftOut) left out\n"
            FileHandle.standardError.write(Data(line.utf8))
        }
        print(work.json ? try Output.json(report) : Self.text(report))
    }

    /// A row for each language of each split, and what was left out.
    private static func text(_ report: ImportReport) -> String {
        var rows = [["split", "language", "utterances", "hours"]]
        var rules = [1]
        func hours(_ seconds: Double) -> String { String(format: "%.2f", seconds / 3600) }
        let languages = report.splits.flatMap(\.languages)
        for split in report.splits {
            for language in split.languages {
                rows.append([
                    split.split, language.language.isEmpty ? "-" : language.language,
                    String(language.utterances), hours(language.seconds),
                ])
            }
            if split.languages.isEmpty { rows.append([split.split, "-", "0", hours(0)]) }
        }
        if rows.count > 2 {
            rules.append(rows.count)
            rows.append([
                "total", "", String(languages.reduce(0) { $0 + $1.utterances }),
                hours(languages.reduce(0) { $0 + $1.seconds }),
            ])
        }
        let table = TextTable(
            rows, alignment: [.left, .left, .right, .right], ruledBefore: rules)
        var manifests: [String] = []
        for case let path? in report.splits.map(\.manifest) where !manifests.contains(path) {
            manifests.append(path)
        }
        var text = "layout \(report.layout)\n\n\(table.text)\n\n"
        text += manifests.joined(separator: "\n")
        guard let list = report.skippedList else { return text }
        text += "\n\nleft out, with reasons in \(list):"
        for split in report.splits {
            for kind in LeftOutKind.allCases {
                guard let count = split.leftOut[kind.rawValue] else { continue }
                text += "\n  \(split.split): \(count) × \(kind.words)"
            }
        }
        return text
    }
}
