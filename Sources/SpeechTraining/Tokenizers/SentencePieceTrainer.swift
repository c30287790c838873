internal import CSentencePiece
public import Foundation
public import SpeechCore

/// Trains models of sub-words with the SentencePiece library.
public enum SentencePieceTrainer {
    /// What the library is asked for; the names in code style are those of `spm_train`.
    public struct Settings: Sendable, Equatable {
        /// `model_type`: unigram or BPE.
        public var kind: SentencePieceModel.Kind
        /// `vocab_size`: pieces, the special ones among them.
        public var vocabularySize: Int
        /// `character_coverage`: the share of characters that have a piece of their own, 0.98 to 1.
        public var characterCoverage: Double
        /// `normalization_rule_name`: what the model does to texts by itself.
        public var rules: String
        /// `byte_fallback`: whether other characters are written as their bytes.
        public var hasByteFallback: Bool
        /// `control_symbols`: pieces that are in no text, such as tags of languages.
        public var controlSymbols: [String]
        /// Ids of `<pad>`, `<unk>`, `<s>` and `</s>`.
        public var specialIDs: SpecialIDs

        /// Ids of the special pieces.
        public struct SpecialIDs: Sendable, Equatable {
            /// `<pad>`: padding, and the blank of CTC; -1 for none.
            public var padding = 0
            /// `<unk>`: whatever has no piece.
            public var unknown = 1
            /// `<s>`: the beginning of a text.
            public var start = 2
            /// `</s>`: the end of a text.
            public var end = 3

            /// The ids from 0 in this order.
            public init() {}
        }

        /// The library's own values but for the ids of special pieces.
        public init(
            kind: SentencePieceModel.Kind = .unigram, vocabularySize: Int = 8000,
            characterCoverage: Double = 0.9995, rules: String = "nfkc",
            hasByteFallback: Bool = false, controlSymbols: [String] = []
        ) {
            self.kind = kind
            self.vocabularySize = vocabularySize
            self.characterCoverage = characterCoverage
            self.rules = rules
            self.hasByteFallback = hasByteFallback
            self.controlSymbols = controlSymbols
            specialIDs = SpecialIDs()
        }

        /// Flags of `spm_train`.
        fileprivate var flags: [String: String] {
            let names: [SentencePieceModel.Kind: String] = [
                .unigram: "unigram", .bpe: "bpe", .characters: "char",
            ]
            var flags = [
                "model_type": names[kind] ?? "unigram", "vocab_size": String(vocabularySize),
                "character_coverage": String(characterCoverage),
                "normalization_rule_name": rules, "byte_fallback": String(hasByteFallback),
                "pad_id": String(specialIDs.padding), "unk_id": String(specialIDs.unknown),
                "bos_id": String(specialIDs.start), "eos_id": String(specialIDs.end),
                // Warnings and errors come back as the result.
                "minloglevel": "4",
            ]
            if !controlSymbols.isEmpty {
                flags["control_symbols"] = controlSymbols.joined(separator: ",")
            }
            return flags
        }
    }

    /// Trains a model on a corpus and gives the bytes of its `.model` file.
    ///
    /// Its pieces are those that `spm_train` finds with the same flags; the paths of input and output
    /// and settings that nobody changed are left out. Texts are prepared first, empty ones left out.
    ///
    /// - Throws: `VocabularyError.trainingFailed` with the library's message, for example for a
    ///   vocabulary larger than the corpus can give, `.noText`, or what reading the corpus throws.
    public static func train(
        _ settings: Settings, preparation: TextPreparation, on corpus: TextCorpus
    ) throws -> Data {
        // The library asks for one text after the other, and keeps them all itself.
        let texts = TextSource()
        try corpus.forEach { text in
            guard let prepared = text.text.map({ preparation($0) }), !prepared.isEmpty else {
                return
            }
            texts.add(prepared)
        }
        guard !texts.isEmpty else { throw VocabularyError.noText(corpus: corpus.name) }
        let flags = settings.flags.sorted { $0.key < $1.key }
        let names = flags.map { strdup($0.key)! }
        let values = flags.map { strdup($0.value)! }
        defer { (names + values).forEach { free($0) } }
        var failed = false
        let result = withExtendedLifetime(texts) {
            csp_train(
                names.map { UnsafePointer($0) }, values.map { UnsafePointer($0) }, flags.count,
                { context, bytes, count in
                    Unmanaged<TextSource>.fromOpaque(context).takeUnretainedValue()
                        .next(bytes, count)
                }, Unmanaged.passUnretained(texts).toOpaque(), &failed)
        }
        defer { csp_free(result) }
        let data = Data(bytes: csp_bytes(result), count: csp_count(result))
        guard !failed else {
            throw VocabularyError.trainingFailed(
                corpus: corpus.name, message: message(String(decoding: data, as: UTF8.self)))
        }
        return data
    }

    /// What the library says without the place in its sources:
    /// `INTERNAL: src/trainer_interface.cc(661) [(a) == (b)] Vocabulary size too high (9000)…`.
    private static func message(_ text: String) -> String {
        guard let start = text.range(of: ".cc("),
            let end = text.range(
                of: "] ", options: .backwards, range: start.upperBound..<text.endIndex),
            end.upperBound < text.endIndex
        else { return text }
        return String(text[end.upperBound...]).trimmingCharacters(in: .whitespacesAndNewlines)
    }
}

/// Texts one behind the other, as the library takes them.
private final class TextSource {
    private var bytes: UnsafeMutableBufferPointer<CChar>
    private var count = 0
    private var ends: [Int] = []
    private var position = 0

    init() { bytes = .allocate(capacity: 1 << 16) }

    deinit { bytes.deallocate() }

    var isEmpty: Bool { ends.isEmpty }

    func add(_ text: String) {
        var text = text
        text.withUTF8 { new in
            if count + new.count > bytes.count {
                let larger = UnsafeMutableBufferPointer<CChar>.allocate(
                    capacity: max(2 * bytes.count, count + new.count))
                _ = larger.update(fromContentsOf: bytes.prefix(count))
                bytes.deallocate()
                bytes = larger
            }
            for (index, byte) in new.enumerated() {
                bytes[count + index] = CChar(bitPattern: byte)
            }
            count += new.count
        }
        ends.append(count)
    }

    /// The next text, which stays until there is no source any more; false behind the last.
    func next(
        _ text: UnsafeMutablePointer<UnsafePointer<CChar>?>, _ length: UnsafeMutablePointer<Int>
    ) -> Bool {
        guard position < ends.count, let base = bytes.baseAddress else { return false }
        let start = position == 0 ? 0 : ends[position - 1]
        text.pointee = UnsafePointer(base + start)
        length.pointee = ends[position] - start
        position += 1
        return true
    }
}
