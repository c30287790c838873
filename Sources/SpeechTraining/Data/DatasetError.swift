public import SpeechCore

/// An utterance that is not used, and why.
public struct SkippedUtterance: Sendable, Hashable, CustomStringConvertible {
    /// The utterance's id.
    public let id: String
    /// The audio file.
    public let path: String
    /// What was expected and what was found.
    public let reason: String

    /// Names an utterance and a reason.
    public init(id: String, path: String, reason: String) {
        self.id = id
        self.path = path
        self.reason = reason
    }

    init(_ utterance: Utterance, reason: String) {
        self.init(id: utterance.id, path: utterance.audioPath, reason: reason)
    }

    /// Id, file and reason in one line.
    public var description: String {
        // Errors of audio files name the file themselves.
        reason.contains(path) ? "'\(id)': \(reason)" : "'\(id)' ('\(path)'): \(reason)"
    }
}

/// What can be wrong with the data of a run or with the settings for it.
public enum DatasetError: ReportedError, Equatable {
    /// A value of the run file that cannot be.
    case invalidSetting(key: String, expected: String, found: String)
    /// Another number of weights than of manifests.
    case corpusWeights(manifests: Int, found: Int)
    /// None of the `count` audio files of a manifest that were looked for exists; `first` are some.
    case allMissing(manifest: String, count: Int, first: [String])
    /// Every utterance of a manifest was dropped.
    case nothingLeft(manifest: String, dropped: [SkippedUtterance])
    /// More utterances than `limit` could not be used.
    case tooManySkipped(limit: Int, skipped: [SkippedUtterance])
    /// Not one utterance could be used.
    case allSkipped(skipped: [SkippedUtterance])

    /// What was expected and what was found, for a person to read.
    public var description: String {
        switch self {
        case .invalidSetting(let key, let expected, let found):
            return "\(key): expected \(expected); found \(found)"
        case .corpusWeights(let manifests, let found):
            return "dataset.corpus_weights: expected a weight for each of the \(manifests) "
                + "manifests; found \(found)"
        case .allMissing(let manifest, let count, let first):
            return "'\(manifest)': expected audio files, found none of the \(count) looked for: "
                + Self.list(first.map { "'\($0)'" }, of: count)
        case .nothingLeft(let manifest, let dropped):
            return "'\(manifest)': expected at least one usable utterance, found none in "
                + "\(dropped.count):" + Self.lines(dropped)
        case .tooManySkipped(let limit, let skipped):
            return "too many utterances cannot be used: expected at most \(limit) "
                + "(dataset.max_skipped), found \(skipped.count):" + Self.lines(skipped)
        case .allSkipped(let skipped):
            return "no utterance can be used: expected at least one, found none in "
                + "\(skipped.count):" + Self.lines(skipped)
        }
    }

    /// - Throws: `.invalidSetting` unless the value of a dotted key is as it must be.
    static func require(
        _ holds: Bool, _ key: String, _ expected: String, _ found: some Any
    ) throws {
        guard !holds else { return }
        throw DatasetError.invalidSetting(key: key, expected: expected, found: "\(found)")
    }

    /// Always bad input.
    public var exitStatus: ExitStatus { .badInput }

    private static func lines(_ skipped: [SkippedUtterance]) -> String {
        let shown = skipped.prefix(5).map { "\n  \($0)" }.joined()
        return shown + (skipped.count > 5 ? "\n  … and \(skipped.count - 5) more" : "")
    }

    private static func list(_ items: [String], of count: Int) -> String {
        items.joined(separator: ", ") + (count > items.count ? ", …" : "")
    }
}
