/// What keeps texts from being scored.
public enum ScoreError: ReportedError, Equatable {
    /// Two files have different numbers of lines.
    case lineCounts(path: String, lines: Int, otherPath: String, otherLines: Int)
    /// A line is not UTF-8; lines count from 1.
    case notUTF8(path: String, line: Int)
    /// There is nothing to score.
    case noUtterances(path: String)
    /// References have no words; each is named as its text is called.
    case emptyReferences(path: String?, places: [String])
    /// A language is not known by its code; `places` are lines or utterances.
    case unknownLanguage(path: String?, place: String?, code: String)
    /// `ja-mecab` needs a program that is not there.
    case mecabMissing
    /// The program has another dictionary than the one that makes scores comparable.
    case mecabDictionary(program: String, found: String)
    /// The program failed.
    case mecabFailed(program: String, detail: String)
    /// Two systems have not answered the same utterances.
    case differentUtterances(expected: String, found: String)

    private static let shownPlaces = 5

    /// What was expected and what was found, for a person to read.
    public var description: String {
        switch self {
        case .lineCounts(let path, let lines, let otherPath, let otherLines):
            return "'\(path)' has \(Self.lines(lines)), but '\(otherPath)' has \(otherLines): "
                + "expected a line of each for every utterance"
        case .notUTF8(let path, let line):
            return "'\(path)' line \(line): expected UTF-8, found other bytes"
        case .noUtterances(let path):
            return "'\(path)' has no lines: expected one for every utterance"
        case .emptyReferences(let path, let places):
            let shown = places.prefix(Self.shownPlaces).joined(separator: ", ")
            let rest = places.count - Self.shownPlaces
            return (path.map { "'\($0)' " } ?? "")
                + "\(places.count == 1 ? "line" : "lines") \(shown)"
                + (rest > 0 ? " and \(rest) more" : "")
                + ": expected a reference with at least one word, found none"
        case .unknownLanguage(let path, let place, let code):
            return (path.map { "'\($0)' " } ?? "") + (place.map { "\($0): " } ?? "")
                + "expected a language of ISO 639 that is known here, found '\(code)'; with its script "
                + "any other is taken, such as '\(code)_Latn'"
        case .mecabMissing:
            return
                "the tokenizer ja-mecab needs the program MeCab and its IPA dictionary: found no "
                + "'mecab' in PATH; on Debian and Ubuntu: apt-get install mecab mecab-ipadic-utf8, on "
                + "macOS: brew install mecab mecab-ipadic; or take --tokenize char"
        case .mecabDictionary(let program, let found):
            return
                "'\(program)': expected the IPA dictionary with 392126 words in UTF-8 and no other, "
                + "found \(found); on Debian and Ubuntu: apt-get install mecab-ipadic-utf8"
        case .mecabFailed(let program, let detail):
            return "'\(program)' failed: \(detail)"
        case .differentUtterances(let expected, let found):
            return "two systems are compared on the same utterances: expected \(expected), "
                + "found \(found)"
        }
    }

    private static func lines(_ count: Int) -> String { count == 1 ? "1 line" : "\(count) lines" }

    /// Bad input, but for a program that fails.
    public var exitStatus: ExitStatus {
        if case .mecabFailed = self { return .runtimeFailure }
        return .badInput
    }
}
