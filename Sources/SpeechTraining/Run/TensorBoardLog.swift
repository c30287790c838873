package import Foundation

/// Scalars for TensorBoard: one event file for every start of a run.
///
/// A resumed run begins a new file, because the old one may end in the middle of a record. The new
/// file says from which step on it counts, and TensorBoard then forgets what earlier files hold of
/// these steps; so a step that was logged, lost and made again shows once.
package final class TensorBoardLog {
    private let url: URL
    private let handle: FileHandle

    /// Starts a file in a folder.
    ///
    /// * `step`: what earlier files say about later steps no longer holds, for a resumed run writes
    ///   it again; -1 for a new run.
    /// - Throws: `RunError.cannotCreate`.
    package init(folder: URL, keepingUpTo step: Int) throws {
        url = folder.appendingPathComponent(try Self.fileName(in: folder))
        let now = Date().timeIntervalSince1970
        let start = [
            EventRecord(wallTime: now, step: 0, content: .fileVersion),
            EventRecord(wallTime: now, step: step + 1, content: .sessionStart),
        ]
        do {
            try Data(start.map(\.framed).joined()).write(to: url, options: .withoutOverwriting)
            handle = try FileHandle(forWritingTo: url)
            try handle.seekToEnd()
        } catch {
            throw RunError.cannotCreate(path: url.path, reason: error.localizedDescription)
        }
    }

    deinit { try? handle.close() }

    /// Appends what is known after `step` updates, as one record in one write.
    ///
    /// - Throws: `RunError.cannotCreate` where nothing can be written.
    package func append(step: Int, _ scalars: [(tag: String, value: Double)]) throws {
        let record = EventRecord(
            wallTime: Date().timeIntervalSince1970, step: step, content: .scalars(scalars))
        do {
            try handle.write(contentsOf: record.framed)
        } catch {
            throw RunError.cannotCreate(path: url.path, reason: error.localizedDescription)
        }
    }

    /// `events.out.tfevents.<seconds>.<host>.<process>.0`.
    ///
    /// TensorBoard reads files in the order of their names; so the seconds are later than those of
    /// every file in the folder, whatever the clock says.
    private static func fileName(in folder: URL) throws -> String {
        let prefix = "events.out.tfevents."
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        } catch {
            throw RunError.cannotCreate(path: folder.path, reason: error.localizedDescription)
        }
        let latest = names.compactMap { name in
            name.hasPrefix(prefix) ? Int(name.dropFirst(prefix.count).prefix { $0 != "." }) : nil
        }.max()
        let seconds = max(Int(Date().timeIntervalSince1970), latest.map { $0 &+ 1 } ?? 0)
        let digits = String(seconds)
        let padding = String(repeating: "0", count: max(0, 10 - digits.count))
        return "\(prefix)\(padding)\(digits).\(hostName).\(getpid()).0"
    }

    /// The name of this machine, without asking the network for it as Foundation does.
    private static var hostName: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        let name = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        let text = String(decoding: name, as: UTF8.self).replacingOccurrences(of: "/", with: "-")
        return text.isEmpty ? "localhost" : text
    }
}
