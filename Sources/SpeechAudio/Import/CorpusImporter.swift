public import Foundation
internal import SpeechCore

/// Writes the manifests of a corpus that someone else made.
///
/// Clips stream through: a few thousand at a time are looked at on several threads and written, so that
/// a corpus of millions takes little memory. What cannot be imported is written to `skipped.jsonl`
/// beside the manifests with the reason. The result does not depend on the number of threads.
public struct CorpusImporter {
    /// How far an import is.
    public struct Progress: Sendable {
        /// The split at work.
        public let split: String
        /// Utterances that were written.
        public let utterances: Int
        /// What was left out.
        public let leftOut: Int
    }

    private let source: CorpusSource
    private let layout: CorpusLayout
    private let parts: [CorpusPart]
    private let output: URL
    private let threads: Int

    private static let batch = 4096

    /// Recognises a corpus.
    ///
    /// * `source`: the corpus.
    /// * `output`: a folder for one manifest a split, or a file ending in `.jsonl` for all of them.
    /// * `layout`: the name of the layout; recognised without one.
    /// * `splits`: those to import; the usual ones without any.
    /// * `threads`: how many files are looked at at once, at least 1.
    ///
    /// - Throws: `ImportError`, and what reading the place throws.
    public init(
        _ source: CorpusSource, output: URL, layout: String? = nil, splits: [String] = [],
        threads: Int = ProcessInfo.processInfo.activeProcessorCount
    ) throws {
        precondition(threads >= 1)
        let (found, parts) = try CorpusLayout.find(source, named: layout)
        self.source = source
        self.layout = found
        self.output = output.absoluteURL.standardizedFileURL
        self.threads = threads
        var names: [String] = []
        for part in parts where !names.contains(part.split) { names.append(part.split) }
        for split in splits where !names.contains(split) {
            throw ImportError.missingSplit(path: source.path, split: split, found: names)
        }
        self.parts =
            splits.isEmpty
            ? parts.filter(\.isUsual) : parts.filter { splits.contains($0.split) }
        guard !self.parts.isEmpty else {
            throw ImportError.noDefaultSplit(path: source.path, found: names)
        }
    }

    private var isOneFile: Bool { output.pathExtension == "jsonl" }

    private var folder: URL { isOneFile ? output.deletingLastPathComponent() : output }

    /// Reads the corpus and writes manifests.
    ///
    /// - Parameter progress: Called after each few thousand clips.
    /// - Throws: `ImportError.nothingLeft`, `ManifestError` for tables that cannot be used,
    ///   `TarArchiveError`, `GzipError` or `FileSystemError`.
    public func run(progress: @escaping (Progress) -> Void = { _ in }) throws -> ImportReport {
        try CorpusFolder.create(folder)
        var report = ImportReport(layout: layout.name)
        var splits: [String] = []
        for part in parts where !splits.contains(part.split) { splits.append(part.split) }
        var leftOut = 0
        var first: [String] = []
        let list = folder.appendingPathComponent("skipped.jsonl")
        do {
            try AtomicFile.write(to: list) { skipped in
                let writer = Writer(self, skipped: skipped, progress: progress)
                if isOneFile {
                    try Self.writeUnlessEmpty(to: output) { sink in
                        for split in splits {
                            report.splits.append(
                                try writer.write(split, parts(of: split), to: sink))
                        }
                        return report.splits.contains { $0.utterances > 0 }
                    }
                    for index in report.splits.indices where report.splits[index].utterances > 0 {
                        report.splits[index].manifest = output.path
                    }
                } else {
                    for split in splits {
                        let url = folder.appendingPathComponent(Self.fileName(split) + ".jsonl")
                        var result = ImportReport.Split(split)
                        let isWritten = try Self.writeUnlessEmpty(to: url) { sink in
                            writer.forgetIDs()
                            result = try writer.write(split, parts(of: split), to: sink)
                            return result.utterances > 0
                        }
                        if isWritten { result.manifest = url.path }
                        report.splits.append(result)
                    }
                }
                (leftOut, first) = (writer.leftOut, writer.first)
                if leftOut == 0 { throw Nothing() }
            }
            report.skippedList = list.path
        } catch is Nothing {
            // The list of an earlier import would speak of other clips.
            unlink(list.path)
        }
        guard report.splits.contains(where: { $0.utterances > 0 }) else {
            throw ImportError.nothingLeft(path: source.path, leftOut: leftOut, first: first)
        }
        return report
    }

    private func parts(of split: String) -> [CorpusPart] {
        parts.filter { $0.split == split }
    }

    /// A split is called as people like, a file is not.
    private static func fileName(_ split: String) -> String {
        split.replacingOccurrences(of: "/", with: "_")
    }

    private struct Nothing: Error {}

    /// Writes a file, or removes an older one when `body` says that there is nothing.
    @discardableResult
    private static func writeUnlessEmpty(
        to url: URL, _ body: (FileSink) throws -> Bool
    ) throws -> Bool {
        do {
            try AtomicFile.write(to: url) { if try !body($0) { throw Nothing() } }
            return true
        } catch is Nothing {
            unlink(url.path)
            return false
        }
    }

    /// Takes clips, has them looked at in batches and writes their lines.
    private final class Writer {
        private let importer: CorpusImporter
        private let skipped: FileSink
        private let progress: (Progress) -> Void
        private let examiner: ClipExaminer
        private var batch: [CorpusItem] = []
        private var ids: Set<UInt128> = []
        private var written = 0
        private(set) var leftOut = 0
        /// The first few reasons.
        private(set) var first: [String] = []

        init(
            _ importer: CorpusImporter, skipped: FileSink, progress: @escaping (Progress) -> Void
        ) {
            self.importer = importer
            self.skipped = skipped
            self.progress = progress
            examiner = ClipExaminer(
                threads: importer.threads,
                commands: CommandAudio(
                    folder: importer.folder.appendingPathComponent("audio"),
                    workingFolder: importer.source.root))
        }

        /// Ids have to be unique within one manifest.
        func forgetIDs() { ids.removeAll() }

        func write(
            _ split: String, _ parts: [CorpusPart], to sink: FileSink
        ) throws -> ImportReport.Split {
            var result = ImportReport.Split(split)
            for part in parts {
                try part.read { item in
                    batch.append(item)
                    if batch.count == CorpusImporter.batch { try flush(to: sink, &result) }
                }
            }
            try flush(to: sink, &result)
            return result
        }

        private func flush(to sink: FileSink, _ result: inout ImportReport.Split) throws {
            for outcome in examiner.examine(batch) {
                switch outcome {
                case .success(let utterance):
                    guard ids.insert(KeyHash.value(utterance.id)).inserted else {
                        try leaveOut(
                            LeftOutClip(
                                id: utterance.id, path: utterance.audioPath, kind: .duplicateID,
                                reason: "expected every id once, found '\(utterance.id)' again"),
                            &result)
                        continue
                    }
                    let line = JSONLinesManifest.line(utterance, folder: importer.folder)
                    try sink.write(line + "\n")
                    result.count(utterance.lang ?? "", seconds: utterance.duration)
                    written += 1
                case .failure(let clip): try leaveOut(clip, &result)
                }
            }
            batch.removeAll(keepingCapacity: true)
            progress(
                Progress(split: result.split, utterances: written, leftOut: leftOut))
        }

        private func leaveOut(
            _ clip: LeftOutClip, _ result: inout ImportReport.Split
        ) throws {
            var line = JSONObject()
            line["id"] = .string(clip.id)
            line["kind"] = .string(clip.kind.rawValue)
            line["path"] = .string(clip.path)
            line["reason"] = .string(clip.reason)
            line["split"] = .string(result.split)
            try skipped.write(JSONValue.object(line).text() + "\n")
            result.leftOut[clip.kind.rawValue, default: 0] += 1
            leftOut += 1
            if first.count < 5 { first.append(clip.reason) }
        }
    }
}
