import Foundation
import SpeechCore
import Torch

/// `run.json`: how a run came about.
struct RunProvenance: Codable {
    /// A model that the run starts from.
    struct Source: Codable {
        /// `teacher`, `student` or `model`.
        var role: String
        /// As the command named it.
        var name: String
        var fingerprint: String
    }

    var command: [String]
    var models: [Source]
    var dataFingerprint: String
    var started: String
    var processor: String
    var libtorch: String
    var threads: Int

    enum CodingKeys: String, CodingKey {
        case command, models, started, processor, libtorch, threads
        case dataFingerprint = "data_fingerprint"
    }

    init(
        command: [String], models: [Source], dataFingerprint: String
    ) {
        self.command = command
        self.models = models
        self.dataFingerprint = dataFingerprint
        started = Date().formatted(.iso8601)
        processor = Processor.name
        libtorch = Engine.version
        threads = Engine.threads
    }

    func write(to url: URL) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try AtomicFile.write(encoder.encode(self) + Data("\n".utf8), to: url)
    }

    /// The fingerprints of all models with their parts in the run, names left out: a folder may move.
    var fingerprints: String { Self.fingerprints(models) }

    static func fingerprints(_ models: [Source]) -> String {
        models.map { "\($0.role) \($0.fingerprint)" }.joined(separator: ", ")
    }

    /// Checks that a resumed run has the inputs of the one that was started.
    ///
    /// - Throws: `RunError.foreignCheckpoint`.
    func check(_ key: CodingKeys, _ stored: String, is found: String, in url: URL) throws {
        guard stored == found else {
            throw RunError.foreignCheckpoint(
                path: url.path, key: key.rawValue, expected: stored, found: found)
        }
    }

    static func read(from url: URL) throws -> RunProvenance {
        do {
            return try JSONDecoder().decode(Self.self, from: Data(contentsOf: url))
        } catch {
            throw RunError.foreignCheckpoint(
                path: url.path, key: "content", expected: "the record of a run", found: "\(error)")
        }
    }
}
