extension HotWord {
    /// Reads a file with a hot word a line, which gzip may have compressed; behind a tab may stand
    /// its boost.
    ///
    /// - Throws: `FileSystemError`, `GzipError`, or `ManifestError.badLines` for a boost that is no
    ///   number and lines that are not UTF-8.
    public static func read(path: String) throws -> [HotWord] {
        var words: [HotWord] = []
        try TextLines.forEach(path: path) { number, line in
            let parts = line.split(separator: "\t", maxSplits: 1).map(trimmed)
            guard let word = parts.first, !word.isEmpty else { return }
            guard parts.count == 2 else {
                words.append(HotWord(word))
                return
            }
            guard let boost = Double(parts[1]), boost.isFinite else {
                throw ManifestError.badLines(
                    path: path,
                    faults: [
                        .init(
                            line: number,
                            detail: "expected a number behind the tab, found '\(parts[1])'")
                    ])
            }
            words.append(HotWord(word, boost: boost))
        }
        return words
    }

    private static func trimmed(_ text: Substring) -> String {
        var scalars = text.unicodeScalars
        while scalars.first?.isSpace == true { scalars.removeFirst() }
        while scalars.last?.isSpace == true { scalars.removeLast() }
        return String(scalars)
    }
}
