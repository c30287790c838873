public import Foundation
import SpeechCore

/// The folder of a run and what stands where in it.
public struct RunDirectory: Sendable {
    /// The folder itself.
    public let url: URL

    /// Names a folder; nothing is read or written.
    public init(_ url: URL) { self.url = url }

    /// `config.yaml`: the resolved configuration.
    public var config: URL { url.appendingPathComponent("config.yaml") }
    /// `log.txt`: what the command says, with times.
    public var log: URL { url.appendingPathComponent("log.txt") }
    /// `run.json`: versions, machine, command, teacher fingerprint.
    public var provenance: URL { url.appendingPathComponent("run.json") }
    /// `skipped.jsonl`: utterances that could not be used, with the reason.
    public var skipped: URL { url.appendingPathComponent("skipped.jsonl") }
    /// `checkpoints`.
    public var checkpoints: URL { url.appendingPathComponent("checkpoints") }
    /// `model`: the result as a Hugging Face directory.
    public var model: URL { url.appendingPathComponent("model") }

    /// `metrics/<name>.jsonl`.
    public func metrics(_ name: String) -> URL {
        url.appendingPathComponent("metrics").appendingPathComponent("\(name).jsonl")
    }

    /// Makes the folders.
    ///
    /// - Throws: `RunError.cannotCreate`.
    public func create() throws {
        for folder in [url, checkpoints, url.appendingPathComponent("metrics")] {
            do {
                try FileManager.default.createDirectory(
                    at: folder, withIntermediateDirectories: true)
            } catch {
                throw RunError.cannotCreate(path: folder.path, reason: error.localizedDescription)
            }
        }
    }

    /// Makes sure that a folder can be written without losing what stands in its place.
    ///
    /// - Throws: `RunError.occupied` for anything but an empty folder.
    static func requireFree(_ folder: URL) throws {
        let path = folder.path
        guard FileManager.default.fileExists(atPath: path) else { return }
        let names = try? FileManager.default.contentsOfDirectory(atPath: path)
        if names?.isEmpty != true { throw RunError.occupied(path: path) }
    }

    /// Where the checkpoint after `step` updates stands.
    public func checkpoint(step: Int) -> URL {
        checkpoints.appendingPathComponent("step_\(step)")
    }

    /// The steps of all whole checkpoints, ascending.
    public var checkpointSteps: [Int] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: checkpoints.path)) ?? []
        return names.compactMap { $0.hasPrefix("step_") ? Int($0.dropFirst(5)) : nil }.sorted()
    }

    /// The step that the link `last` or `best` points to.
    public func linkedStep(_ name: String) -> Int? {
        let link = checkpoints.appendingPathComponent(name).path
        guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: link),
            target.hasPrefix("step_"), let step = Int(target.dropFirst(5)),
            FileManager.default.fileExists(atPath: checkpoint(step: step).path)
        else { return nil }
        return step
    }

    /// Lets the link `last` or `best` point to a checkpoint, in one step.
    ///
    /// - Throws: `RunError.cannotCreate`.
    public func link(_ name: String, to step: Int) throws {
        let link = checkpoints.appendingPathComponent(name).path
        let temporary = link + ".tmp"
        unlink(temporary)
        guard symlink("step_\(step)", temporary) == 0, rename(temporary, link) == 0 else {
            throw RunError.cannotCreate(path: link, reason: String(cString: strerror(errno)))
        }
    }
}
