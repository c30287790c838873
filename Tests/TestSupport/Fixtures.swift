public import Foundation
public import SpeechCore
import Testing

/// The reference files under `Tests/Fixtures`.
public enum Fixtures {
    /// The folder of all fixtures.
    public static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures", isDirectory: true)

    /// A file or folder by its path below `root`.
    public static func url(_ path: String) -> URL { root.appendingPathComponent(path) }

    /// The folder of a model, such as `w2vbert`.
    public static func model(_ name: String) -> URL { url("models/\(name)") }

    /// Opens a safetensors file by its path below `root`.
    public static func safetensors(_ path: String) throws -> SafetensorsFile {
        try SafetensorsFile(path: url(path).path)
    }

    /// Opens what the reference computes for a model.
    public static func expected(_ model: String) throws -> SafetensorsFile {
        try safetensors("models/\(model)/expected.safetensors")
    }
}

/// A new folder that exists while `body` runs.
@discardableResult
public func withTemporaryDirectory<R>(_ body: (URL) throws -> R) throws -> R {
    let url = FileManager.default.temporaryDirectory
        .appendingPathComponent("colld-test-\(UUID().uuidString)", isDirectory: true)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: url) }
    return try body(url)
}

/// A new folder that exists while `body` runs; for bodies that wait.
@discardableResult
public func withTemporaryDirectory<R>(
    isolation: isolated (any Actor)? = #isolation, _ body: (URL) async throws -> R
) async throws -> R {
    let url = FileManager.default.temporaryDirectory
        .appendingPathComponent("colld-test-\(UUID().uuidString)", isDirectory: true)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: url) }
    return try await body(url)
}
