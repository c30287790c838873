import ArgumentParser
import Foundation
import SpeechCore
import SpeechModels

/// `colld inspect`: what a model directory holds.
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show a model's layers, parameters, operations and files.",
        discussion: """
            Reads config.json and the headers of the weight files, no weights. Operations are \
            multiply-accumulates (MACs) of matrix products and convolutions.
            """)

    @Argument(help: "A model directory, or a repository in the local Hugging Face cache.")
    var model: String

    @Option(help: "Lengths of audio in seconds to count operations for.")
    var seconds = SecondsOption(argument: "1,10,60")!

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        let inspection = try ModelInspection(ModelDirectory(model), seconds: seconds.values)
        print(json ? try Output.json(inspection) : InspectionReport(inspection).text)
        guard inspection.problems.isEmpty else {
            throw ModelError.weightsDoNotFit(path: inspection.path, problems: inspection.problems)
        }
    }
}

/// Positive numbers with commas between them.
struct SecondsOption: ExpressibleByArgument {
    let values: [Double]

    init?(argument: String) {
        let numbers = argument.split(separator: ",", omittingEmptySubsequences: false)
            .map { Double($0.trimmingCharacters(in: .whitespaces)) }
        values = numbers.compactMap { $0 }
        // A day: far beyond any clip, and no sum of operations overflows.
        guard values.count == numbers.count, values.allSatisfy({ $0 >= 0.1 && $0 <= 86_400 }) else {
            return nil
        }
    }

    var defaultValueDescription: String {
        values.map { String(format: "%g", $0) }.joined(separator: ",")
    }
}

/// An inspection as people read it.
private struct InspectionReport {
    private let model: ModelInspection

    init(_ model: ModelInspection) { self.model = model }

    var text: String {
        [facts, parts, files].joined(separator: "\n\n")
    }

    private var facts: String {
        let milliseconds = 1000 / Double(model.samplingRate)
        let longest = model.maximumSamples.map {
            ", at most \(Self.plain(Double($0) * milliseconds / 1000)) s at a time"
        }
        let written = model.architecture.map {
            $0 == model.encoderClass ? "" : ", written by \($0)"
        }
        var rows = [
            ("model", model.path),
            ("family", model.family + (model.baseFamily.map { ", layers of \($0)" } ?? "")),
            ("class", model.encoderClass + (written ?? "")),
            (
                "layers",
                "\(model.layers) x \(model.width), \(model.heads) heads, feed-forward "
                    + "\(model.feedForward)"
            ),
            ("output", "\(model.outputWidth) wide"),
            (
                "frames",
                "\(Self.plain(model.framesPerSecond)) a second, each sees "
                    + "\(Self.plain(Double(model.receptiveField) * milliseconds)) ms"
            ),
            (
                "audio",
                "\(model.samplingRate) Hz, at least \(model.minimumSamples) samples "
                    + "(\(Self.plain(Double(model.minimumSamples) * milliseconds)) ms)"
                    + (longest ?? "")
            ),
            ("features", model.featureExtractor),
            ("licence", model.license ?? "not stated"),
        ]
        if let structure = model.structure { rows += sizes(structure) }
        if let head = model.head {
            let tokenizer = head.tokenizerSize.map { ", tokenizer of \($0)" } ?? ""
            rows.append(("head", "CTC over \(head.vocabularySize) tokens\(tokenizer)"))
            if let problem = head.problem { rows.append(("", problem)) }
        }
        if !model.languages.isEmpty {
            rows.append(("languages", model.languages.joined(separator: ", ")))
        }
        if model.outputWidth == model.width { rows.removeAll { $0.0 == "output" } }
        return TextTable(rows.map { [$0.0, $0.1] }, alignment: [.left, .left]).text
    }

    /// What layers have instead of what the row `layers` says.
    private func sizes(_ structure: EncoderStructure) -> [(String, String)] {
        func list(_ values: [Int?]) -> String {
            values.map { $0.map(String.init) ?? "-" }.joined(separator: " ")
        }
        let layers = structure.layers
        var rows = [("heads", list(layers.map(\.heads)) + ", each \(structure.headWidth) wide")]
        if layers.contains(where: { $0.firstFeedForward != nil }) {
            rows.append(("1st feed-forward", list(layers.map(\.firstFeedForward))))
        }
        rows.append(("feed-forward", list(layers.map(\.feedForward))))
        if layers.contains(where: { $0.convolutionChannels != nil }) {
            rows.append(("convolution", list(layers.map(\.convolutionChannels))))
        }
        let reusing = layers.indices.filter { layers[$0].reusesAttention }.map { "\($0 + 1)" }
        if !reusing.isEmpty {
            rows.append(
                ("attention", "of the layer before in " + reusing.joined(separator: " ")))
        }
        if structure.timeReduction > 1 {
            rows.append(
                ("time reduction", "\(structure.timeReduction) frames become one before the layers")
            )
        }
        return rows
    }

    private var parts: String {
        let lengths = model.secondsOfAudio.map { "\(Self.plain($0)) s" }
        var rows = [["part", "parameters", "share"] + lengths.map { "MACs/s at \($0)" }]
        let total = Double(max(1, model.parameters))
        for part in model.parts {
            let macs = part.macsPerSecond.map { $0.map(Self.scaled) }
            rows.append(
                [
                    part.name, Self.grouped(part.parameters),
                    String(format: "%.1f %%", 100 * Double(part.parameters) / total),
                ] + (macs ?? lengths.map { _ in "-" }))
        }
        rows.append(
            ["total", Self.grouped(model.parameters), "100.0 %"]
                + model.macsPerSecond.map(Self.scaled))
        var text = TextTable(
            rows, alignment: [.left] + Array(repeating: .right, count: 2 + lengths.count),
            ruledBefore: [1, rows.count - 1]
        ).text
        if model.buffers > 0 { text += "\nbuffers: \(Self.grouped(model.buffers)) values" }
        if model.parts.contains(where: { Self.isUncounted($0) }) {
            text += "\nThe operations of parts with - are not counted."
        }
        return text
    }

    /// Norms and embeddings have none worth counting; these have.
    private static func isUncounted(_ part: ModelInspection.Part) -> Bool {
        part.macsPerSecond == nil && !part.name.hasSuffix("norm") && !part.name.hasSuffix("norms")
            && part.name != "mask embedding"
    }

    private var files: String {
        let dtypes = model.dtypes.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            .map { "\(Self.grouped($0.value)) \($0.key)" }
        var rows = [["values", dtypes.joined(separator: ", ")]]
        for file in model.files {
            rows.append(["file", "\(file.name), \(Self.bytes(file.bytes))"])
        }
        if !model.ignored.isEmpty {
            let shown = model.ignored.prefix(6).joined(separator: ", ")
            let more = model.ignored.count > 6 ? " and \(model.ignored.count - 6) more" : ""
            rows.append(
                [
                    "left out",
                    "\(Self.grouped(model.ignoredParameters)) values in \(shown)\(more)",
                ])
        }
        return TextTable(rows, alignment: [.left, .left]).text
    }

    private static func plain(_ value: Double) -> String { String(format: "%g", value) }

    /// 1,234,567.
    private static func grouped(_ value: Int) -> String {
        var digits = Array(String(value))
        for index in stride(from: digits.count - 3, to: 0, by: -3) {
            digits.insert(",", at: index)
        }
        return String(digits)
    }

    /// Three digits and a unit: 12.3 G.
    private static func scaled(_ value: Double) -> String {
        let units = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")]
        guard let (factor, unit) = units.first(where: { value >= $0.0 }) else {
            return String(format: "%.0f", value)
        }
        return "\(Output.number(value / factor)) \(unit)"
    }

    private static func bytes(_ value: Int) -> String {
        value < 1_000_000
            ? String(format: "%.1f kB", Double(value) / 1e3)
            : value < 1_000_000_000
                ? String(format: "%.1f MB", Double(value) / 1e6)
                : String(format: "%.2f GB", Double(value) / 1e9)
    }
}

/// Columns of text, as wide as their widest cell.
struct TextTable {
    enum Alignment { case left, right }

    private let rows: [[String]]
    private let alignment: [Alignment]
    private let ruled: Set<Int>

    /// - Parameters:
    ///   - ruledBefore: Rows with a line above them.
    init(_ rows: [[String]], alignment: [Alignment], ruledBefore: [Int] = []) {
        self.rows = rows
        self.alignment = alignment
        ruled = Set(ruledBefore)
    }

    /// All rows, without a line break at the end.
    var text: String {
        let widths = alignment.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        let rule = String(
            repeating: "-", count: widths.reduce(0, +) + 2 * max(0, widths.count - 1))
        var lines: [String] = []
        for (index, row) in rows.enumerated() {
            if ruled.contains(index) { lines.append(rule) }
            let cells = row.indices.map { column in
                let space = String(repeating: " ", count: widths[column] - row[column].count)
                return alignment[column] == .left ? row[column] + space : space + row[column]
            }
            let line = cells.joined(separator: "  ")
            lines.append(String(line.reversed().drop { $0 == " " }.reversed()))
        }
        return lines.joined(separator: "\n")
    }
}
