import ArgumentParser
import Foundation
import SpeechTraining

/// `colld data stats`: how much manifests hold.
struct DataStatsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats",
        abstract: "Show hours, lengths, characters and speakers of manifests by language.",
        discussion: """
            Reads manifests alone, no audio; several count as one. Characters are those of the texts \
            without white space; the last step of a histogram holds everything that is longer.
            """)

    @Argument(help: "Manifests in any format that training reads.")
    var manifests: [String]

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        let statistics = try ManifestStatistics(of: manifests.map { URL(fileURLWithPath: $0) })
        print(json ? try Output.json(statistics) : Self.text(statistics))
        if statistics.badLines > 0 {
            let note =
                "\(statistics.badLines) line(s) cannot be read; colld data validate lists them\n"
            FileHandle.standardError.write(Data(note.utf8))
        }
    }

    private static func text(_ statistics: ManifestStatistics) -> String {
        let steps = Double(ManifestStatistics.histogramSteps)
        let longest = seconds(steps * statistics.histogramSeconds)
        var rows = [
            [
                "language", "utterances", "hours", "min", "median", "mean", "p95", "max",
                "characters", "distinct", "per s", "speakers", "text", "target",
                "0 to \(longest) s",
            ]
        ]
        rows += statistics.languages.map { row($0.language ?? "-", $0) }
        rows.append(row("total", statistics.total))
        let columns = rows[0].count
        let table = TextTable(
            rows,
            alignment: [.left] + Array(repeating: .right, count: columns - 2) + [.left],
            ruledBefore: [1, rows.count - 1])
        return table.text + "\n\n" + histogram(statistics)
    }

    private static func row(_ name: String, _ part: ManifestStatistics.Part) -> [String] {
        let lengths = part.lengths
        let numbers = [
            lengths.minimum, lengths.median, lengths.mean, lengths.percentile95, lengths.maximum,
        ]
        return [name, String(part.utterances), Output.hours(part.hours)]
            + numbers.map { String(format: "%.2f", $0) } + [
                String(part.characters.total), String(part.characters.distinct),
                String(format: "%.1f", part.characters.perSecond), String(part.speakers),
                percent(part.textShare), percent(part.targetTextShare),
                Self.columns(part.histogram),
            ]
    }

    private static func percent(_ share: Double) -> String {
        share == 1 ? "100 %" : String(format: "%.1f %%", 100 * share)
    }

    private static func seconds(_ value: Double) -> String { String(format: "%g", value) }

    /// A column as high as its number for each step: ▁▄█▂.
    private static func columns(_ histogram: [Int]) -> String {
        let blocks = Array("▁▂▃▄▅▆▇█")
        let largest = max(1, histogram.max() ?? 0)
        return String(
            histogram.map { count in
                count == 0 ? " " : blocks[(count * blocks.count - 1) / largest]
            })
    }

    /// A bar for each step with all clips, up to the last that has one.
    private static func histogram(_ statistics: ManifestStatistics) -> String {
        let counts = statistics.total.histogram
        let largest = max(1, counts.max() ?? 0)
        let eighths = Array(" ▏▎▍▌▋▊▉█")
        let width = 40
        let last = counts.lastIndex { $0 > 0 } ?? 0
        let rows = counts[...last].enumerated().map { index, count in
            let start = seconds(Double(index) * statistics.histogramSeconds)
            let end = seconds(Double(index + 1) * statistics.histogramSeconds)
            let filled = (count * width * 8 + largest - 1) / largest
            let bar =
                String(repeating: "█", count: filled / 8)
                + (filled % 8 > 0 ? String(eighths[filled % 8]) : "")
            let isOpen = index == counts.count - 1
            return [isOpen ? "from \(start) s" : "\(start) to \(end) s", String(count), bar]
        }
        return TextTable(rows, alignment: [.left, .right, .left]).text
    }
}
