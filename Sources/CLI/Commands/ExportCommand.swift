import ArgumentParser
import Foundation
import SpeechModels
import SpeechTraining

/// `colld export`: models in the forms that other programs take.
struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write a model in the form that other programs take.",
        subcommands: [ExportHFCommand.self])
}

/// `colld export hf`: a Hugging Face model directory.
struct ExportHFCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hf",
        abstract: "Write a model as transformers writes it today: safetensors, today's names.",
        discussion: """
            Reads every format and older names; every tensor keeps its type and its bits. Heads, \
            tokenizer, language adapters and the model card come along. The files are read back and \
            compared with the model: exit code 3 and no output where a tensor differs.
            """)

    @Option(help: "A model directory, or a repository in the local Hugging Face cache.")
    var model: String

    @Option(help: ArgumentHelp("The directory to write.", valueName: "dir"))
    var output: String

    @Flag(help: "Write the bare encoder, without heads, tokenizer and adapters.")
    var encoderOnly = false

    @Option(help: "How large a file of weights may be, such as 500MB or 2GiB.")
    var maxShardSize = ByteSizeOption(bytes: HuggingFaceExport.standardShardSize)

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        do {
            let report = try ExportTask(model: model).writeHuggingFace(
                to: URL(fileURLWithPath: output), encoderOnly: encoderOnly,
                maxShardSize: maxShardSize.bytes)
            try show(report)
        } catch ExportError.differs(let report) {
            try show(report)
            throw ExportError.differs(report)
        }
    }

    private func show(_ report: ExportReport) throws {
        print(json ? try Output.json(report) : text(report))
    }

    private func text(_ report: ExportReport) -> String {
        var rows = [["model", report.model], ["output", report.output]]
        for file in report.files {
            rows.append(
                ["file", "\(file.name), \(file.tensors) tensors, \(file.bytes) bytes"])
        }
        if !report.copied.isEmpty {
            rows.append(["copied", report.copied.joined(separator: ", ")])
        }
        if !report.renamed.isEmpty {
            let (old, new) = report.renamed.min { $0.key < $1.key }!
            rows.append(["renamed", "\(report.renamed.count) tensors, such as \(old) to \(new)"])
        }
        if !report.leftOut.isEmpty {
            let shown = report.leftOut.prefix(6).joined(separator: ", ")
            let more = report.leftOut.count > 6 ? " and \(report.leftOut.count - 6) more" : ""
            rows.append(["left out", shown + more])
        }
        rows.append([
            "parity",
            report.isIdentical
                ? "all \(report.compared) tensors read back bit for bit"
                : "\(report.different.count) of \(report.compared) tensors differ: "
                    + report.different.joined(separator: ", "),
        ])
        return TextTable(rows, alignment: [.left, .left]).text
    }
}

/// A number of bytes with its unit.
struct ByteSizeOption: ExpressibleByArgument {
    let bytes: Int

    private static let units = [
        ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("kB", 1000), ("KB", 1000),
        ("MB", 1_000_000), ("GB", 1_000_000_000), ("B", 1), ("", 1),
    ]

    init(bytes: Int) { self.bytes = bytes }

    init?(argument: String) {
        guard let (unit, factor) = Self.units.first(where: { argument.hasSuffix($0.0) }),
            let count = Int(argument.dropLast(unit.count)), count > 0
        else { return nil }
        let (bytes, isTooLarge) = count.multipliedReportingOverflow(by: factor)
        guard !isTooLarge else { return nil }
        self.bytes = bytes
    }

    var defaultValueDescription: String {
        bytes.isMultiple(of: 1_000_000_000) ? "\(bytes / 1_000_000_000)GB" : "\(bytes)"
    }
}
