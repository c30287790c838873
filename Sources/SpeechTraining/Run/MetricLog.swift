import Foundation
import SpeechCore

/// One JSON object a line: `metrics/train.jsonl` and its like.
///
/// Lines are appended, so that a killed run leaves whole lines and at most one broken one at the
/// end, which resuming cuts off.
final class MetricLog {
    private let url: URL
    private let handle: FileHandle

    /// Opens a log for appending and drops what was written after `step`, for a resumed run writes
    /// it again.
    ///
    /// - Throws: `FileSystemError.cannotWrite` or `RunError.cannotCreate`.
    init(_ url: URL, keepingUpTo step: Int) throws {
        self.url = url
        if let text = try? String(contentsOf: url, encoding: .utf8) {
            let kept = text.split(separator: "\n").filter {
                Self.step(of: $0).map { $0 <= step } ?? false
            }
            try AtomicFile.write(kept.map { $0 + "\n" }.joined(), to: url)
        } else {
            try AtomicFile.write("", to: url)
        }
        do {
            handle = try FileHandle(forWritingTo: url)
            try handle.seekToEnd()
        } catch {
            throw RunError.cannotCreate(path: url.path, reason: error.localizedDescription)
        }
    }

    deinit { try? handle.close() }

    /// Appends one object; values that are not finite become null.
    ///
    /// * `matrix`: a last field of that name, by rows, with six digits behind the point.
    /// - Throws: `RunError.cannotCreate` where nothing can be written.
    func append(
        _ fields: [(name: String, value: Double)], matrix: [[Double]]? = nil
    ) throws {
        var parts = fields.map { name, value in
            "\"\(name)\":" + (value.isFinite ? Self.number(value) : "null")
        }
        if let matrix {
            let rows = matrix.map { row in
                let values = row.map { $0.isFinite ? String(format: "%.6f", $0) : "null" }
                return "[" + values.joined(separator: ",") + "]"
            }
            parts.append("\"matrix\":[" + rows.joined(separator: ",") + "]")
        }
        do {
            try handle.write(contentsOf: Data(("{" + parts.joined(separator: ",") + "}\n").utf8))
        } catch {
            throw RunError.cannotCreate(path: url.path, reason: error.localizedDescription)
        }
    }

    /// The numbers of the last line that was written after `step` updates; empty without one.
    func values(atStep step: Int) -> [String: Double] {
        guard let text = try? String(contentsOf: url, encoding: .utf8),
            let line = text.split(separator: "\n").last(where: { Self.step(of: $0) == step }),
            let values = try? JSONDecoder().decode([String: Double?].self, from: Data(line.utf8))
        else { return [:] }
        return values.compactMapValues { $0 }
    }

    private static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
    }

    private static func step(of line: Substring) -> Int? {
        struct Line: Decodable { let step: Int }
        return try? JSONDecoder().decode(Line.self, from: Data(line.utf8)).step
    }
}
