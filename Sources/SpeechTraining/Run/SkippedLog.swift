import Foundation
import SpeechCore

/// `skipped.jsonl`: utterances that could not be used, each with the reason.
enum SkippedLog {
    private struct Line: Codable {
        let id: String
        let path: String
        let reason: String
    }

    /// Writes the whole list; without any utterance there is no file.
    ///
    /// - Throws: `FileSystemError.cannotWrite`.
    static func write(_ skipped: [SkippedUtterance], to url: URL) throws {
        unlink(url.path)
        try append(skipped, to: url)
    }

    /// Appends lines for utterances that have none yet: a resumed run meets some again.
    ///
    /// The file is written as a whole, so it never ends in half a line.
    ///
    /// - Throws: `FileSystemError.cannotWrite`.
    static func append(_ skipped: [SkippedUtterance], to url: URL) throws {
        guard !skipped.isEmpty else { return }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var text = (try? String(contentsOf: url, encoding: .utf8)) ?? ""
        let known = Set(
            text.split(separator: "\n").compactMap { line -> [String]? in
                let line = try? JSONDecoder().decode(Line.self, from: Data(line.utf8))
                return line.map { [$0.id, $0.path] }
            })
        for utterance in skipped where !known.contains([utterance.id, utterance.path]) {
            let line = Line(id: utterance.id, path: utterance.path, reason: utterance.reason)
            text += String(decoding: try encoder.encode(line), as: UTF8.self) + "\n"
        }
        try AtomicFile.write(text, to: url)
    }
}
