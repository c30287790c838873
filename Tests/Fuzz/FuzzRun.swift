import FileMutation
import Foundation

/// Starts workers for every format and tells what came of it.
struct FuzzRun {
    /// Mutants of one process.
    private static let chunk = 20_000

    private let options: FuzzOptions

    init(_ options: FuzzOptions) { self.options = options }

    private struct Tally {
        var accepted = 0
        var refused: [String: Int] = [:]
        var failures: [(index: Int, what: String)] = []
        var peak = 0
    }

    /// Prints a table for each format; false where anything failed.
    func report() throws -> Bool {
        var isGood = true
        for format in options.formats {
            let start = ContinuousClock.now
            let tally = try tally(format)
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            print(
                "\(format.rawValue): \(options.count) mutants of seed \(options.seed) in "
                    + String(format: "%.1f s", seconds) + ", peak \(tally.peak >> 10) MiB")
            print("  accepted \(tally.accepted)")
            for (kind, count) in tally.refused.sorted(by: {
                ($1.value, $0.key) < ($0.value, $1.key)
            }) { print("  refused  \(count)  \(kind)") }
            for failure in tally.failures {
                print(
                    "  FAILED   seed \(options.seed), mutant \(failure.index): \(failure.what); "
                        + "--seed \(options.seed) --format \(format.rawValue) "
                        + "--show \(failure.index)")
            }
            isGood = isGood && tally.failures.isEmpty
        }
        return isGood
    }

    private func tally(_ format: MutatedFormat) throws -> Tally {
        // In memory where the system has such a place: most of the time would go into the disk.
        let memory = URL(fileURLWithPath: "/dev/shm")
        let place =
            FileManager.default.isWritableFile(atPath: memory.path)
            ? memory : FileManager.default.temporaryDirectory
        let folder = place.appendingPathComponent("colld-fuzz-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        var tally = Tally()
        var next = 0
        while next < options.count {
            let count = min(Self.chunk, options.count - next)
            if let failed = try work(format, next, count, folder, &tally) {
                next = failed + 1
            } else {
                next += count
            }
        }
        return tally
    }

    /// Runs one worker; returns the mutant that ended it early, if any.
    private func work(
        _ format: MutatedFormat, _ first: Int, _ count: Int, _ folder: URL, _ tally: inout Tally
    ) throws -> Int? {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0])
        process.arguments = [
            "--seed", "\(options.seed)", "--count", "\(count)", "--format", format.rawValue,
            "--first", "\(first)", "--folder", folder.path,
        ]
        // A crash is to end the process at once.
        process.environment = ProcessInfo.processInfo.environment
            .merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let text = String(
            decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 2).map(String.init)
            switch words[0] {
            case "accepted": tally.accepted += Int(words[1]) ?? 0
            case "refused": tally.refused[words[1], default: 0] += Int(words[2]) ?? 0
            case "peak": tally.peak = max(tally.peak, Int(words[1]) ?? 0)
            case "fault": tally.failures.append((Int(words[1]) ?? -1, words[2]))
            default: break
            }
        }
        let status = process.terminationStatus
        if process.terminationReason == .exit, status == 0 { return nil }
        let note = try Data(contentsOf: folder.appendingPathComponent(FuzzWorker.noteName))
        let index = note.withUnsafeBytes {
            Int(Int64(littleEndian: $0.loadUnaligned(as: Int64.self)))
        }
        let what =
            process.terminationReason == .exit
            ? "ended with \(status)"
            : status == SIGALRM
                ? "over \(FuzzWorker.secondsLimit) s"
                : "ended by signal \(status) (crash, or over \(FuzzWorker.memoryLimit >> 20) MiB)"
        tally.failures.append((index, what))
        return index
    }
}
