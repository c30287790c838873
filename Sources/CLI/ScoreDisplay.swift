import Foundation
import SpeechCore

/// Scores as a person reads them, and as JSON.
struct ScoreDisplay: Encodable {
    let report: ScoreReport
    var comparisons: [ScoreComparison]?
    /// Digits behind the point.
    var width = 1

    private enum CodingKeys: String, CodingKey { case comparisons }

    /// The report with the comparisons among its keys.
    func encode(to encoder: any Encoder) throws {
        try report.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(comparisons, forKey: .comparisons)
    }

    /// A line for each score, then what else was asked for, without a line break at the end.
    var text: String {
        var blocks = [report.total.scores.map { $0.line(width: width) }.joined(separator: "\n")]
        if !report.languages.isEmpty { blocks.append(languageTable) }
        if let comparisons, !comparisons.isEmpty { blocks.append(comparisonTable(comparisons)) }
        if let segments = report.segments { blocks.append(segmentTable(segments)) }
        blocks += report.worst.map { alignment in
            let language = alignment.language.map { " (\($0))" } ?? ""
            let errors = alignment.errors
            let unit = alignment.metric == .wer ? "WER" : "CER"
            return "utterance \(alignment.id)\(language): \(unit) \(number(100 * errors.rate)), "
                + "S \(errors.substitutions) D \(errors.deletions) I \(errors.insertions)\n"
                + alignment.text()
        }
        return blocks.joined(separator: "\n\n")
    }

    private func number(_ value: Double) -> String { String(format: "%.\(width)f", value) }

    private func title(_ score: MetricScore) -> String {
        score.form == .raw ? score.name : "\(score.name) norm."
    }

    /// The scores that any part has: BLEU of all may be missing.
    private var columns: [MetricScore] {
        report.languages.map(\.scores).max { $0.count < $1.count } ?? report.total.scores
    }

    private var languageTable: String {
        let columns = columns
        var rows = [["language", "utterances"] + columns.map(title)]
        func cells(_ part: ScoreReport.Part) -> [String] {
            columns.map { column in
                guard let score = part[column.metric, column.form] else { return "-" }
                let interval = score.confidence.map { confidence in
                    let factor: Double = column.metric.isErrorRate ? 100 : 1
                    return " ± " + number(factor * confidence.halfWidth)
                }
                return number(score.percent) + (interval ?? "")
            }
        }
        for part in report.languages {
            let mark = part.isWrittenWithoutSpaces ? " *" : ""
            rows.append([(part.name ?? "-") + mark, String(part.utterances)] + cells(part))
        }
        let last = rows.count
        rows.append(["micro", String(report.total.utterances)] + cells(report.total))
        if !report.macroAverages.isEmpty {
            rows.append(
                ["macro", ""]
                    + columns.map { column in
                        let average = report.macroAverages.first {
                            $0.metric == column.metric && $0.form == column.form
                        }
                        let factor: Double = column.metric.isErrorRate ? 100 : 1
                        return average.map { number(factor * $0.value) } ?? "-"
                    })
        }
        let alignment: [TextTable.Alignment] =
            [.left] + Array(repeating: .right, count: columns.count + 1)
        var text = TextTable(rows, alignment: alignment, ruledBefore: [1, last]).text
        if report.languages.contains(where: \.isWrittenWithoutSpaces) {
            text += "\n* written without spaces between words: read CER"
        }
        for average in report.macroAverages where average.metric == nil {
            text +=
                "\nmacro average of WER, with CER for *: \(number(100 * average.value))"
                + (average.form == .raw ? "" : " normalised")
        }
        return text
    }

    private func comparisonTable(_ comparisons: [ScoreComparison]) -> String {
        var rows = [["metric", "first", "second", "difference", "p"]]
        for comparison in comparisons {
            let factor: Double = comparison.metric.isErrorRate ? 100 : 1
            let name = comparison.metric.rawValue + (comparison.form == .raw ? "" : " norm.")
            let difference = factor * (comparison.system - comparison.baseline)
            rows.append([
                name, number(factor * comparison.baseline), number(factor * comparison.system),
                (difference > 0 ? "+" : "") + number(difference),
                String(format: "%.4f", comparison.pValue) + (comparison.pValue < 0.05 ? "*" : " "),
            ])
        }
        let table = TextTable(
            rows, alignment: [.left, .right, .right, .right, .right], ruledBefore: [1])
        let first = comparisons[0]
        let name =
            first.test == .bootstrap
            ? "paired bootstrap resampling" : "paired approximate randomization"
        return table.text
            + "\np: chance of such a difference between equal systems, by \(name) with "
            + "\(first.samples) trials and seed \(first.seed); * below 0.05"
    }

    private func segmentTable(_ segments: [SegmentScore]) -> String {
        let columns = columns
        let rows =
            [["line"] + columns.map(title)]
            + segments.map { segment in
                [segment.id]
                    + zip(columns, segment.values).map { column, value in
                        number(column.metric.isErrorRate ? 100 * value : value)
                    }
            }
        let alignment: [TextTable.Alignment] = Array(repeating: .right, count: columns.count + 1)
        return TextTable(rows, alignment: alignment, ruledBefore: [1]).text
    }
}
