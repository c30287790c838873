import Foundation
import SpeechAudio
import SpeechCore
import SpeechTraining

/// A temporary folder with clips and manifests of them; removed with its last reference.
final class ValidationFolder {
    /// The keys of a line, in their order, each with its JSON.
    typealias Line = KeyValuePairs<String, String>

    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory
            .appendingPathComponent("colld-validate-\(UUID().uuidString)", isDirectory: true)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    /// Noise that every seed has of its own.
    static func noise(_ seconds: Double, seed: UInt64, rate: Int = 16_000) -> [Float] {
        var generator = SeededGenerator(seed: seed, stream: 5)
        return (0..<Int((seconds * Double(rate)).rounded())).map { _ in
            Float(generator.uniform() - 0.5)
        }
    }

    func file(_ name: String) -> URL { url.appendingPathComponent(name) }

    /// Writes samples in the format that the name ends with.
    func write(_ samples: [Float], as name: String, rate: Int = 16_000) throws {
        try AudioWriter.write(
            samples, to: file(name), samplingRate: rate,
            format: name.hasSuffix(".flac") ? .flac : .wav)
    }

    /// A line as JSON; of a key that is there twice the last counts, `null` removes it.
    static func json(_ line: Line, _ changes: Line = [:]) -> String {
        var keys: [String] = []
        var values: [String: String] = [:]
        for (key, value) in Array(line) + Array(changes) {
            if !keys.contains(key) { keys.append(key) }
            values[key] = value
        }
        let members = keys.compactMap { key in
            values[key].flatMap { $0 == "null" ? nil : "\"\(key)\": \($0)" }
        }
        return "{" + members.joined(separator: ", ") + "}"
    }

    /// Writes a manifest.
    @discardableResult
    func manifest(_ lines: [String], as name: String = "m.jsonl") throws -> URL {
        try lines.map { $0 + "\n" }.joined()
            .write(to: file(name), atomically: true, encoding: .utf8)
        return file(name)
    }

    /// Three clips of a second in German, and their lines.
    func cleanLines() throws -> [String] {
        try (1...3).map { number in
            try write(Self.noise(1, seed: UInt64(number)), as: "\(number).wav")
            return Self.json(line(number))
        }
    }

    /// The line of the clip of a number.
    func line(_ number: Int) -> Line {
        [
            "audio_filepath": "\"\(number).wav\"", "duration": "1", "text": "\"guten Tag\"",
            "lang": "\"de\"", "id": "\"u\(number)\"",
        ]
    }
}

extension ManifestValidation {
    /// The reasons of each line that is not fit, by number.
    func reasons() throws -> [Int: [ValidationReason]] {
        try run().findings.mapValues { $0.map(\.reason) }
    }
}
