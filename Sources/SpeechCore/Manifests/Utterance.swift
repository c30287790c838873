import Foundation

/// One utterance of a manifest: where its audio is and what is said in it.
public struct Utterance: Sendable, Hashable {
    /// A name unique within the manifest.
    public var id: String
    /// The absolute path of the audio file.
    public var audioPath: String
    /// Where in the file the encoded audio lies, in bytes, for members of a tar; nil for all of it.
    public var byteRange: Range<Int>?
    /// Where the utterance begins in the recording, in seconds.
    public var offset: Double
    /// The length in seconds, above 0.
    public var duration: Double
    /// The transcript; nil when there is none.
    public var text: String?
    /// The language, in the manifest's own code.
    public var lang: String?
    /// The speaker.
    public var speaker: String?
    /// The translation.
    public var targetText: String?
    /// The language of the translation.
    public var targetLang: String?
    /// The length in samples of the file's own rate, where the manifest gives it.
    public var samples: Int?

    /// Describes an utterance.
    public init(
        id: String, audioPath: String, byteRange: Range<Int>? = nil, offset: Double = 0,
        duration: Double, text: String? = nil, lang: String? = nil, speaker: String? = nil,
        targetText: String? = nil, targetLang: String? = nil, samples: Int? = nil
    ) {
        self.id = id
        self.audioPath = audioPath
        self.byteRange = byteRange
        self.offset = offset
        self.duration = duration
        self.text = text
        self.lang = lang
        self.speaker = speaker
        self.targetText = targetText
        self.targetLang = targetLang
        self.samples = samples
    }
}

/// Why a manifest cannot be read or written.
public enum ManifestError: ReportedError, Equatable {
    /// One line at fault.
    public struct LineFault: Error, Hashable, CustomStringConvertible {
        /// The line, from 1.
        public let line: Int
        /// What was expected and what was found.
        public let detail: String

        /// Describes a fault.
        public init(line: Int, detail: String) {
            self.line = line
            self.detail = detail
        }

        /// What was expected and what was found, for a person to read.
        public var description: String { "line \(line): \(detail)" }
    }

    /// Lines that cannot be read.
    case badLines(path: String, faults: [LineFault])
    /// Ids that occur more than once, each with its lines.
    case duplicateIDs(path: String, ids: [String], lines: [[Int]])
    /// A manifest without any utterance.
    case empty(path: String)
    /// A label file with another number of lines than the manifest has utterances.
    case labelCount(path: String, expected: Int, found: Int)
    /// A table lacks a column; any one of `expected` would do.
    case missingColumn(path: String, expected: [String], found: [String])
    /// A line is not what it was when the manifest was opened; `position` is its first byte.
    case changed(path: String, position: Int)
    /// No format of `ManifestFormat.all` fits the file.
    case unknownFormat(path: String, expected: [String], found: String)

    /// What was expected and what was found, for a person to read.
    public var description: String {
        switch self {
        case .badLines(let path, let faults):
            let shown = faults.prefix(5).map { "\(path):\($0.line): \($0.detail)" }
            let rest = faults.count - shown.count
            return shown.joined(separator: "\n") + (rest > 0 ? "\n… and \(rest) more lines" : "")
        case .duplicateIDs(let path, let ids, let lines):
            let shown = zip(ids, lines).prefix(5).map { id, lines in
                "'\(id)' on lines \(lines.prefix(4).map(String.init).joined(separator: ", "))"
            }
            return "'\(path)' has \(ids.count) duplicate id(s), expected each once: "
                + shown.joined(separator: "; ") + (ids.count > 5 ? "; …" : "")
        case .empty(let path):
            return "'\(path)' is empty: expected at least one utterance, found none"
        case .labelCount(let path, let expected, let found):
            return "'\(path)': expected \(expected) labels, one per utterance, found \(found)"
        case .missingColumn(let path, let expected, let found):
            let names = expected.map { "'\($0)'" }.joined(separator: " or ")
            let shown = found.prefix(20).map { $0.prefix(40) }.joined(separator: ", ")
            return "'\(path)' lacks a column: expected \(names), found \(shown)"
        case .changed(let path, let position):
            return "'\(path)' changed while it was used: expected the utterance that began at "
                + "byte \(position) when it was opened, found something else"
        case .unknownFormat(let path, let expected, let found):
            return "'\(path)' is no manifest: expected \(expected.joined(separator: " or ")), "
                + "found \(found)"
        }
    }

    /// The exit code that this error ends the command with.
    public var exitStatus: ExitStatus { .badInput }
}

/// The utterances of a manifest together with what is wrong with it.
public struct ManifestContents: Sendable {
    /// The utterances of the lines that can be read, in order.
    public internal(set) var utterances: [Utterance] = []
    /// The lines that cannot be read.
    public internal(set) var faults: [ManifestError.LineFault] = []
    /// The line of each utterance, from 1.
    public internal(set) var lines: [Int] = []

    /// The ids that occur more than once with the lines of each, in the order of the second use.
    public var duplicateIDs: [(id: String, lines: [Int])] {
        var linesOfID: [String: [Int]] = [:]
        var order: [String] = []
        for (utterance, line) in zip(utterances, lines) {
            linesOfID[utterance.id, default: []].append(line)
            if linesOfID[utterance.id]?.count == 2 { order.append(utterance.id) }
        }
        return order.map { ($0, linesOfID[$0] ?? []) }
    }

    /// The utterances, when nothing is wrong.
    ///
    /// - Parameter path: The manifest's path, for messages.
    /// - Throws: `ManifestError.badLines`, `.duplicateIDs` or `.empty`.
    public func validated(path: String) throws -> [Utterance] {
        guard faults.isEmpty else { throw ManifestError.badLines(path: path, faults: faults) }
        guard !utterances.isEmpty else { throw ManifestError.empty(path: path) }
        let duplicates = duplicateIDs
        guard duplicates.isEmpty else {
            throw ManifestError.duplicateIDs(
                path: path, ids: duplicates.map(\.id), lines: duplicates.map(\.lines))
        }
        return utterances
    }
}
