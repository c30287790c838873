import Foundation
import SpeechCore
import SpeechModels
import TestSupport
import Testing

/// A copy of a fixture's model directory, to be spoilt by a test.
struct ModelFolder {
    let url: URL
    var path: String { url.path }

    /// Copies everything but what the reference computes.
    init(copying fixture: String, to folder: URL) throws {
        url = folder.appendingPathComponent(fixture)
        let source = Fixtures.model(fixture)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        for name in try FileManager.default.contentsOfDirectory(atPath: source.path)
        where name != "expected.safetensors" {
            try FileManager.default.copyItem(
                at: source.appendingPathComponent(name), to: url.appendingPathComponent(name))
        }
    }

    func file(_ name: String) -> URL { url.appendingPathComponent(name) }

    func remove(_ name: String) throws { try FileManager.default.removeItem(at: file(name)) }

    func load() throws -> LoadedModel { try ModelLoader.load(path) }

    /// Changes keys of a JSON file.
    func edit(_ changes: [String: JSONValue], in name: String = "config.json") throws {
        var object = try JSONFile(path: file(name).path).object
        for (key, value) in changes { object[key] = value }
        try AtomicFile.write(JSONValue.object(object).text(indent: 2), to: file(name))
    }

    /// Rewrites the weights after `change` had its way with the entries.
    func editWeights(
        _ change: (inout [String: SafetensorsEntry]) throws -> Void
    ) throws {
        let url = file("model.safetensors")
        let weights = try SafetensorsFile(path: url.path)
        var entries: [String: SafetensorsEntry] = [:]
        for name in weights.names {
            let info = try #require(weights.entry(name))
            entries[name] = SafetensorsEntry(name: name, dtype: info.dtype, shape: info.shape) {
                emit in try weights.withBytes(of: name) { try emit($0) }
            }
        }
        try change(&entries)
        try SafetensorsWriter.write(Array(entries.values), to: url)
    }
}

/// A new copy of a fixture's model that exists while `body` runs.
func withModel<R>(_ fixture: String, _ body: (ModelFolder) throws -> R) throws -> R {
    try withTemporaryDirectory { try body(ModelFolder(copying: fixture, to: $0)) }
}
