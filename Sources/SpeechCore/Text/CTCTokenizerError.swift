/// Why the tokenizer of a model cannot be used.
public enum CTCTokenizerError: ReportedError, Equatable {
    /// A tokenizer of a kind that is not read.
    case unknownKind(path: String, found: String)
    /// A vocabulary nested by language without the language, or without naming one.
    case unknownLanguage(path: String, found: String?, known: [String])
    /// A language was asked for and the vocabulary is not nested by language.
    case noLanguages(path: String, found: String)
    /// A token of the vocabulary that has no id of its own.
    case invalidToken(path: String, token: String, expected: String, found: String)
    /// A character that has no token, in a vocabulary without a token for unknown ones.
    case unknownCharacter(path: String, found: String)
    /// A text to be learnt that spells the blank of CTC.
    case blankInText(path: String, token: String, found: String)
    /// A text to be learnt in a language without a tag, in a vocabulary with tags.
    case languageWithoutTag(path: String, found: String?, known: [String])

    /// What was expected and what was found, for a person to read.
    public var description: String {
        switch self {
        case .unknownKind(let path, let found):
            "'\(path)', tokenizer_class: expected Wav2Vec2CTCTokenizer, found '\(found)'"
        case .unknownLanguage(let path, let found, let known):
            "'\(path)' has a vocabulary for each language: expected one of "
                + known.joined(separator: ", ")
                + (found.map { ", found '\($0)'" } ?? ", found no target_lang and no --language")
        case .noLanguages(let path, let found):
            "'\(path)': expected a vocabulary for each language, found one for all and the language "
                + "'\(found)'"
        case .invalidToken(let path, let token, let expected, let found):
            "'\(path)', token '\(token)': expected \(expected), found \(found)"
        case .unknownCharacter(let path, let found):
            "'\(path)': expected only characters of the vocabulary, found \(found) and no token for "
                + "unknown ones"
        case .blankInText(let path, let token, let found):
            "'\(path)': expected a text without the blank '\(token)', found '\(found)'"
        case .languageWithoutTag(let path, let found, let known):
            "'\(path)' has tags of languages: expected one of \(known.joined(separator: ", ")), found "
                + (found.map { "'\($0)'" } ?? "no language")
        }
    }

    /// Always bad input.
    public var exitStatus: ExitStatus { .badInput }
}
