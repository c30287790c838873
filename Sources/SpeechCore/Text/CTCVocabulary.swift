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
        let census = try CorpusCensus(
            of: corpus, settings.preparation, languages: languages,
            needsTags: settings.hasLanguageTags)
        let kept = try Self.kept(settings, census.counts.values.map(\.byScalar), of: corpus.name)
        let coverage = try census.coverage(keeping: kept) { prepared in
            prepared.unicodeScalars.contains { !$0.isDelimiter && !kept.contains($0) }
        }
        let tagged = settings.hasLanguageTags ? census.languages : []
        return CTCVocabulary(
            tokens: [blank, unknown, wordDelimiter] + tagged.map { tag(ofLanguage: $0) }
                + kept.sorted().map { String($0) },
            languages: tagged, settings: settings, coverage: coverage)
    }

    private static func kept(
        _ settings: Settings, _ counts: [[Unicode.Scalar: Int]], of corpus: String
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
        try FileSystemError.makeFolder(folder)
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
        config.addTags(of: languages)
        if let tags = config["additional_special_tokens"] {
            specials["additional_special_tokens"] = tags
        }
        settings.preparation.write(to: &config)
        return [
            ("vocab.json", vocabulary), ("tokenizer_config.json", config),
            ("special_tokens_map.json", specials),
        ]
    }
}

extension JSONObject {
    /// Says in a `tokenizer_config.json` which tokens are tags, and of which languages.
    mutating func addTags(of languages: [String]) {
        guard !languages.isEmpty else { return }
        let tags = languages.map { JSONValue.string(CTCVocabulary.tag(ofLanguage: $0)) }
        var tagged = JSONObject()
        for (code, tag) in zip(languages, tags) { tagged[code] = tag }
        self["additional_special_tokens"] = .array(tags)
        self["language_tags"] = .object(tagged)
    }
}

extension FileSystemError {
    /// Makes a folder where there is none.
    static func makeFolder(_ url: URL) throws {
        do {
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        } catch {
            throw FileSystemError.cannotWrite(
                path: url.path, operation: "create", code: code(of: error))
        }
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
