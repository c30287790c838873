import Foundation
import SpeechCore
import SpeechModels
import Torch

/// `run.json`: how a run came about.
struct RunProvenance: Codable {
    var command: [String]
    var teacher: String
    var teacherFingerprint: String
    var started: String
    var processor: String
    var libtorch: String
    var threads: Int

    private enum CodingKeys: String, CodingKey {
        case command, teacher, started, processor, libtorch, threads
        case teacherFingerprint = "teacher_fingerprint"
    }

    init(command: [String], teacher: String, _ fingerprint: TeacherFingerprint) {
        self.command = command
        self.teacher = teacher
        teacherFingerprint = fingerprint.text
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

    static func read(from url: URL) throws -> RunProvenance {
        do {
            return try JSONDecoder().decode(Self.self, from: Data(contentsOf: url))
        } catch {
            throw RunError.foreignCheckpoint(
                path: url.path, key: "content", expected: "the record of a run", found: "\(error)")
        }
    }
}

/// Tells teachers apart without reading gigabytes: a hash over the configuration, every tensor's
/// name, shape and type, and up to 4096 bytes of its values.
struct TeacherFingerprint {
    let text: String

    init(_ model: LoadedModel) {
        // FNV-1a, 64 bits.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        func add(_ bytes: some Sequence<UInt8>) {
            for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        }
        add(model.directory.configData)
        for name in model.weights.names {
            add(name.utf8)
            guard let entry = model.weights.entry(name), let file = model.weights.file(of: name)
            else { continue }
            add("\(entry.dtype.rawValue)\(entry.shape)".utf8)
            try? file.withBytes(of: name) { bytes in add(bytes.prefix(4096)) }
        }
        text = String(hash, radix: 16)
    }
}
