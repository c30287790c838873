public import Foundation
import Testing

/// The Python environment whose packages tests compare with; without it those tests do not run.
public enum PythonOracle {
    /// The interpreter.
    public static let path = ProcessInfo.processInfo.environment["COLLD_ORACLE"]
    /// Whether there is one.
    public static var isThere: Bool { path != nil }

    /// Runs a script.
    ///
    /// * `arguments`: `sys.argv[1:]`.
    /// - Returns: what it prints.
    /// - Throws: where the script fails.
    @discardableResult
    public static func run(_ script: String, _ arguments: [String] = []) throws -> Data {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: try #require(path))
        process.arguments = ["-c", script] + arguments
        process.standardOutput = output
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        return data
    }
}
