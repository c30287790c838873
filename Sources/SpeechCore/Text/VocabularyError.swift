/// Why a vocabulary cannot be made of a corpus.
public enum VocabularyError: ReportedError, Equatable {
    /// A corpus without a single character.
    case noText(corpus: String)
    /// Texts without a language where each language is to have a tag.
    case noLanguage(corpus: String, texts: Int)
    /// A language that was asked for and has no text.
    case languageWithoutText(corpus: String, expected: String, found: [String])
    /// A code that cannot stand between the brackets of a tag.
    case invalidLanguage(corpus: String, found: String)
    /// No character is frequent enough.
    case noCharacters(corpus: String, minimumCount: Int, mostFrequent: Int)
    /// SentencePiece refuses settings or corpus, in its own words.
    case trainingFailed(corpus: String, message: String)

    /// What was expected and what was found, for a person to read.
    public var description: String {
        switch self {
        case .noText(let corpus):
            "\(corpus): expected text to make a vocabulary of, found none"
        case .noLanguage(let corpus, let texts):
            "\(corpus): expected a language ('lang') for every text, since languages are to have "
                + "tags; found none for \(texts) text(s)"
        case .languageWithoutText(let corpus, let expected, let found):
            "\(corpus): expected text in the language '\(expected)', found "
                + (found.isEmpty ? "no text" : "text in \(found.joined(separator: ", "))")
        case .invalidLanguage(let corpus, let found):
            "\(corpus): expected codes of languages without white space, brackets, '|', commas and quotes, since "
                + "languages are to have tags; found '\(found)'"
        case .noCharacters(let corpus, let minimumCount, let mostFrequent):
            "\(corpus): expected characters that occur at least \(minimumCount) times, found none; "
                + "the most frequent one occurs \(mostFrequent) times"
        case .trainingFailed(let corpus, let message):
            "\(corpus): SentencePiece cannot make a vocabulary: \(message)"
        }
    }

    /// Always bad input.
    public var exitStatus: ExitStatus { .badInput }
}
