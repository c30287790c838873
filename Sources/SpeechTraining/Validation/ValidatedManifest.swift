public import Foundation
internal import SpeechCore

/// A manifest whose utterances were checked.
public struct ValidatedManifest: Sendable {
    /// The sums by language and reason.
    public let summary: ValidationSummary
    private let blocks: ManifestBlocks
    private let records: ValidationRecords

    init(blocks: ManifestBlocks, records: ValidationRecords, settings: ValidationSettings) {
        self.blocks = blocks
        self.records = records
        summary = ValidationSummary(
            manifest: blocks.url.path, settings: settings, records: records)
    }

    /// The number of lines, blank ones not among them.
    public var count: Int { records.all.count }

    /// What is wrong with each line that is not fit, by the line's number.
    public var findings: [Int: [ValidationFinding]] {
        records.all.reduce(into: [:]) { all, record in
            if !record.isFit { all[record.line] = record.findings }
        }
    }

    /// Writes the fit utterances as JSON Lines, beside and renamed.
    ///
    /// Lines of JSON are copied as they are; in another folder their path is replaced by one that is
    /// right there, and an utterance that was named by its path keeps that name as `id`.
    ///
    /// - Throws: `ManifestValidationError.nothingLeft`, or `FileSystemError.cannotWrite`.
    public func writeManifest(to url: URL) throws {
        try requireFit()
        let folder = ManifestPath.folder(of: url)
        let isSameFolder = folder.path == ManifestPath.folder(of: blocks.url).path
        try AtomicFile.write(to: url) { sink in
            if blocks.holdsJSONLines, isSameFolder {
                for record in records.all where record.isFit {
                    try blocks.withBytes(record.bytes) { try sink.write($0) }
                    try sink.write("\n")
                }
                return
            }
            try forEachFit { line, utterance in
                let text =
                    blocks.holdsJSONLines
                    ? try blocks.withBytes(line.bytes) {
                        try JSONLinesManifest.moved($0, utterance, to: folder)
                    } : JSONLinesManifest.line(utterance, folder: folder)
                try sink.write(text + "\n")
            }
        }
    }

    /// Writes the summary and every line that is not fit as one JSON object.
    ///
    /// - Throws: `FileSystemError.cannotWrite`.
    public func writeReport(to url: URL) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let head = String(decoding: try encoder.encode(summary), as: UTF8.self)
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try AtomicFile.write(to: url) { sink in
            // The list may be long: it is written line by line into the summary's object.
            try sink.write(String(head.dropLast(2)) + ",\n  \"unfit_lines\" : [")
            var separator = "\n    "
            try forEachUnfit { line in
                try sink.write(separator)
                try sink.write(try encoder.encode(line))
                separator = ",\n    "
            }
            try sink.write("\n  ]\n}\n")
        }
    }

    /// Checks that an utterance is left.
    ///
    /// - Throws: `ManifestValidationError.nothingLeft`.
    public func requireFit() throws {
        guard summary.total.kept.utterances > 0 else {
            throw ManifestValidationError.nothingLeft(manifest: blocks.url.path, lost: count)
        }
    }

    /// Checks that every utterance is fit.
    ///
    /// - Throws: `ManifestValidationError.lost`.
    public func requireAllFit() throws {
        let kept = summary.total.kept.utterances
        guard kept == count else {
            throw ManifestValidationError.lost(
                manifest: blocks.url.path, lost: count - kept, total: count)
        }
    }

    /// A line that is not fit, as the report has it.
    private struct UnfitLine: Encodable {
        let line: Int
        let id: String?
        let path: String?
        let language: String?
        let duration: Double
        let findings: [ValidationFinding]

        private enum CodingKeys: String, CodingKey {
            case line, id, language, duration, findings
            case path = "audio_filepath"
        }
    }

    private func forEachUnfit(_ body: (UnfitLine) throws -> Void) throws {
        try forEachLine { record, line in
            guard !record.isFit else { return }
            var utterance: Utterance?
            if case .utterance(let found) = line.content { utterance = found }
            try body(
                UnfitLine(
                    line: record.line, id: utterance?.id, path: utterance?.audioPath,
                    language: records.languages[record.language], duration: record.duration,
                    findings: record.findings))
        }
    }

    private func forEachFit(_ body: (ManifestLine, Utterance) throws -> Void) throws {
        try forEachLine { record, line in
            if record.isFit, case .utterance(let utterance) = line.content {
                try body(line, utterance)
            }
        }
    }

    /// Reads the manifest again: texts and paths were not kept.
    private func forEachLine(
        _ body: (ValidationRecords.Record, ManifestLine) throws -> Void
    ) throws {
        var index = 0
        for block in 0..<blocks.count {
            for line in blocks.lines(ofBlock: block) {
                try body(records.all[index], line)
                index += 1
            }
        }
    }
}
