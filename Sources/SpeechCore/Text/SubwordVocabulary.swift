public import Foundation

/// A trained model of sub-words with what is needed to use it: which texts it is for, the tags of
/// languages, and whether its pieces are labels of CTC or the tokens of a text decoder.
public struct SubwordVocabulary: Sendable {
    /// What the pieces are for.
    public enum Use: String, Sendable, CaseIterable {
        /// The labels of a recogniser: frames are merged, `<pad>` is the blank (`ParakeetTokenizer`).
        case ctc
        /// The tokens of a text decoder, with `</s>` behind the text (`PreTrainedTokenizerFast`).
        case translation
    }

    /// The name of the model's file.
    public static let fileName = "sentencepiece.bpe.model"
    /// The special pieces in the order of their ids.
    public static let specials = ["<pad>", "<unk>", "<s>", "</s>"]

    /// The model.
    public let model: SentencePieceModel
    /// What is done to texts before they are divided.
    public let preparation: TextPreparation
    /// The languages that have a tag, which is a control piece of the model.
    public let languages: [String]
    /// What the pieces are for.
    public let use: Use
    private let bytes: Data

    /// Takes the `.model` file that training gave.
    ///
    /// - Throws: `SentencePieceError`.
    public init(
        modelFile bytes: Data, preparation: TextPreparation, languages: [String] = [], use: Use
    ) throws {
        model = try SentencePieceModel(bytes: Array(bytes), path: Self.fileName)
        self.bytes = bytes
        self.preparation = preparation
        self.languages = languages
        self.use = use
        for (id, piece) in (Self.specials + languages.map { CTCVocabulary.tag(ofLanguage: $0) })
            .enumerated()
        where model.id(of: piece) == nil || id < Self.specials.count && model.id(of: piece) != id {
            throw SentencePieceError.invalidPiece(
                path: Self.fileName, index: id, expected: "'\(piece)'",
                found: model.id(of: piece).map { "it as piece \($0)" } ?? "no such piece")
        }
    }

    /// How much of a corpus the pieces cover: a character counts as covered where it has a piece of
    /// its own or is written as bytes.
    package func coverage(of census: CorpusCensus) throws -> [LanguageCoverage] {
        let kept = census.characters.filter {
            model.hasByteFallback || model.id(of: String($0)) != nil
        }
        return try census.coverage(keeping: kept) { model.encode($0).contains(model.unknown) }
    }

    /// Writes the model and the files that `transformers` needs beside it: `tokenizer.json` with the
    /// same pieces, `tokenizer_config.json` and `special_tokens_map.json`.
    ///
    /// The folder is made where it is missing.
    ///
    /// - Throws: `FileSystemError`.
    public func write(to folder: URL) throws {
        try FileSystemError.makeFolder(folder)
        try AtomicFile.write(bytes, to: folder.appendingPathComponent(Self.fileName))
        for (name, object) in [
            ("tokenizer.json", tokenizer), ("tokenizer_config.json", config),
            ("special_tokens_map.json", specialTokens),
        ] {
            try AtomicFile.write(
                JSONValue.object(object).text(indent: 1) + "\n",
                to: folder.appendingPathComponent(name))
        }
    }

    private var specialTokens: JSONObject {
        var tokens = JSONObject()
        for (key, token) in zip(
            ["pad_token", "unk_token", "bos_token", "eos_token"], Self.specials)
        {
            tokens[key] = .string(token)
        }
        return tokens
    }

    private var config: JSONObject {
        var config = specialTokens
        config["tokenizer_class"] = .string(
            use == .ctc ? "ParakeetTokenizer" : "PreTrainedTokenizerFast")
        config["clean_up_tokenization_spaces"] = .bool(false)
        config["model_input_names"] = .array([.string("input_ids"), .string("attention_mask")])
        config.addTags(of: languages)
        preparation.write(to: &config)
        return config
    }

    // MARK: tokenizer.json

    /// The model as the library `tokenizers` has it.
    private var tokenizer: JSONObject {
        var file = JSONObject()
        file["version"] = .string("1.0")
        file["truncation"] = .null
        file["padding"] = .null
        file["added_tokens"] = .array(
            model.pieces.enumerated().compactMap { id, piece in
                guard piece.kind == .control || piece.kind == .unknown else { return nil }
                return .object([
                    ("id", .integer(id)), ("content", .string(piece.text)),
                    ("single_word", .bool(false)), ("lstrip", .bool(false)),
                    ("rstrip", .bool(false)), ("normalized", .bool(false)),
                    ("special", .bool(true)),
                ])
            })
        file["normalizer"] = normalizer
        file["pre_tokenizer"] = metaspace(splits: false)
        file["post_processor"] = use == .translation ? endOfText : .null
        file["decoder"] = decoder
        file["model"] = model.kind == .unigram ? unigram : merges
        return file
    }

    private var normalizer: JSONValue {
        var steps: [JSONValue] = []
        if preparation.normalization != .none {
            steps.append(step(preparation.normalization == .nfc ? "NFC" : "NFKC"))
        }
        if preparation.lowersCase {
            steps.append(step("Lowercase"))
            steps += steps.prefix(preparation.normalization == .none ? 0 : 1)
        }
        steps.append(replacing(.object([("Regex", .string(#"\s+"#))]), with: " "))
        steps.append(step("Strip", [("strip_left", .bool(true)), ("strip_right", .bool(true))]))
        return step("Sequence", [("normalizers", .array(steps))])
    }

    private var decoder: JSONValue {
        guard model.hasByteFallback else { return metaspace(splits: true) }
        return step(
            "Sequence",
            [
                (
                    "decoders",
                    .array([
                        replacing(.object([("String", .string("\u{2581}"))]), with: " "),
                        step("ByteFallback"), step("Fuse"),
                        step(
                            "Strip",
                            [
                                ("content", .string(" ")), ("start", .integer(1)),
                                ("stop", .integer(0)),
                            ]),
                    ])
                )
            ])
    }

    private var endOfText: JSONValue {
        let end = Self.specials[3]
        let text = JSONValue.object([
            ("Sequence", .object([("id", .string("A")), ("type_id", .integer(0))]))
        ])
        let second = JSONValue.object([
            ("Sequence", .object([("id", .string("B")), ("type_id", .integer(0))]))
        ])
        let special = JSONValue.object([
            ("SpecialToken", .object([("id", .string(end)), ("type_id", .integer(0))]))
        ])
        let token = JSONValue.object([
            ("id", .string(end)), ("ids", .array([.integer(3)])),
            ("tokens", .array([.string(end)])),
        ])
        return step(
            "TemplateProcessing",
            [
                ("single", .array([text, special])), ("pair", .array([text, second, special])),
                ("special_tokens", .object([(end, token)])),
            ])
    }

    private func metaspace(splits: Bool) -> JSONValue {
        step(
            "Metaspace",
            [
                ("replacement", .string("\u{2581}")), ("prepend_scheme", .string("always")),
                ("split", .bool(splits)),
            ])
    }

    private func replacing(_ pattern: JSONValue, with content: String) -> JSONValue {
        step("Replace", [("pattern", pattern), ("content", .string(content))])
    }

    private func step(_ type: String, _ settings: [(String, JSONValue)] = []) -> JSONValue {
        .object([("type", .string(type))] + settings)
    }

    private var unigram: JSONValue {
        step(
            "Unigram",
            [
                ("unk_id", .integer(model.unknown)),
                (
                    "vocab",
                    .array(
                        model.pieces.map {
                            .array([.string($0.text), .number(Double($0.score))])
                        })
                ), ("byte_fallback", .bool(model.hasByteFallback)),
            ])
    }

    private var merges: JSONValue {
        step(
            "BPE",
            [
                ("dropout", .null), ("unk_token", .string(model.pieces[model.unknown].text)),
                ("continuing_subword_prefix", .null), ("end_of_word_suffix", .null),
                ("fuse_unk", .bool(true)), ("byte_fallback", .bool(model.hasByteFallback)),
                ("ignore_merges", .bool(false)),
                (
                    "vocab",
                    .object(model.pieces.enumerated().map { ($1.text, .integer($0)) })
                ), ("merges", .array(pairs.map { .array([.string($0.0), .string($0.1)]) })),
            ])
    }

    /// Every way to put a piece together of two others, best piece first.
    private var pairs: [(String, String)] {
        var pairs: [(left: Int, right: Int, score: Float)] = []
        for piece in model.pieces where piece.kind == .normal {
            let scalars = Array(piece.text.unicodeScalars)
            var ways: [(left: Int, right: Int, score: Float)] = []
            for place in scalars.indices.dropFirst() {
                var (first, second) = (String.UnicodeScalarView(), String.UnicodeScalarView())
                first.append(contentsOf: scalars[..<place])
                second.append(contentsOf: scalars[place...])
                guard let left = model.id(of: String(first)), model.pieces[left].kind == .normal,
                    let right = model.id(of: String(second)),
                    model.pieces[right].kind == .normal
                else { continue }
                ways.append((left, right, piece.score))
            }
            pairs += ways.sorted { ($0.left, $0.right) < ($1.left, $1.right) }
        }
        // The order of equals is kept.
        return pairs.enumerated()
            .sorted { ($1.element.score, $0.offset) < ($0.element.score, $1.offset) }
            .map { (model.pieces[$0.element.left].text, model.pieces[$0.element.right].text) }
    }
}

extension JSONValue {
    /// An object of members in order.
    fileprivate static func object(_ members: [(String, JSONValue)]) -> JSONValue {
        var object = JSONObject()
        for (key, value) in members { object[key] = value }
        return .object(object)
    }
}
