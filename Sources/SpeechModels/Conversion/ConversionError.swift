public import SpeechCore

/// What can keep a checkpoint from being converted.
public enum ConversionError: ReportedError, Equatable {
    /// The file says how it was trained neither in fairseq's way nor by a `config.json` beside it.
    case noConfiguration(path: String, folder: String)
    /// A setting of the checkpoint is missing, out of range or not what its tensors have.
    case wrongSetting(path: String, key: String, expected: String, found: String)
    /// Tensors that the model's family does not have.
    case unknownTensors(path: String, family: String, names: [String])
    /// The dictionary of symbols is malformed or does not fit the head.
    case wrongDictionary(path: String, line: Int?, expected: String, found: String)

    /// What was expected and what was found, for a person to read.
    public var description: String {
        switch self {
        case .noConfiguration(let path, let folder):
            return
                "'\(path)': expected fairseq's settings in it ('cfg' or 'args') or a config.json "
                + "in '\(folder)', found neither"
        case .wrongSetting(let path, let key, let expected, let found):
            return "'\(path)', setting '\(key)': expected \(expected), found \(found)"
        case .unknownTensors(let path, let family, let names):
            let shown = names.prefix(8).map { "'\($0)'" }.joined(separator: ", ")
            return "'\(path)': expected tensors of \(family), found \(names.count) others: \(shown)"
                + (names.count > 8 ? " and so on" : "")
        case .wrongDictionary(let path, let line, let expected, let found):
            return "'\(path)'" + (line.map { ", line \($0)" } ?? "")
                + ": expected \(expected), found \(found)"
        }
    }

    /// Always bad input.
    public var exitStatus: ExitStatus { .badInput }
}
