public import Foundation

/// A kind of manifest file.
public struct ManifestFormat: Sendable {
    /// The name that messages use.
    public let name: String
    /// The usual endings of file names, without the dot.
    public let fileExtensions: [String]
    /// Whether the first line that is not blank looks like this format.
    let recognizes: @Sendable (_ firstLine: String) -> Bool
    /// Whether each line by itself is an utterance, so that one can be read without the others.
    let hasUtteranceLines: Bool
    /// Reads what can be read of a manifest and lists the lines at fault.
    public let scan: @Sendable (URL) throws -> ManifestContents

    /// All formats; a new one is one more line.
    public static let all = [jsonLines, fairseqTSV]

    /// JSON Lines as NeMo writes them, the format of this package.
    public static let jsonLines = ManifestFormat(
        name: "JSON Lines", fileExtensions: ["jsonl", "json", "manifest", "ndjson"],
        recognizes: { $0.hasPrefix("{") }, hasUtteranceLines: true,
        scan: { try JSONLinesManifest.scan($0) })

    /// The TSV files of fairseq, at 16 kHz.
    public static let fairseqTSV = ManifestFormat(
        name: "fairseq TSV", fileExtensions: ["tsv"],
        recognizes: { !$0.contains("\t") && !$0.hasPrefix("{") && !$0.hasPrefix("[") },
        hasUtteranceLines: false,
        scan: { try TSVManifest.scan($0) })

    /// Finds the format of a manifest by its ending and its first line.
    ///
    /// The content decides where it can: a `.json` file that begins with `{` and a `.tsv` file that
    /// begins with a folder. JSON Lines are found under any ending.
    ///
    /// - Throws: `FileSystemError`, `ManifestError.empty` for a file without text, or
    ///   `ManifestError.unknownFormat`.
    public static func detect(_ url: URL) throws -> ManifestFormat {
        guard let first = try ManifestLines(path: url.path).firstText else {
            throw ManifestError.empty(path: url.path)
        }
        let ending = url.pathExtension.lowercased()
        if let format = all.first(where: { $0.fileExtensions.contains(ending) }) {
            // A wrong line in a file of a known ending is reported by its reader, with the number.
            if format.recognizes(first) || ending == "jsonl" { return format }
        } else if jsonLines.recognizes(first) {
            return jsonLines
        }
        throw ManifestError.unknownFormat(
            path: url.path, expected: all.map { "\($0.name) (.\($0.fileExtensions[0]))" },
            found: "a '.\(ending)' file that begins with \"\(first.prefix(40))\"")
    }

    /// Reads a manifest of any format.
    ///
    /// - Throws: `FileSystemError` or `ManifestError`.
    public static func read(_ url: URL) throws -> [Utterance] {
        try detect(url).scan(url).validated(path: url.path)
    }
}
