import Foundation

/// The files of a text decoder's tokenizer, put together as `transformers` does.
struct TranslationTokenizerFiles {
    let kind: TranslationTokenizer.Kind
    let path: String
    let model: SentencePieceModel
    let preparation: TextPreparation?
    let hasLanguageLast: Bool
    private(set) var languages: [String: Int] = [:]
    private(set) var start = 0
    private(set) var padding = 1
    private(set) var end = 2
    private(set) var unknown = 3
    /// The ids of the model's pieces.
    private(set) var idsOfPieces: [Int] = []
    /// The ids of special tokens by their text.
    private(set) var specials: [ExactText: Int] = [:]

    init?(_ folder: URL) throws {
        func file(_ name: String) throws -> JSONFile? {
            let path = folder.appendingPathComponent(name).path
            return FileManager.default.fileExists(atPath: path) ? try JSONFile(path: path) : nil
        }
        path = folder.appendingPathComponent(SubwordVocabulary.fileName).path
        guard FileManager.default.fileExists(atPath: path),
            let config = try file("tokenizer_config.json"),
            let name = try config.string("tokenizer_class"),
            let kind = TranslationTokenizer.Kind(
                rawValue: name.hasPrefix("PreTrained") || !name.hasSuffix("Fast")
                    ? name : String(name.dropLast(4)))
        else { return nil }
        self.kind = kind
        model = try SentencePieceModel(path: path)
        preparation = try TextPreparation(config)
        size = model.count + 1
        hasLanguageLast =
            try kind == .mbart || kind == .nllb && (config.bool("legacy_behaviour") ?? false)
        if kind == .own {
            guard let own = try SubwordTokenizer(folder: folder) else { return nil }
            readOwn(own)
            return
        }
        if kind == .m2m100 {
            try readVocabulary(file("vocab.json"), at: folder)
        } else {
            countFairseq()
        }
        try addSpecials(
            config, tokenizer: file("tokenizer.json"), older: file("special_tokens_map.json"))
    }

    private mutating func readOwn(_ own: SubwordTokenizer) {
        (start, padding, end) = (own.start, own.padding, own.end)
        unknown = model.unknown
        languages = own.languageTags
        idsOfPieces = Array(model.pieces.indices)
        for (id, piece) in model.pieces.enumerated()
        where piece.kind == .control || piece.kind == .unknown {
            specials[ExactText(piece.text)] = id
        }
    }

    /// Pieces one behind their place in the model, whose own first ones are other special tokens.
    private mutating func countFairseq() {
        idsOfPieces = model.pieces.enumerated().map { id, piece in
            switch piece.text {
            case "<s>": 0
            case "</s>": 2
            case "<unk>": 3
            default: piece.kind == .unknown ? 3 : id + 1
            }
        }
        setStandardSpecials()
    }

    private mutating func setStandardSpecials() {
        for (text, id) in [("<s>", start), ("<pad>", padding), ("</s>", end), ("<unk>", unknown)] {
            specials[ExactText(text)] = id
        }
    }

    /// Ids as `vocab.json` has them.
    private mutating func readVocabulary(_ file: JSONFile?, at folder: URL) throws {
        guard let file else {
            throw FileSystemError.cannotRead(
                path: folder.appendingPathComponent("vocab.json").path, code: ENOENT)
        }
        let range = 0...(1 << 24) - 1
        func id(_ token: String) throws -> Int {
            guard let id = try file.integer(token, in: range) else {
                throw JSONFileError.missingKey(path: file.path, key: token, expected: "an id")
            }
            return id
        }
        start = try id("<s>")
        padding = try id("<pad>")
        end = try id("</s>")
        unknown = try id("<unk>")
        idsOfPieces = try model.pieces.map { piece in
            try file.integer(piece.text, in: range) ?? unknown
        }
        setStandardSpecials()
        size = file.object.keys.count
    }

    /// Where tokens behind the vocabulary begin.
    private var size = 0

    // MARK: Languages

    private mutating func addSpecials(
        _ config: JSONFile, tokenizer: JSONFile?, older: JSONFile?
    ) throws {
        var added = try Self.added(config, tokenizer)
        if !added.contains(where: { code(of: $0.token) != nil }) {
            // No file gives an id: they stand behind the pieces in the order of the list.
            var codes: [String] = []
            for file in [config, older].compactMap({ $0 }) {
                for key in ["additional_special_tokens", "extra_special_tokens"]
                where codes.isEmpty {
                    codes = try file.tokens(key).filter { code(of: $0) != nil }
                }
            }
            if codes.isEmpty, kind == .m2m100 {
                let isNews = try config.string("language_codes") == "wmt21"
                codes = (isNews ? Self.wmt21 : Self.m2m100).split(separator: " ").map {
                    "__\($0)__"
                }
            }
            added += codes.enumerated().map { ($1, size + $0) }
        }
        for (token, id) in added {
            specials[ExactText(token)] = id
            if let code = code(of: token) { languages[code] = id }
        }
        guard !languages.isEmpty else {
            throw JSONFileError.missingKey(
                path: config.path, key: "additional_special_tokens",
                expected: "the tokens of languages, here or in tokenizer.json")
        }
    }

    /// Tokens that a file gives an id.
    private static func added(
        _ config: JSONFile, _ tokenizer: JSONFile?
    ) throws -> [(token: String, id: Int)] {
        var tokens: [(token: String, id: Int)] = []
        if let list = tokenizer?.value("added_tokens"), case .array(let values) = list {
            for case .object(let object) in values {
                let entry = JSONFile(path: tokenizer?.path ?? "", object: object)
                if let text = try entry.string("content"),
                    let id = try entry.integer("id", in: 0...(1 << 24) - 1)
                {
                    tokens.append((text, id))
                }
            }
        }
        guard tokens.isEmpty, let decoder = try config.file("added_tokens_decoder") else {
            return tokens
        }
        for key in decoder.object.keys {
            if let id = Int(key), id >= 0, id < 1 << 24,
                let text = try decoder.file(key)?.string("content")
            {
                tokens.append((text, id))
            }
        }
        return tokens
    }

    /// The language of a token; nil for what is none.
    private func code(of token: String) -> String? {
        switch kind {
        case .m2m100:
            guard token.hasPrefix("__"), token.hasSuffix("__"), token.utf8.count > 4 else {
                return nil
            }
            return String(token.dropFirst(2).dropLast(2))
        case .nllb, .mbart, .mbart50:
            let parts = token.split(separator: "_", omittingEmptySubsequences: false)
            let lengths = kind == .nllb ? (3, 4) : (2, 2)
            let isCode =
                parts.count == 2 && parts[0].count == lengths.0 && parts[1].count == lengths.1
                && parts[0].allSatisfy(\.isLowercase) && parts[1].first?.isUppercase == true
                && parts[1].allSatisfy(\.isLetter)
            return isCode ? token : nil
        case .own: return nil
        }
    }

    /// What `M2M100Tokenizer` knows of itself.
    private static let m2m100 = """
        af am ar ast az ba be bg bn br bs ca ceb cs cy da de el en es et fa ff fi fr fy ga gd gl gu \
        ha he hi hr ht hu hy id ig ilo is it ja jv ka kk km kn ko lb lg ln lo lt lv mg mk ml mn mr \
        ms my ne nl no ns oc or pa pl ps pt ro ru sd si sk sl so sq sr ss su sv sw ta th tl tn tr uk \
        ur uz vi wo xh yi yo zh zu
        """

    private static let wmt21 = "en ha is ja cs ru zh de"
}
