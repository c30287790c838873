/// Why a language model cannot be read or made.
public enum NGramError: ReportedError, Equatable {
    /// A line of an ARPA file, counted from 1, that is not what belongs there.
    case malformed(path: String, line: Int, expected: String, found: String)
    /// A section with another number of n-grams than the head of the file says; `line` is the first
    /// line too many, or that at which the section ends.
    case wrongCount(path: String, line: Int, order: Int, expected: Int, found: Int)
    /// A text with a word that has a meaning of its own in language models.
    case reservedWord(path: String, line: Int, found: String)
    /// Texts without a word.
    case noText(paths: [String])
    /// A setting out of its range.
    case invalidSetting(key: String, expected: String, found: String)

    /// What was expected and what was found, for a person to read.
    public var description: String {
        switch self {
        case .malformed(let path, let line, let expected, let found):
            return "\(path):\(line): expected \(expected), found \(found)"
        case .wrongCount(let path, let line, let order, let expected, let found):
            return "\(path):\(line): expected \(expected) \(order)-grams, as \\data\\ says, found "
                + (found > expected ? "more" : "\(found)")
        case .reservedWord(let path, let line, let found):
            return
                "\(path):\(line): expected words, found '\(found)', which stands for the ends of "
                + "sentences, unknown words or spaces in language models"
        case .noText(let paths):
            let names = paths.isEmpty ? ["the text"] : paths.map { "'\($0)'" }
            return "expected at least one word in \(names.joined(separator: ", ")), found none"
        case .invalidSetting(let key, let expected, let found):
            return "\(key): expected \(expected), found \(found)"
        }
    }

    /// Always bad input.
    public var exitStatus: ExitStatus { .badInput }
}
