public import Foundation

/// Manifests of fairseq: a root folder on the first line, then `path<TAB>samples`.
///
/// Labels lie beside `name.tsv` with one line per utterance: `name.wrd` (words) or else `name.ltr`
/// (letters, with `|` for the space) gives the text, `name.lang` the language and `name.uid` the id.
/// Without `.uid` the path as written is the id.
public enum TSVManifest {
    /// Reads a manifest and its labels.
    ///
    /// - Parameters:
    ///   - url: The `.tsv` file.
    ///   - samplingRate: The rate that the sample counts refer to, in hertz.
    /// - Throws: `FileSystemError` or `ManifestError`.
    public static func read(_ url: URL, samplingRate: Int = 16_000) throws -> [Utterance] {
        try scan(url, samplingRate: samplingRate).validated(path: url.path)
    }

    /// Reads what can be read of a manifest and lists the lines at fault.
    ///
    /// - Throws: `FileSystemError` when a file cannot be read at all, `ManifestError.labelCount`, or
    ///   `ManifestError.badLines` for labels at fault.
    public static func scan(_ url: URL, samplingRate: Int = 16_000) throws -> ManifestContents {
        precondition(samplingRate > 0, "a sampling rate of \(samplingRate)")
        var contents = ManifestContents()
        var root: URL?
        try ManifestLines(path: url.path).forEach { number, bytes in
            guard let line = String(validating: bytes, as: UTF8.self) else {
                contents.faults.append(
                    .init(line: number, detail: "expected UTF-8, found other bytes"))
                return
            }
            guard let folder = root else {
                let path = line.trimmingCharacters(in: .whitespaces)
                let own = ManifestPath.folder(of: url)
                root = URL(fileURLWithPath: ManifestPath.resolve(path, in: own), isDirectory: true)
                if path.isEmpty || line.contains("\t") {
                    contents.faults.append(
                        .init(line: 1, detail: "expected the root folder, found \"\(line)\""))
                }
                return
            }
            if bytes.isBlank { return }
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
            guard fields.count == 2, !fields[0].isEmpty else {
                contents.faults.append(
                    .init(
                        line: number,
                        detail: "expected path<TAB>samples, found \(fields.count) column(s)"))
                return
            }
            guard let samples = Int(fields[1]), samples > 0 else {
                contents.faults.append(
                    .init(
                        line: number,
                        detail: "expected a number of samples above 0, found \"\(fields[1])\""))
                return
            }
            contents.utterances.append(
                Utterance(
                    id: String(fields[0]),
                    audioPath: ManifestPath.resolve(String(fields[0]), in: folder),
                    duration: Double(samples) / Double(samplingRate), samples: samples))
            contents.lines.append(number)
        }
        if contents.faults.isEmpty { try addLabels(to: &contents.utterances, of: url) }
        return contents
    }

    private static func addLabels(to utterances: inout [Utterance], of url: URL) throws {
        if let words = try labels("wrd", of: url, count: utterances.count) {
            for (index, line) in words.enumerated() { utterances[index].text = line }
        } else if let letters = try labels("ltr", of: url, count: utterances.count) {
            for (index, line) in letters.enumerated() { utterances[index].text = joined(line) }
        }
        if let languages = try labels("lang", of: url, count: utterances.count) {
            for (index, line) in languages.enumerated() { utterances[index].lang = line }
        }
        if let ids = try labels("uid", of: url, count: utterances.count) {
            for (index, line) in ids.enumerated() { utterances[index].id = line }
        }
    }

    /// The lines of a label file, or nil when there is none.
    private static func labels(
        _ suffix: String, of url: URL, count: Int
    ) throws -> [String]? {
        let file = url.deletingPathExtension().appendingPathExtension(suffix)
        guard FileManager.default.fileExists(atPath: file.path) else { return nil }
        let lines = try ManifestLines(path: file.path).texts(path: file.path)
            .map { $0.trimmingCharacters(in: .whitespaces) }
        guard lines.count == count else {
            throw ManifestError.labelCount(path: file.path, expected: count, found: lines.count)
        }
        let faults = lines.enumerated().filter { line in
            line.element.allSatisfy { $0 == "|" || $0.isWhitespace }
        }
        guard faults.isEmpty else {
            throw ManifestError.badLines(
                path: file.path,
                faults: faults.map {
                    .init(line: $0.offset + 1, detail: "expected a label, found zero length")
                })
        }
        return lines
    }

    /// `T H I S | I S |` as words.
    private static func joined(_ letters: String) -> String {
        letters.split(separator: " ").joined().split(separator: "|").joined(separator: " ")
    }
}
