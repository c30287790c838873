public import SpeechCore

/// What can be wrong with a model's configuration or weights.
public enum ModelError: ReportedError {
    /// `config.json` names a `model_type` that no family reads.
    case unknownModelType(path: String, found: String, known: [String])
    /// A configuration key has a value that the family cannot build.
    case invalidConfig(path: String, key: String, expected: String, found: String)
    /// The weights do not fit the configuration; everything that does not fit is listed.
    case weightsDoNotFit(path: String, problems: [String])

    /// File, key, what was expected and what was found.
    public var description: String {
        switch self {
        case .unknownModelType(let path, let found, let known):
            "\(path): model_type: expected one of \(known.joined(separator: ", ")); found '\(found)'"
        case .invalidConfig(let path, let key, let expected, let found):
            "\(path): \(key): expected \(expected); found \(found)"
        case .weightsDoNotFit(let path, let problems):
            "\(path): the weights do not fit config.json:\n"
                + problems.map { "  \($0)" }.joined(separator: "\n")
        }
    }

    /// Always bad input.
    public var exitStatus: ExitStatus { .badInput }
}
