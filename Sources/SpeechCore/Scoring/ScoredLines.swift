import Foundation

/// Reads texts that are lines of files, one for each utterance.
public struct ScoredLines: Sendable {
    /// Files of references; the first line of each belongs to the first utterance.
    public let references: [String]
    /// The file of what the system says.
    public let hypotheses: String
    /// A file with each utterance's language; nil for none.
    public let languages: String?
    /// The language of all utterances; nil for one that is not known.
    public let language: String?

    /// Files by their paths, which gzip may have compressed; `-` is standard input.
    public init(
        references: [String], hypotheses: String, languages: String? = nil, language: String? = nil
    ) {
        precondition(!references.isEmpty, "no file of references")
        self.references = references
        self.hypotheses = hypotheses
        self.languages = languages
        self.language = language
    }

    /// The utterances, called by the numbers of their lines.
    ///
    /// - Throws: `ScoreError` for files with different numbers of lines or none, lines that are not UTF-8,
    ///   references without words (unless they are allowed) and languages that are not known;
    ///   `FileSystemError`, `GzipError`.
    public func read(allowsEmptyReferences: Bool = false) throws -> [ScoredText] {
        if let language, LanguageScripts.scripts(of: language) == nil {
            throw ScoreError.unknownLanguage(path: nil, place: nil, code: language)
        }
        let references = try self.references.map { ($0, try Self.lines($0)) }
        guard let (first, lines) = references.first, !lines.isEmpty else {
            throw ScoreError.noUtterances(path: self.references[0])
        }
        for (path, others) in references.dropFirst() where others.count != lines.count {
            throw Self.difference(first, lines.count, path, others.count)
        }
        let hypotheses = try hypotheses(count: lines.count)
        let codes = try languages.map { path in
            let codes = try Self.lines(path).map(\.trimmed)
            guard codes.count == lines.count else {
                throw Self.difference(first, lines.count, path, codes.count)
            }
            for (index, code) in codes.enumerated() where LanguageScripts.scripts(of: code) == nil {
                throw ScoreError.unknownLanguage(
                    path: path, place: "line \(index + 1)", code: code)
            }
            return codes
        }
        if !allowsEmptyReferences {
            for (path, lines) in references {
                let empty = lines.indices.filter { lines[$0].trimmed.isEmpty }
                guard empty.isEmpty else {
                    throw ScoreError.emptyReferences(path: path, places: empty.map { "\($0 + 1)" })
                }
            }
        }
        return lines.indices.map { index in
            ScoredText(
                id: String(index + 1), language: codes?[index] ?? language,
                references: references.map { $0.1[index] }, hypothesis: hypotheses[index])
        }
    }

    /// The lines of the hypotheses, which must be as many as the references.
    private func hypotheses(count: Int) throws -> [String] {
        let lines = try Self.lines(hypotheses)
        guard lines.count == count else {
            throw Self.difference(references[0], count, hypotheses, lines.count)
        }
        return lines
    }

    /// The hypotheses of another system for the same references.
    ///
    /// - Throws: as `read(allowsEmptyReferences:)`.
    public static func hypotheses(_ path: String, references: String, count: Int) throws -> [String]
    {
        try ScoredLines(references: [references], hypotheses: path).hypotheses(count: count)
    }

    private static func difference(
        _ path: String, _ lines: Int, _ otherPath: String, _ otherLines: Int
    ) -> ScoreError {
        .lineCounts(path: path, lines: lines, otherPath: otherPath, otherLines: otherLines)
    }

    private static func lines(_ path: String) throws -> [String] {
        var lines: [String] = []
        func add(_ number: Int, _ bytes: UnsafeRawBufferPointer) throws {
            guard let line = String(validating: bytes, as: UTF8.self) else {
                throw ScoreError.notUTF8(path: path, line: number)
            }
            lines.append(line)
        }
        guard path == "-" else {
            try ManifestLines.forEach(path: path, add)
            return lines
        }
        let data = try FileHandle.standardInput.readToEnd() ?? Data()
        var parts = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if parts.last?.isEmpty == true { parts.removeLast() }
        for (index, part) in parts.enumerated() {
            try Data(part).withUnsafeBytes { try add(index + 1, $0) }
        }
        return lines
    }
}
