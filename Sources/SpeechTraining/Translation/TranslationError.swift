public import SpeechCore

/// What can be wrong with the texts of a translation model's training, or with its parts.
public enum TranslationError: ReportedError, Equatable {
    /// An utterance without a translation where one is needed.
    case noTranslation(id: String)
    /// A target language that the tokenizer does not have.
    case unknownLanguage(manifest: String, id: String, found: String?, known: [String])
    /// A target language that the tokenizer does not have, or none where there are several.
    case unknownTarget(found: String?, known: [String])
    /// An option of models that recognise, or of those that translate, with one of the others.
    case optionDoesNotFit(option: String, expected: String, model: String, found: String)
    /// A folder without the tokenizer of a text decoder.
    case noTokenizer(path: String, hint: String)
    /// A tokenizer of another decoder.
    case tokenizerDoesNotFit(path: String, what: String, expected: Int, found: Int)
    /// A model that has no adapter of its family where one is wanted.
    case noAdapter(path: String, found: String)
    /// A part of a decoder that is to stay as it is new.
    case newDecoderNotTrained(found: String)

    /// What was expected and what was found, for a person to read.
    public var description: String {
        switch self {
        case .noTranslation(let id):
            return "'\(id)': expected a translation ('target_text'); found none"
        case .unknownLanguage(let manifest, let id, let found, let known):
            return "'\(manifest)', '\(id)': target_lang: expected one language of the tokenizer: "
                + Self.list(known, found)
        case .unknownTarget(let found, let known):
            return "--language: expected one language of the tokenizer: " + Self.list(known, found)
        case .optionDoesNotFit(let option, let expected, let model, let found):
            return "\(option): expected \(expected); found \(found) in \(model)"
        case .noTokenizer(let path, let hint):
            return "\(path): expected the tokenizer of a text decoder (sentencepiece.bpe.model and "
                + "tokenizer_config.json); found none. \(hint)"
        case .tokenizerDoesNotFit(let path, let what, let expected, let found):
            return
                "\(path): expected the tokenizer of the decoder, with \(what) \(expected); found "
                + "\(found)"
        case .noAdapter(let path, let found):
            return
                "\(path): adaptor.kind: expected none, convolutions or transformer for an encoder "
                + "whose family has no adapter; found hf for \(found)"
        case .newDecoderNotTrained(let found):
            return
                "objective.decoder: expected full for a new decoder (--decoder names one that is "
                + "trained); found \(found)"
        }
    }

    private static func list(_ known: [String], _ found: String?) -> String {
        known.prefix(12).joined(separator: ", ") + (known.count > 12 ? ", …" : "") + "; found "
            + (found.map { "'\($0)'" } ?? "none")
    }

    /// Always bad input.
    public var exitStatus: ExitStatus { .badInput }
}
