public import Foundation

/// A vocabulary of characters for recognisers trained with CTC, counted from transcripts.
///
/// A character is a Unicode scalar, so combining marks are tokens of their own unless normalisation
/// puts them together with their letters. The tokens are `<pad>` (id 0, the blank of CTC), `<unk>`,
/// `|` for space, a tag such as `[eng]` for each language where that is asked for, and the
/// characters by code point.
public struct CTCVocabulary: Sendable {
    /// What becomes a token.
    public struct Settings: Sendable, Equatable {
        /// What is done to texts before they are counted; written down for those who make labels.
        public var preparation: TextPreparation
        /// A character that occurs less often, in all languages together, is left out; at least 1.
        public var minimumCount: Int
        /// The share of each language's characters that its most frequent ones must make up, above 0
        /// to 1; what is rarer in every language is left out.
        public var characterCoverage: Double
        /// Whether each language has a tag, for joint recognition and language identification.
        public var hasLanguageTags: Bool

        /// Keeps everything that occurs unless told otherwise.
        public init(
            preparation: TextPreparation = TextPreparation(), minimumCount: Int = 1,
            characterCoverage: Double = 1, hasLanguageTags: Bool = false
        ) {
            precondition(minimumCount >= 1, "a minimum count of \(minimumCount)")
            precondition(
                characterCoverage > 0 && characterCoverage <= 1,
                "a character coverage of \(characterCoverage)")
            self.preparation = preparation
            self.minimumCount = minimumCount
            self.characterCoverage = characterCoverage
            self.hasLanguageTags = hasLanguageTags
        }
    }

    /// The token of padding: the blank of CTC.
    public static let blank = "<pad>"
    /// The token for characters without one of their own.
    public static let unknown = "<unk>"
    /// The token for space.
    public static let wordDelimiter = "|"

    /// The tag of a language: `[eng]`.
    public static func tag(ofLanguage code: String) -> String { "[\(code)]" }

    /// The tokens by id.
    public let tokens: [String]
    /// The languages that have a tag, sorted.
    public let languages: [String]
    /// What became a token.
    public let settings: Settings
    /// How much of each language's text the vocabulary covers; languages sorted, texts without one
    /// last.
    public let coverage: [LanguageCoverage]

    /// Counts the characters of a corpus and keeps those that are frequent enough.
    ///
    /// The corpus is read twice.
    ///
    /// * `languages`: Languages that must have text; nil for those there are.
    /// - Throws: `VocabularyError`, or what reading the corpus throws.
    public static func build(
        _ settings: Settings = Settings(), from corpus: TextCorpus, languages: [String]? = nil
    ) throws -> CTCVocabulary {
        var counts: [String?: CharacterCounts] = [:]
        try corpus.forEach { text in
            counts[text.language, default: CharacterCounts()]
                .add(text.text.map { settings.preparation($0) })
        }
        let present = counts.filter { !$0.value.byScalar.isEmpty }
        let found = present.keys.compactMap { $0 }.sorted()
        for code in languages ?? [] where !found.contains(code) {
            throw VocabularyError.languageWithoutText(
                corpus: corpus.name, expected: code, found: found)
        }
        guard !present.isEmpty else { throw VocabularyError.noText(corpus: corpus.name) }
        if settings.hasLanguageTags {
            if let without = present[nil] {
                throw VocabularyError.noLanguage(corpus: corpus.name, texts: without.texts)
            }
            let reserved: Set<Character> = ["[", "]", "|"]
            for code in found
            where code.isEmpty || code.contains(where: { $0.isWhitespace || reserved.contains($0) })
            {
                throw VocabularyError.invalidLanguage(corpus: corpus.name, found: code)
            }
        }
        let kept = try Self.kept(settings, present.values.map(\.byScalar), corpus: corpus.name)

        var unknowns: [String?: Int] = [:]
        try corpus.forEach { text in
            guard let prepared = text.text.map({ settings.preparation($0) }) else { return }
            if prepared.unicodeScalars.contains(where: { !$0.isDelimiter && !kept.contains($0) }) {
                unknowns[text.language, default: 0] += 1
            }
        }
        let tagged = settings.hasLanguageTags ? found : []
        let coverage = counts.map { language, counts in
            LanguageCoverage(
                language: language, counts, kept: kept,
                textsWithUnknown: unknowns[language] ?? 0)
        }
        .sorted {
            ($0.language == nil ? 1 : 0, $0.language ?? "")
                < ($1.language == nil ? 1 : 0, $1.language ?? "")
        }
        return CTCVocabulary(
            tokens: [blank, unknown, wordDelimiter] + tagged.map { tag(ofLanguage: $0) }
                + kept.sorted().map { String($0) },
            languages: tagged, settings: settings, coverage: coverage)
    }

    private static func kept(
        _ settings: Settings, _ counts: [[Unicode.Scalar: Int]], corpus: String
    ) throws -> Set<Unicode.Scalar> {
        let total = counts.reduce(into: [:]) { $0.merge($1, uniquingKeysWith: +) }
        var kept: Set<Unicode.Scalar> = []
        for language in counts {
            let all = Double(language.values.reduce(0, +))
            var covered = 0
            // Equally frequent ones stay or go together.
            var last = Int.max
            for (scalar, count) in language.sorted(by: { $0.value > $1.value }) {
                if Double(covered) >= settings.characterCoverage * all, count < last { break }
                covered += count
                last = count
                if scalar.canBeToken, total[scalar, default: 0] >= settings.minimumCount {
                    kept.insert(scalar)
                }
            }
        }
        guard !kept.isEmpty else {
            throw VocabularyError.noCharacters(
                corpus: corpus, minimumCount: settings.minimumCount,
                mostFrequent: total.values.max() ?? 0)
        }
        return kept
    }

    // MARK: Files

    /// Writes `vocab.json`, `tokenizer_config.json` and `special_tokens_map.json` as
    /// `Wav2Vec2CTCTokenizer` reads them; `CTCTokenizer` does, too.
    ///
    /// The preparation of texts stands in the configuration as `text_normalization` and
    /// `text_lower_case`, tags by language as `language_tags`; `transformers` keeps these and does
    /// not use them. The folder is made where it is missing.
    ///
    /// - Throws: `FileSystemError`.
    public func write(to folder: URL) throws {
        do {
            try FileManager.default.createDirectory(
                at: folder, withIntermediateDirectories: true)
        } catch {
            throw FileSystemError.cannotWrite(
                path: folder.path, operation: "create", code: FileSystemError.code(of: error))
        }
        for (name, object) in files {
            try AtomicFile.write(
                JSONValue.object(object).text(indent: 2) + "\n",
                to: folder.appendingPathComponent(name))
        }
    }

    private var files: [(name: String, object: JSONObject)] {
        var vocabulary = JSONObject()
        for (id, token) in tokens.enumerated() { vocabulary[token] = .integer(id) }
        var specials = JSONObject()
        specials["pad_token"] = .string(Self.blank)
        specials["unk_token"] = .string(Self.unknown)
        var config = JSONObject()
        config["tokenizer_class"] = .string("Wav2Vec2CTCTokenizer")
        // Without these two lines they would stand behind the vocabulary, outside of the head.
        config["bos_token"] = .null
        config["eos_token"] = .null
        for key in specials.keys { config[key] = specials[key] }
        config["word_delimiter_token"] = .string(Self.wordDelimiter)
        config["replace_word_delimiter_char"] = .string(" ")
        config["do_lower_case"] = .bool(false)
        config["clean_up_tokenization_spaces"] = .bool(false)
        if !languages.isEmpty {
            let tags = languages.map { JSONValue.string(Self.tag(ofLanguage: $0)) }
            config["additional_special_tokens"] = .array(tags)
            specials["additional_special_tokens"] = .array(tags)
            var tagged = JSONObject()
            for (code, tag) in zip(languages, tags) { tagged[code] = tag }
            config["language_tags"] = .object(tagged)
        }
        config["text_normalization"] = .string(settings.preparation.normalization.rawValue)
        config["text_lower_case"] = .bool(settings.preparation.lowersCase)
        return [
            ("vocab.json", vocabulary), ("tokenizer_config.json", config),
            ("special_tokens_map.json", specials),
        ]
    }
}

extension Unicode.Scalar {
    /// What stands between words in a prepared text; a `|` in a text cannot be told from it.
    var isDelimiter: Bool { self == " " || self == "|" }

    /// Whether a recogniser can be asked to write it: no control character, no sign of damage.
    fileprivate var canBeToken: Bool {
        switch properties.generalCategory {
        case .control, .unassigned, .privateUse, .surrogate, .lineSeparator, .paragraphSeparator:
            false
        default: self != "\u{FEFF}" && self != "\u{FFFD}"
        }
    }
}
