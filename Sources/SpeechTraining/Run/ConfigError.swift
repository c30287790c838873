public import SpeechCore

/// What can be wrong with a run file or an override.
public enum ConfigError: ReportedError, Equatable {
    /// The file is missing or is no YAML.
    case unreadable(file: String, reason: String)
    /// A key that no section has.
    case unknownKey(file: String?, key: String, nearest: String?)
    /// A name in `defaults` or behind `--config` that no preset has.
    case unknownPreset(file: String?, key: String?, name: String)
    /// A value that the key does not take.
    case invalidValue(file: String?, key: String, expected: String, found: String)
    /// A trailing argument that is not `key=value`.
    case malformedOverride(String)

    /// File, key, what was expected and what was found.
    public var description: String {
        switch self {
        case .unreadable(let file, let reason):
            return "\(file): expected a YAML run file; found \(reason)"
        case .unknownKey(let file, let key, let nearest):
            let hint = nearest.map { "; did you mean '\($0)'?" } ?? ""
            return "\(Self.prefix(file))unknown key '\(key)'\(hint)"
        case .unknownPreset(let file, let key, let name):
            let nearest = SpellingDistance.nearest(to: name, among: Preset.all.map(\.name))
            let hint = nearest.map { "did you mean '\($0)'? " } ?? ""
            return "\(Self.prefix(file))\(Self.prefix(key))unknown preset '\(name)'; "
                + "\(hint)`colld presets` lists all, files end in .yaml"
        case .invalidValue(let file, let key, let expected, let found):
            return "\(Self.prefix(file))\(key): expected \(expected); found \(found)"
        case .malformedOverride(let text):
            return "override '\(text)': expected key=value, such as optimizer.lr=1e-4"
        }
    }

    private static func prefix(_ file: String?) -> String { file.map { "\($0): " } ?? "" }

    /// Always bad input.
    public var exitStatus: ExitStatus { .badInput }
}
