/// How much of the text in one language a vocabulary covers.
public struct LanguageCoverage: Sendable, Equatable, Encodable {
    /// A character and how often it occurs.
    public struct CharacterCount: Sendable, Equatable, Encodable {
        /// The character, a Unicode scalar.
        public let character: String
        /// Its code point: `U+0041`.
        public let codePoint: String
        /// How often it occurs.
        public let count: Int

        init(_ scalar: Unicode.Scalar, count: Int) {
            character = String(scalar)
            let digits = String(scalar.value, radix: 16, uppercase: true)
            codePoint = "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
            self.count = count
        }

        private enum CodingKeys: String, CodingKey {
            case character, count
            case codePoint = "code_point"
        }
    }

    /// A script that the language is not written in, and how many characters of it there are.
    public struct ForeignScript: Sendable, Equatable, Encodable {
        /// The script.
        public let script: UnicodeScript
        /// Characters (Unicode scalars) of it.
        public let count: Int
        /// Their share of all characters that have a script, 0 to 1.
        public let share: Double
    }

    /// The manifest's code; nil for texts without one.
    public let language: String?
    /// Texts that are there and not empty.
    public let texts: Int
    /// Texts that are missing or empty.
    public let emptyTexts: Int
    /// Characters of all texts without white space.
    public let characters: Int
    /// The share of these that have a token, 0 to 1; 1 where there are none.
    public let coveredShare: Double
    /// Texts with at least one character that has no token.
    public let textsWithUnknown: Int
    /// What has a token, the most frequent first.
    public let kept: [CharacterCount]
    /// What has no token, the most frequent first.
    public let leftOut: [CharacterCount]
    /// Scripts that the language is not written in, the most frequent first; empty where its scripts
    /// are not known.
    public let foreignScripts: [ForeignScript]
    /// Whether it is known which scripts the language is written in.
    public let hasKnownScripts: Bool

    init(
        language: String?, _ counts: CharacterCounts, kept: Set<Unicode.Scalar>,
        textsWithUnknown: Int
    ) {
        self.language = language
        texts = counts.texts
        emptyTexts = counts.emptyTexts
        self.textsWithUnknown = textsWithUnknown
        let sorted = counts.byScalar.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        self.kept = sorted.filter { kept.contains($0.key) }.map { .init($0.key, count: $0.value) }
        leftOut = sorted.filter { !kept.contains($0.key) }.map { .init($0.key, count: $0.value) }
        let covered = self.kept.reduce(0) { $0 + $1.count }
        characters = counts.byScalar.values.reduce(0, +)
        coveredShare = characters > 0 ? Double(covered) / Double(characters) : 1

        let scripts = language.flatMap { LanguageScripts.scripts(of: $0) }
        hasKnownScripts = scripts != nil
        var byScript: [UnicodeScript: Int] = [:]
        for (scalar, count) in counts.byScalar {
            if let script = UnicodeScript(scalar) { byScript[script, default: 0] += count }
        }
        let all = byScript.values.reduce(0, +)
        foreignScripts =
            scripts.map { scripts in
                byScript.filter { !scripts.contains($0.key) }
                    .sorted { ($1.value, $0.key.rawValue) < ($0.value, $1.key.rawValue) }
                    .map { script, count in
                        ForeignScript(
                            script: script, count: count, share: Double(count) / Double(all))
                    }
            } ?? []
    }

    private enum CodingKeys: String, CodingKey {
        case language, texts, characters, kept
        case emptyTexts = "empty_texts"
        case coveredShare = "covered_share"
        case textsWithUnknown = "texts_with_unknown"
        case leftOut = "left_out"
        case foreignScripts = "foreign_scripts"
        case hasKnownScripts = "has_known_scripts"
    }
}

/// The characters of the texts in one language.
struct CharacterCounts {
    /// Texts that are not empty.
    private(set) var texts = 0
    /// Texts that are missing or have nothing in them.
    private(set) var emptyTexts = 0
    /// How often each character occurs; what stands between words is not counted.
    private(set) var byScalar: [Unicode.Scalar: Int] = [:]

    /// Counts a prepared text; nil for a missing one.
    mutating func add(_ text: String?) {
        var isEmpty = true
        for scalar in text?.unicodeScalars ?? String.UnicodeScalarView() where !scalar.isDelimiter {
            byScalar[scalar, default: 0] += 1
            isEmpty = false
        }
        if isEmpty { emptyTexts += 1 } else { texts += 1 }
    }
}
