import Foundation
import Testing

/// What a process left behind.
struct CommandResult {
    /// The exit code, or 128 plus the signal that ended the process.
    let status: Int32
    /// Everything on standard output.
    let output: String
    /// Everything on standard error.
    let errors: String

    /// Standard output as one JSON object.
    func json() throws -> [String: Any] {
        let value = try JSONSerialization.jsonObject(with: Data(output.utf8))
        return try #require(value as? [String: Any], "\(output)")
    }
}

/// Every test of the command, one after another: each starts processes that compute.
@Suite("The command colld", .serialized) struct Commands {}

/// The command as it was built beside the tests.
enum Colld {
    /// The folder of the package.
    static let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The binary: beside the test bundle, which on Linux is the running program.
    static var binary: URL {
        let bundles = Bundle.allBundles.map(\.bundleURL).filter { $0.pathExtension == "xctest" }
        let program = URL(fileURLWithPath: CommandLine.arguments[0])
        let folders = (bundles + [program]).map { $0.deletingLastPathComponent() }
        let places = folders.map { $0.appendingPathComponent("colld") }
        return places.first { FileManager.default.isExecutableFile(atPath: $0.path) } ?? places[0]
    }

    struct TimeLimitExceeded: Error, CustomStringConvertible {
        let description: String
    }

    /// Runs any program and waits for its end.
    ///
    /// - Parameters:
    ///   - environment: Variables to set beside those of this process.
    ///   - input: The text on standard input.
    ///   - timeLimit: Seconds until the process is killed, which is an error.
    static func run(
        _ program: URL, _ arguments: [String], environment: [String: String] = [:],
        input: String = "", folder: URL? = nil, timeLimit: Double = 300
    ) throws -> CommandResult {
        // Files, not pipes: nobody has to read while the process writes.
        let place = FileManager.default.temporaryDirectory
            .appendingPathComponent("colld-run-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: place) }
        let streams = ["in", "out", "err"].map(place.appendingPathComponent)
        for stream in streams { try Data().write(to: stream) }
        try Data(input.utf8).write(to: streams[0])

        let process = Process()
        process.executableURL = program
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment
            .merging(["OMP_NUM_THREADS": "1", "NO_COLOR": "1"]) { $1 }
            .merging(environment) { $1 }
        process.currentDirectoryURL = folder ?? place
        process.standardInput = try FileHandle(forReadingFrom: streams[0])
        process.standardOutput = try FileHandle(forWritingTo: streams[1])
        process.standardError = try FileHandle(forWritingTo: streams[2])
        let ended = DispatchSemaphore(value: 0)
        process.terminationHandler = { _ in ended.signal() }
        try process.run()
        if ended.wait(timeout: .now() + timeLimit) == .timedOut {
            kill(process.processIdentifier, SIGKILL)
            ended.wait()
            throw TimeLimitExceeded(
                description: "'\(arguments.joined(separator: " "))' took over \(timeLimit) s")
        }
        let status = process.terminationStatus
        return CommandResult(
            status: process.terminationReason == .exit ? status : 128 + status,
            output: try String(contentsOf: streams[1], encoding: .utf8),
            errors: try String(contentsOf: streams[2], encoding: .utf8))
    }
}

/// Runs `colld` and waits for its end.
@discardableResult
func runColld(
    _ arguments: [String], environment: [String: String] = [:], input: String = "",
    folder: URL? = nil, timeLimit: Double = 300
) throws -> CommandResult {
    try Colld.run(
        Colld.binary, arguments, environment: environment, input: input, folder: folder,
        timeLimit: timeLimit)
}

/// Runs `colld`, which must end with `status` and say all `fragments` on standard error.
@discardableResult
func expectColld(
    _ arguments: [String], exits status: Int32, saying fragments: [String] = [],
    environment: [String: String] = [:], sourceLocation: SourceLocation = #_sourceLocation
) throws -> CommandResult {
    let result = try runColld(arguments, environment: environment)
    #expect(
        result.status == status, "\(result.errors)\(result.output.suffix(2000))",
        sourceLocation: sourceLocation)
    for fragment in fragments where !result.errors.contains(fragment) {
        Issue.record(
            "\"\(result.errors)\" does not say \"\(fragment)\"", sourceLocation: sourceLocation)
    }
    return result
}
