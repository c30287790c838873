public import Foundation
internal import Synchronization
internal import SpeechCore

/// Holds texts against a vocabulary and against the frames that CTC has for them.
public struct TargetCheck: Sendable {
    /// How many targets a clip has room for.
    public struct Frames: Sendable {
        /// Samples per second of `count`.
        public let samplingRate: Int
        /// The frames on which the head scores, for a clip of that many samples.
        public let count: @Sendable (_ samples: Int) -> Int

        /// Describes the frames of a model.
        public init(samplingRate: Int, count: @escaping @Sendable (_ samples: Int) -> Int) {
            self.samplingRate = samplingRate
            self.count = count
        }
    }

    private enum Vocabulary: Sendable {
        case none
        case one(CTCTokenizer)
        case byLanguage(LanguageVocabularies)
    }

    private let vocabulary: Vocabulary
    private let frames: Frames?

    /// Checks nothing, or only what fits the frames: characters of a text are targets where there is
    /// no vocabulary.
    public init(frames: Frames? = nil) {
        vocabulary = .none
        self.frames = frames
    }

    /// Checks texts against a vocabulary.
    ///
    /// * `folder`: Where `vocab.json` lies, flat or nested by language.
    /// * `frames`: The frames of the model that the texts are for.
    /// - Throws: `FileSystemError` when there is no `vocab.json`, or the errors of `CTCTokenizer`.
    public init(vocabulary folder: URL, frames: Frames? = nil) throws {
        self.frames = frames
        let path = folder.appendingPathComponent("vocab.json").path
        do {
            guard let tokenizer = try CTCTokenizer(folder: folder) else {
                throw FileSystemError.cannotRead(path: path, code: ENOENT)
            }
            vocabulary =
                tokenizer.languages.isEmpty
                ? .one(tokenizer)
                : .byLanguage(LanguageVocabularies(folder, languages: tokenizer.languages))
        } catch CTCTokenizerError.unknownLanguage(_, nil, let known) {
            vocabulary = .byLanguage(LanguageVocabularies(folder, languages: known))
        }
    }

    /// What is wrong with a text, and the characters that have no token.
    ///
    /// * `duration`: Seconds of its clip.
    func findings(
        in text: String, lang: String?, duration: Double, ignoring ignored: Set<ValidationReason>
    ) throws -> (findings: [ValidationFinding], unknown: [Unicode.Scalar]) {
        let tokenizer: CTCTokenizer?
        switch vocabulary {
        case .none: tokenizer = nil
        case .one(let one): tokenizer = one
        case .byLanguage(let all):
            tokenizer = try all.tokenizer(for: lang)
            if tokenizer == nil {
                guard !ignored.contains(.unknownSymbol) else { return ([], []) }
                return (
                    [
                        ValidationFinding(
                            .unknownSymbol, expected: "a language with a vocabulary",
                            found: lang.map { "'\($0)'" } ?? "none")
                    ], []
                )
            }
        }
        let text = tokenizer?.preparation?(text) ?? text
        let unknown = tokenizer?.charactersWithoutToken(in: text) ?? []
        var findings: [ValidationFinding] = []
        if let tokenizer, !unknown.isEmpty, !ignored.contains(.unknownSymbol) {
            findings.append(Self.finding(unknown, in: text, tokenizer))
        }
        if let frames, !ignored.contains(.tooManyTargets) {
            let targets = try Self.targets(of: text, tokenizer, unknown: unknown)
            let repeats = zip(targets, targets.dropFirst()).count { $0 == $1 }
            // A manifest may claim any number of seconds.
            let samples = Int(min(duration * Double(frames.samplingRate), 1e12).rounded())
            let room = frames.count(samples)
            if targets.count + repeats > room {
                findings.append(
                    ValidationFinding(
                        .tooManyTargets,
                        expected: "at least \(targets.count + repeats) frames "
                            + "(\(targets.count) targets, \(repeats) repeated)",
                        found: "\(room) in \(plain(duration)) s"))
            }
        }
        return (findings, unknown)
    }

    private static func finding(
        _ unknown: [Unicode.Scalar], in text: String, _ tokenizer: CTCTokenizer
    ) -> ValidationFinding {
        var distinct: [Unicode.Scalar] = []
        for scalar in unknown where !distinct.contains(scalar) { distinct.append(scalar) }
        let shown = distinct.prefix(8).map { scalar in
            "'\(scalar)' (\(scalar.codePoint))"
        }
        let composed = text.precomposedStringWithCanonicalMapping
        let fits =
            !composed.unicodeScalars.elementsEqual(text.unicodeScalars)
            && tokenizer.charactersWithoutToken(in: composed).isEmpty
        return ValidationFinding(
            .unknownSymbol, expected: "only characters of the vocabulary",
            found: shown.joined(separator: ", ")
                + (distinct.count > shown.count ? " and \(distinct.count - shown.count) more" : "")
                + (fits ? "; the composed form of the text (NFC) has none" : ""))
    }

    /// Targets as CTC counts them; which ids they are matters only for repeats.
    private static func targets(
        of text: String, _ tokenizer: CTCTokenizer?, unknown: [Unicode.Scalar]
    ) throws -> [Int] {
        guard let tokenizer, unknown.isEmpty || tokenizer.unknown != nil else {
            return text.unicodeScalars.map { Int($0.value) }
        }
        return try tokenizer.encode(text)
    }
}

extension Unicode.Scalar {
    /// `U+00E9`.
    var codePoint: String {
        let digits = String(value, radix: 16, uppercase: true)
        return "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}

/// The vocabularies of a file that is nested by language, each read when it is first asked for.
private final class LanguageVocabularies: Sendable {
    private let folder: URL
    private let languages: [String]
    private let read = Mutex<[String: CTCTokenizer]>([:])

    init(_ folder: URL, languages: [String]) {
        self.folder = folder
        self.languages = languages
    }

    /// The vocabulary of a language by its code or another usual one for it; nil where there is none.
    func tokenizer(for lang: String?) throws -> CTCTokenizer? {
        guard let lang, let name = name(of: lang) else { return nil }
        return try read.withLock { tokenizers in
            if let known = tokenizers[name] { return known }
            let tokenizer = try CTCTokenizer(folder: folder, language: name)
            tokenizers[name] = tokenizer
            return tokenizer
        }
    }

    private func name(of lang: String) -> String? {
        if languages.contains(lang) { return lang }
        return languages.first { LanguageScripts.sameLanguage($0, lang) }
    }
}
