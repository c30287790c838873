public import SpeechCore

/// What can be wrong with the transcripts of a recogniser's training, or with its model.
public enum RecognitionError: ReportedError, Equatable {
    /// An utterance without a transcript where one is needed.
    case noTranscript(id: String)
    /// A language without a tag in a vocabulary with tags.
    case languageWithoutTag(manifest: String, id: String, found: String?, known: [String])
    /// A character without a token in a vocabulary without one for unknown characters.
    case unknownCharacter(manifest: String, id: String, found: String, vocabulary: String)
    /// An encoder of a family without recognisers.
    case noRecognizer(path: String, found: String)
    /// A vocabulary without a blank.
    case noBlank(path: String, found: String)
    /// A model without the vocabulary that is asked for.
    case noTokenizer(path: String, hint: String)
    /// Languages that are to be learned, and a vocabulary without tags for them.
    case noLanguageTags
    /// A translation model where a recogniser is needed.
    case translates(path: String)
    /// A recogniser whose `vocab.json` is missing.
    case noText(path: String)

    /// What was expected and what was found, for a person to read.
    public var description: String {
        switch self {
        case .noTranscript(let id):
            "'\(id)': expected a transcript ('text'); found none"
        case .languageWithoutTag(let manifest, let id, let found, let known):
            "'\(manifest)', '\(id)': expected a language of the vocabulary, which has tags: "
                + known.joined(separator: ", ") + "; found " + (found.map { "'\($0)'" } ?? "none")
        case .unknownCharacter(let manifest, let id, let found, let vocabulary):
            "'\(manifest)', '\(id)': expected only characters of '\(vocabulary)', which has no token "
                + "for others; found \(found)"
        case .noRecognizer(let path, let found):
            "\(path): model_type: expected an encoder whose family has recognisers (ForCTC); found "
                + "\(found)"
        case .noBlank(let path, let found):
            "\(path): expected the blank of CTC, pad_token of tokenizer_config.json, among the tokens; "
                + "found no '\(found)'"
        case .noTokenizer(let path, let hint):
            "\(path): expected a folder with vocab.json; found none. \(hint)"
        case .noLanguageTags:
            "tokenizer.target=language: expected a vocabulary with tags of languages "
                + "(tokenizer.language_tags=true makes one); found one without"
        case .translates(let path):
            "\(path): expected a recogniser; found a translation model, which `colld translate` takes"
        case .noText(let path):
            "\(path): expected a recogniser with vocab.json, so that tokens have a text; found none"
        }
    }

    /// Always bad input.
    public var exitStatus: ExitStatus { .badInput }
}
