public import Foundation

extension CTCTokenizer {
    /// Reads the tokenizer of a model: `vocab.json`, flat or nested by language, with
    /// `tokenizer_config.json`, `special_tokens_map.json` and `added_tokens.json`, or the pieces that
    /// `SubwordVocabulary` writes; nil where there is neither.
    ///
    /// * `language`: Which of the nested vocabularies to take; nil for the `target_lang` of
    ///   `tokenizer_config.json`.
    /// - Throws: `CTCTokenizerError`, `SentencePieceError`, `JSONFileError` naming file and key, or
    ///   `FileSystemError`.
    public init?(_ directory: ModelDirectory, language: String? = nil) throws {
        try self.init(folder: directory.url, language: language)
    }

    /// Reads the same files from a folder that need not hold a model.
    ///
    /// - Throws: as `init(_:language:)`.
    public init?(folder: URL, language: String? = nil) throws {
        if let files = try CTCTokenizerFiles(folder, language: language) {
            self.init(files)
        } else if let subwords = try SubwordTokenizer(folder: folder), subwords.use == .ctc {
            if let language {
                throw CTCTokenizerError.noLanguages(path: subwords.model.path, found: language)
            }
            self.init(subwords)
        } else {
            return nil
        }
    }
}

/// The files of a tokenizer, put together as `transformers` does.
struct CTCTokenizerFiles {
    let path: String
    private(set) var language: String?
    private(set) var languages: [String] = []
    private(set) var vocabulary: [(token: String, id: Int)] = []
    private(set) var settings = CTCTokenizer.Settings()
    private(set) var blank = 0
    private(set) var unknown: Int?
    private(set) var delimiter: Int?
    private(set) var specials: Set<Int> = []
    /// The texts of all tokens by id, added ones included.
    private(set) var texts: [Int: String] = [:]
    private(set) var wholeTokens: [CTCTokenizer.WholeToken] = []
    private(set) var preparation: TextPreparation?
    private(set) var languageTags: [String: Int] = [:]

    private static let idRange = 0...(1 << 24) - 1

    init?(_ folder: URL, language: String?) throws {
        let vocabulary = folder.appendingPathComponent("vocab.json")
        guard FileManager.default.fileExists(atPath: vocabulary.path) else { return nil }
        path = vocabulary.path
        let config = try Self.configuration(folder)
        try Self.requireKind(config.file, JSONFile(path: path))
        settings.delimiter = try config.file.text("word_delimiter_token") ?? settings.delimiter
        settings.replacement =
            try config.file.text("replace_word_delimiter_char") ?? settings.replacement
        settings.lowersCase = try config.file.bool("do_lower_case") ?? false
        settings.cleansUpSpaces = try config.file.bool("clean_up_tokenization_spaces") ?? false
        preparation = try TextPreparation(config.file)
        try readVocabulary(
            JSONFile(path: path), language: language, target: config.file.text("target_lang"))
        try add(config)
    }

    // MARK: Configuration

    /// `tokenizer_config.json` with what older files keep apart from it.
    private struct Configuration {
        var file: JSONFile
        /// Tokens that were added to the vocabulary.
        var added: [Added] = []
    }

    private struct Added {
        let text: String
        let id: Int
        let isSpecial, stripsLeft, stripsRight: Bool
    }

    private static func configuration(_ folder: URL) throws -> Configuration {
        func file(_ name: String) throws -> JSONFile? {
            let url = folder.appendingPathComponent(name)
            guard FileManager.default.fileExists(atPath: url.path) else { return nil }
            return try JSONFile(path: url.path)
        }
        let name = "tokenizer_config.json"
        let empty = JSONFile(
            path: folder.appendingPathComponent(name).path, object: JSONObject())
        var config = try Configuration(file: file(name) ?? empty)
        if let tokens = try config.file.file("added_tokens_decoder") {
            config.added = try tokens.object.keys.map { key in
                guard let id = Int(key), idRange.contains(id), let token = try tokens.file(key),
                    let text = try token.string("content")
                else {
                    throw JSONFileError.wrongValue(
                        path: config.file.path, key: "added_tokens_decoder.\(key)",
                        expected: "a number as the key and a token with its content",
                        found: tokens.object[key]?.summary ?? "nothing")
                }
                return try Added(
                    text: text, id: id, isSpecial: token.bool("special") ?? false,
                    stripsLeft: token.bool("lstrip") ?? false,
                    stripsRight: token.bool("rstrip") ?? false)
            }
            return config
        }
        if let map = try file("special_tokens_map.json") {
            var merged = config.file.object
            for key in map.object.keys { merged[key] = map.object[key] }
            config.file = JSONFile(path: config.file.path, object: merged)
        }
        if let tokens = try file("added_tokens.json") {
            config.added = try tokens.object.keys.map { text in
                guard let id = try tokens.integer(text, in: idRange) else {
                    throw JSONFileError.missingKey(
                        path: tokens.path, key: text, expected: "an id")
                }
                return Added(
                    text: text, id: id, isSpecial: false, stripsLeft: false, stripsRight: false)
            }
        }
        return config
    }

    /// Other tokenizers keep a `vocab.json`, too.
    private static func requireKind(_ config: JSONFile, _ vocabulary: JSONFile) throws {
        let known = ["Wav2Vec2CTCTokenizer", "Wav2Vec2Tokenizer"]
        if let name = try config.string("tokenizer_class"), !known.contains(name) {
            throw CTCTokenizerError.unknownKind(path: config.path, found: name)
        }
    }

    // MARK: Vocabulary

    private mutating func readVocabulary(
        _ file: JSONFile, language: String?, target: String?
    ) throws {
        let isNested = file.object.keys.contains { key in
            if case .object? = file.object[key] { return true }
            return false
        }
        var entries = file
        if isNested {
            languages = file.object.keys.sorted()
            guard let name = language ?? target, languages.contains(name),
                let chosen = try file.file(name)
            else {
                throw CTCTokenizerError.unknownLanguage(
                    path: path, found: language ?? target, known: languages)
            }
            self.language = name
            entries = chosen
        } else if let language, language != target {
            throw CTCTokenizerError.noLanguages(path: path, found: language)
        }
        for token in entries.object.keys {
            guard let id = try entries.integer(token, in: Self.idRange) else {
                throw JSONFileError.missingKey(path: path, key: token, expected: "an id")
            }
            if let other = texts.updateValue(token, forKey: id) {
                throw CTCTokenizerError.invalidToken(
                    path: path, token: token, expected: "an id of its own",
                    found: "\(id), which is that of '\(other)'")
            }
            vocabulary.append((token, id))
        }
        vocabulary.sort { $0.id < $1.id }
    }

    // MARK: Added and special tokens

    private mutating func add(_ config: Configuration) throws {
        var ids: [ExactText: Int] = [:]
        for (token, id) in vocabulary {
            ids[ExactText(token)] = id
            // What is longer than a character is looked for as a whole.
            if token.unicodeScalars.count > 1 {
                addWhole(token, id, stripsLeft: true, stripsRight: true)
            }
        }
        for token in config.added {
            if let id = ids[ExactText(token.text)] {
                if token.isSpecial { specials.insert(id) }
                continue
            }
            // Of a nested vocabulary they may belong to another language.
            guard texts[token.id] == nil else { continue }
            texts[token.id] = token.text
            ids[ExactText(token.text)] = token.id
            if token.isSpecial { specials.insert(token.id) }
            addWhole(
                token.text, token.id, stripsLeft: token.stripsLeft,
                stripsRight: token.stripsRight)
        }
        /// Special tokens that no file gives an id stand behind all others.
        func id(of token: String) -> Int {
            if let id = ids[ExactText(token)] { return id }
            let id = ids.count
            ids[ExactText(token)] = id
            return id
        }
        var named: [String: Int] = [:]
        for (key, standard) in [
            ("bos_token", "<s>"), ("eos_token", "</s>"), ("unk_token", "<unk>"),
            ("pad_token", "<pad>"),
        ] {
            guard let text = try config.file.token(key, default: standard) else { continue }
            let id = id(of: text)
            named[key] = id
            specials.insert(id)
            if texts[id] == nil {
                texts[id] = text
                addWhole(text, id, stripsLeft: false, stripsRight: false)
            }
        }
        guard let pad = named["pad_token"] else {
            throw JSONFileError.missingKey(
                path: config.file.path, key: "pad_token", expected: "the blank of CTC")
        }
        blank = pad
        unknown = named["unk_token"]
        delimiter = ids[ExactText(settings.delimiter)]
        if let delimiter, settings.delimiter.unicodeScalars.count == 1 {
            addWhole(settings.delimiter, delimiter, stripsLeft: false, stripsRight: false)
        }
        for key in ["additional_special_tokens", "extra_special_tokens"] {
            for text in try config.file.tokens(key) {
                if let id = ids[ExactText(text)] { specials.insert(id) }
            }
        }
        languageTags = try config.file.languageTags { ids[ExactText($0)] }
    }

    private mutating func addWhole(
        _ token: String, _ id: Int, stripsLeft: Bool, stripsRight: Bool
    ) {
        guard !token.isEmpty else { return }
        wholeTokens.append(
            .init(
                scalars: Array(token.unicodeScalars), id: id, stripsLeft: stripsLeft,
                stripsRight: stripsRight))
    }
}

extension JSONFile {
    /// The ids of the languages' tags by language, as `CTCVocabulary` writes them.
    func languageTags(_ id: (String) -> Int?) throws -> [String: Int] {
        guard let tags = try file("language_tags") else { return [:] }
        var ids: [String: Int] = [:]
        for code in tags.object.keys {
            guard let token = try tags.string(code), let id = id(token) else {
                throw JSONFileError.wrongValue(
                    path: path, key: "language_tags.\(code)", expected: "a token of the vocabulary",
                    found: tags.object[code]?.summary ?? "nothing")
            }
            ids[code] = id
        }
        return ids
    }

    /// The text of a token, which may be written as an object with settings.
    func text(_ key: String) throws -> String? {
        if case .object? = value(key) { return try file(key)?.string("content") }
        return try string(key)
    }

    /// A special token: the standard where the key is absent, none where it is null.
    fileprivate func token(_ key: String, default standard: String) throws -> String? {
        object[key] == nil ? standard : try text(key)
    }

    /// The texts of a list of tokens, or of an object of named ones.
    func tokens(_ key: String) throws -> [String] {
        let values: [JSONValue]
        switch value(key) {
        case .array(let list)?: values = list
        case .object(let named)?: values = named.keys.compactMap { named[$0] }
        default: return []
        }
        return values.compactMap { value in
            switch value {
            case .string(let text): text
            case .object(let token):
                if case .string(let text)? = token["content"] { text } else { nil }
            default: nil
            }
        }
    }
}
