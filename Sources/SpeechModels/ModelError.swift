public import SpeechCore

/// What can be wrong with a model's configuration or weights.
public enum ModelError: ReportedError {
    /// `config.json` names a `model_type` that no family reads.
    case unknownModelType(path: String, found: String, known: [String])
    /// A configuration key has a value that the family cannot build.
    case invalidConfig(path: String, key: String, expected: String, found: String)
    /// The weights do not fit the configuration; everything that does not fit is listed.
    case weightsDoNotFit(path: String, problems: [String])
    /// A head was asked for that the checkpoint does not have.
    case noHead(path: String, found: String)
    /// The tokenizer disagrees with the head.
    case tokenizerDoesNotFit(path: String, key: String, expected: String, found: String)

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
        case .noHead(let path, let found):
            "\(path): expected a recogniser with lm_head.weight and lm_head.bias; found \(found)"
        case .tokenizerDoesNotFit(let path, let key, let expected, let found):
            "\(path): \(key): expected \(expected), as the head has it; found \(found)"
        }
    }

    /// Always bad input.
    public var exitStatus: ExitStatus { .badInput }
}
