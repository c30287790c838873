import Foundation
import SpeechCore
import Torch

/// `run.json`: how a run came about.
struct RunProvenance: Codable {
    var command: [String]
    var teacher: String
    var teacherFingerprint: String
    var dataFingerprint: String
    var started: String
    var processor: String
    var libtorch: String
    var threads: Int

    enum CodingKeys: String, CodingKey {
        case command, teacher, started, processor, libtorch, threads
        case teacherFingerprint = "teacher_fingerprint"
        case dataFingerprint = "data_fingerprint"
    }

    init(
        command: [String], teacher: String, teacherFingerprint: String, dataFingerprint: String
    ) {
        self.command = command
        self.teacher = teacher
        self.teacherFingerprint = teacherFingerprint
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
