import FileMutation
import Foundation
import SpeechAudio
import SpeechCore
import TestSupport
import Testing

/// A corpus that a test makes in a temporary folder, beside the manifests made of it.
struct TestCorpus {
    /// Manifests are written here, so that their paths are relative to it.
    let folder: URL

    func url(_ path: String) -> URL { folder.appendingPathComponent(path) }

    private func prepare(_ path: String) throws -> URL {
        let target = url(path)
        try FileManager.default.createDirectory(
            at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
        return target
    }

    func write(_ text: String, _ path: String) throws { try write(Array(text.utf8), path) }

    func write(_ bytes: [UInt8], _ path: String) throws { try Data(bytes).write(to: prepare(path)) }

    /// A table of rows with tabs.
    func table(_ rows: [[String]], _ path: String) throws {
        try write(rows.map { $0.joined(separator: "\t") + "\n" }.joined(), path)
    }

    /// Lines as gzip would store them.
    func compressed(_ lines: [String], _ path: String) throws {
        try write(GzipBytes.stored(Array(lines.map { $0 + "\n" }.joined().utf8)), path)
    }

    /// A tone as a WAV or FLAC file, by the path's ending.
    func sound(_ path: String, seconds: Double = 0.1, rate: Int = 16_000) throws {
        try write([UInt8](Self.sound(seconds: seconds, rate: rate, name: path)), path)
    }

    static func sound(seconds: Double = 0.1, rate: Int = 16_000, name: String) throws -> Data {
        try AudioWriter.encode(
            sine(300, rate: rate, seconds: seconds), samplingRate: rate,
            format: name.hasSuffix(".flac") ? .flac : .wav, name: name)
    }

    /// A tone in any encoding.
    func sound(_ path: String, as encoding: Encoding, seconds: Double = 0.5, rate: Int = 16_000)
        throws
    {
        try encoding.write(
            sine(300, rate: rate, seconds: seconds), rate: rate, to: prepare(path).path)
    }

    /// Imports the corpus at a path.
    @discardableResult
    func importing(
        _ path: String, layout: String? = nil, splits: [String] = [], output: String = "",
        threads: Int = 2, _ change: (inout CorpusSource) -> Void = { _ in }
    ) throws -> ImportReport {
        var source = CorpusSource(path: url(path).path)
        change(&source)
        return try CorpusImporter(
            source, output: output.isEmpty ? folder : url(output), layout: layout,
            splits: splits, threads: threads
        ).run()
    }

    /// The lines of a file.
    func lines(_ path: String) throws -> [String] {
        try String(contentsOf: url(path), encoding: .utf8).split(separator: "\n").map(String.init)
    }

    /// What was left out: id and kind, and the reasons.
    func leftOut() throws -> (kinds: [String], reasons: [String]) {
        let objects = try lines("skipped.jsonl").map { line in
            try #require(
                JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String])
        }
        return (
            objects.map { "\($0["id"] ?? "") \($0["kind"] ?? "")" },
            objects.map { $0["reason"] ?? "" }
        )
    }

    /// Whether a file is there.
    func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: url(path).path)
    }
}

/// A corpus in a folder that exists while `body` runs.
func withCorpus(_ body: (TestCorpus) throws -> Void) throws {
    try withTemporaryDirectory { try body(TestCorpus(folder: $0.resolvingSymlinksInPath())) }
}
