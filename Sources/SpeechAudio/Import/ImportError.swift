public import SpeechCore

/// Why a corpus cannot be imported.
public enum ImportError: ReportedError, Equatable {
    /// The place is none of the layouts that are recognised.
    case unknownLayout(path: String, expected: [String], found: [String])
    /// The place is not of the layout that was asked for.
    case otherLayout(path: String, layout: String, expected: String, found: [String])
    /// No layout has this name.
    case unknownLayoutName(String, known: [String])
    /// The corpus lacks a split that was asked for.
    case missingSplit(path: String, split: String, found: [String])
    /// None of the splits is imported unless it is named.
    case noDefaultSplit(path: String, found: [String])
    /// A file that belongs to the layout is not there.
    case missingFile(path: String, expected: String)
    /// Something that is not read, with what would be.
    case unsupported(path: String, expected: String, found: String)
    /// A table names a program to run, which nobody allowed.
    case pipe(path: String, id: String, command: String)
    /// One place holds several corpora, of which one has to be named.
    case ambiguous(path: String, expected: String, found: [String])
    /// Nothing could be imported.
    case nothingLeft(path: String, leftOut: Int, first: [String])

    /// What was expected and what was found, for a person to read.
    public var description: String {
        switch self {
        case .unknownLayout(let path, let expected, let found):
            return "'\(path)' is no corpus of a known layout: expected one of"
                + expected.map { "\n  \($0)" }.joined() + "\nfound " + Self.names(found)
                + Self.parquetHint(found)
        case .otherLayout(let path, let layout, let expected, let found):
            return "'\(path)' is not of the layout \(layout): expected \(expected), found "
                + Self.names(found) + Self.parquetHint(found)
        case .unknownLayoutName(let name, let known):
            return "no layout is called '\(name)': expected \(known.joined(separator: ", "))"
        case .missingSplit(let path, let split, let found):
            return "'\(path)' has no split '\(split)': expected one of \(Self.names(found))"
        case .noDefaultSplit(let path, let found):
            return "'\(path)' has none of the usual splits: expected --split with one of "
                + Self.names(found)
        case .missingFile(let path, let expected):
            return "'\(path)': expected \(expected), found nothing"
        case .unsupported(let path, let expected, let found):
            return "cannot import '\(path)': expected \(expected), found \(found)"
        case .pipe(let path, let id, let command):
            return
                "'\(path)', recording '\(id)': expected a file, found the command \"\(command)\";"
                + " --allow-pipes runs such commands"
        case .ambiguous(let path, let expected, let found):
            return "'\(path)' holds several corpora: expected \(expected), found "
                + Self.names(found)
        case .nothingLeft(let path, let leftOut, let first):
            let shown = first.map { "\n  \($0)" }.joined()
            let rest = leftOut - first.count
            return
                "nothing of '\(path)' can be imported: expected at least one clip, found none in "
                + "\(leftOut)" + (leftOut > 0 ? ":" : "") + shown
                + (rest > 0 ? "\n  … and \(rest) more" : "")
        }
    }

    /// Always bad input.
    public var exitStatus: ExitStatus { .badInput }

    private static func names(_ found: [String]) -> String {
        guard !found.isEmpty else { return "nothing" }
        return found.prefix(12).joined(separator: ", ") + (found.count > 12 ? ", …" : "")
    }

    private static func parquetHint(_ found: [String]) -> String {
        guard found.contains(where: { $0.hasSuffix(".parquet") }) else { return "" }
        return "\n(Parquet files are not read: write them as an audio folder with metadata.jsonl)"
    }
}
