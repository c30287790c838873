public import SpeechCore

/// Why a corpus cannot be synthesised.
public enum CorpusError: ReportedError, Equatable {
    /// espeak-ng is not installed; the folders are those that were searched.
    case speakerMissing(searched: [String])
    /// Languages that cannot be made, with all that can.
    case unknownLanguages([String], available: [String])
    /// A value of the design that makes no sense.
    case invalidDesign(key: String, expected: String, found: String)
    /// The output folder holds a corpus of another design, or files of something else.
    case folderInUse(path: String, expected: String, found: String)
    /// The disk has not room for the corpus; bytes.
    case notEnoughSpace(path: String, needed: Int, available: Int)
    /// espeak-ng failed on a sentence, or does not answer as it should.
    case speakerFailed(program: String, request: String, reason: String)
    /// The templates of a language have no more different sentences.
    case outOfSentences(language: String, found: Int)

    /// The message that a person reads.
    public var description: String {
        switch self {
        case .speakerMissing(let searched):
            return "espeak-ng was not found in \(searched.joined(separator: ", ")): install the "
                + "package 'espeak-ng' (apt-get install espeak-ng, or brew install espeak-ng)"
        case .unknownLanguages(let languages, let available):
            return "cannot synthesise \(languages.joined(separator: ", ")): expected languages "
                + "among \(available.joined(separator: ", "))"
        case .invalidDesign(let key, let expected, let found):
            return "corpus design: '\(key)' must be \(expected), found \(found)"
        case .folderInUse(let path, let expected, let found):
            return "'\(path)' holds something else: expected an empty folder or \(expected), "
                + "found \(found)"
        case .notEnoughSpace(let path, let needed, let available):
            return "not enough room on the disk of '\(path)': the corpus needs about "
                + "\(needed / 1_000_000) MB, \(available / 1_000_000) MB are free"
        case .speakerFailed(let program, let request, let reason):
            return "'\(program)' failed on \(request): \(reason)"
        case .outOfSentences(let language, let found):
            return "there are no more different sentences of language '\(language)' after \(found):"
                + " ask for fewer minutes"
        }
    }

    /// Bad input, but for what this machine lacks.
    public var exitStatus: ExitStatus {
        switch self {
        case .speakerMissing, .notEnoughSpace, .speakerFailed: return .runtimeFailure
        default: return .badInput
        }
    }
}
