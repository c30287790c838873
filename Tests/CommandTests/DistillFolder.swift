import Foundation
import TestSupport
import Testing

/// A temporary folder with a tiny corpus for runs of `colld distill`; removed with its last reference.
final class DistillFolder {
    let url: URL
    let train: URL
    let valid: URL
    let output: URL

    /// Small and fast; whatever a machine's processor can do, it computes the same way.
    static let settings = [
        "student.design={layers: 2, width: 32, heads: 4}", "student.initialization=random",
        "teacher.precision=fp32", "trainer.precision=fp32", "dataset.max_seconds=6",
        "dataset.threads=1", "optimizer.lr=2e-3", "lr_scheduler.warmup=4", "trainer.log_every=1",
    ]

    /// Writes recordings of 2 to 3 s, each a voice-like tone whose pitch moves, and two manifests.
    init(training: Int = 10, validation: Int = 3) throws {
        url = FileManager.default.temporaryDirectory
            .appendingPathComponent("colld-distill-\(UUID().uuidString)", isDirectory: true)
        train = url.appendingPathComponent("train.jsonl")
        valid = url.appendingPathComponent("valid.jsonl")
        output = url.appendingPathComponent("run")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        for index in 0..<(training + validation) {
            try ModelFiles.writeWave(Self.tone(index), to: recording(index))
        }
        try write(Array(0..<training), to: train)
        try write(Array(training..<(training + validation)), to: valid)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    /// The file of a recording.
    func recording(_ index: Int) -> URL { url.appendingPathComponent("\(index).wav") }

    /// The line of a recording in a manifest, with other values where `changes` has them.
    func line(_ index: Int, _ changes: [String: Any] = [:]) throws -> String {
        let seconds = Double(Self.tone(index).count) / 16_000
        let object: [String: Any] = [
            "audio_filepath": "\(index).wav", "duration": seconds, "id": "u\(index)",
            "lang": index.isMultiple(of: 2) ? "de" : "sw",
        ]
        let data = try JSONSerialization.data(
            withJSONObject: object.merging(changes) { $1 }, options: .sortedKeys)
        return String(decoding: data, as: UTF8.self) + "\n"
    }

    /// Writes a manifest of some recordings.
    func write(_ indices: [Int], to manifest: URL) throws {
        let lines = try indices.map { try line($0) }
        try Data(lines.joined().utf8).write(to: manifest)
    }

    private static func tone(_ index: Int) -> [Int16] {
        let count = 32_000 + 4_000 * (index % 5)
        let number = Double(index)
        var phase = 0.0
        return (0..<count).map { sample in
            let time = Double(sample) / 16_000
            let slow = 1 + 0.5 * sin(2 * .pi * (0.7 + 0.1 * number) * time + number)
            let pitch = (100 + 20 * number) * slow * (1 + 0.3 * sin(2 * .pi * 3.1 * time))
            phase += 2 * .pi * pitch / 16_000
            let value = 0.3 * sin(phase) + 0.15 * sin(2 * phase + number) + 0.1 * sin(5 * phase)
            return Int16(value * 26_000)
        }
    }

    /// The arguments of a run; later settings win.
    func arguments(
        _ settings: [String] = [], teacher: URL = Fixtures.model("w2vbert"), train: URL? = nil,
        validates: Bool = false, resumes: Bool = false, output: URL? = nil
    ) -> [String] {
        var arguments = [
            "distill", "--teacher", teacher.path, "--train", (train ?? self.train).path,
            "--output", (output ?? self.output).path,
        ]
        if validates { arguments += ["--valid", valid.path] }
        if resumes { arguments.append("--resume") }
        return arguments + Self.settings + settings
    }
}

/// What a run left in its folder.
struct RunFiles {
    let url: URL

    init(_ url: URL) { self.url = url }

    /// A file by its path in the run's folder.
    func callAsFunction(_ path: String) -> URL { url.appendingPathComponent(path) }

    func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: self(path).path) }

    func text(_ path: String) throws -> String {
        try String(contentsOf: self(path), encoding: .utf8)
    }

    /// The lines of `metrics/<name>.jsonl`, or of another file of JSON objects.
    func lines(_ path: String) throws -> [[String: Any]] {
        try text(path).split(separator: "\n").map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }

    /// The steps of a log of metrics, in its order.
    func steps(_ name: String) throws -> [Int] {
        try lines("metrics/\(name).jsonl").map { try #require($0["step"] as? Int) }
    }

    /// The losses of a log of metrics, in its order.
    func losses(_ name: String) throws -> [Double] {
        try lines("metrics/\(name).jsonl").map { try #require($0["loss"] as? Double) }
    }

    /// What `checkpoints` holds besides the two links, sorted.
    var checkpoints: [String] {
        let names = try? FileManager.default.contentsOfDirectory(atPath: self("checkpoints").path)
        return (names ?? []).filter { $0 != "last" && $0 != "best" }.sorted()
    }

    /// The step that the link `last` or `best` points to, nil without a whole checkpoint there.
    func linked(_ name: String) -> Int? {
        let path = self("checkpoints/\(name)").path
        guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path),
            exists("checkpoints/\(target)/trainer.json")
        else { return nil }
        return Int(target.dropFirst("step_".count))
    }

    /// Every file of a checkpoint.
    func checkpoint(_ step: Int) throws -> [String: Data] {
        let folder = self("checkpoints/step_\(step)")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        return try Dictionary(
            uniqueKeysWithValues: names.map {
                ($0, try Data(contentsOf: folder.appendingPathComponent($0)))
            })
    }
}

/// Records an issue unless two checkpoints hold the same bytes in all files.
func expectSame(
    _ first: [String: Data], _ second: [String: Data],
    sourceLocation: SourceLocation = #_sourceLocation
) {
    let expected = [
        "config.json", "heads.safetensors", "model.safetensors", "optimizer.safetensors",
        "preprocessor_config.json", "trainer.json",
    ]
    #expect(first.keys.sorted() == expected, sourceLocation: sourceLocation)
    #expect(second.keys.sorted() == expected, sourceLocation: sourceLocation)
    for name in expected where first[name] != second[name] {
        Issue.record("\(name) differs", sourceLocation: sourceLocation)
    }
}

/// `colld` while it runs.
final class RunningColld {
    private let process = Process()
    private let errors: URL
    private let ended = DispatchSemaphore(value: 0)

    /// Starts a process.
    init(_ arguments: [String], in folder: DistillFolder) throws {
        errors = folder.url.appendingPathComponent("errors-\(UUID().uuidString)")
        try Data().write(to: errors)
        process.executableURL = Colld.binary
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment
            .merging(["OMP_NUM_THREADS": "1"]) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = try FileHandle(forWritingTo: errors)
        let ended = ended
        process.terminationHandler = { _ in ended.signal() }
        try process.run()
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    /// Waits until something becomes true while the process runs.
    func wait(
        seconds: Double = 60, sourceLocation: SourceLocation = #_sourceLocation,
        until condition: () -> Bool
    ) throws {
        let end = ContinuousClock.now + .seconds(seconds)
        while !condition() {
            try #require(
                process.isRunning && ContinuousClock.now < end,
                "\((try? String(contentsOf: errors, encoding: .utf8)) ?? "")",
                sourceLocation: sourceLocation)
            Thread.sleep(forTimeInterval: 0.002)
        }
    }

    /// Sends a signal and waits for the end.
    func end(_ signal: Int32, seconds: Double = 60) throws -> CommandResult {
        kill(process.processIdentifier, signal)
        if ended.wait(timeout: .now() + seconds) == .timedOut {
            kill(process.processIdentifier, SIGKILL)
            throw Colld.TimeLimitExceeded(description: "no end \(seconds) s after signal \(signal)")
        }
        let status = process.terminationStatus
        return CommandResult(
            status: process.terminationReason == .exit ? status : 128 + status, output: "",
            errors: try String(contentsOf: errors, encoding: .utf8))
    }
}

/// Starts `colld` and kills it with SIGKILL as soon as a condition holds.
func killColld(
    _ arguments: [String], in folder: DistillFolder,
    sourceLocation: SourceLocation = #_sourceLocation, when condition: () -> Bool
) throws {
    let process = try RunningColld(arguments, in: folder)
    try process.wait(sourceLocation: sourceLocation, until: condition)
    let result = try process.end(SIGKILL)
    #expect(result.status == 137, "\(result.errors)", sourceLocation: sourceLocation)
}
