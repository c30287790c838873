import Foundation
import SpeechCore

/// The symbols of a fairseq recognizer (`dict.ltr.txt`) as Hugging Face's tokenizer files.
///
/// fairseq puts `<s>`, `<pad>`, `</s>` and `<unk>` before the symbols of the file and takes the first for
/// the blank; Hugging Face calls the blank `<pad>`, so these two change places.
struct CTCDictionary {
    private static let special = ["<pad>", "<s>", "</s>", "<unk>"]
    /// All symbols by their place in the head.
    let symbols: [String]

    /// Reads lines of a symbol and its count.
    ///
    /// - Throws: `FileSystemError` or `ConversionError.wrongDictionary`.
    init(path: String) throws {
        let file = try MappedFile(path: path)
        let bytes = file.withBytes(0..<file.count) { [UInt8]($0) }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ConversionError.wrongDictionary(
                path: path, line: nil, expected: "a text in UTF-8", found: "other bytes")
        }
        var symbols: [String] = []
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        for (index, line) in lines.enumerated() {
            func fail(_ expected: String) -> ConversionError {
                .wrongDictionary(
                    path: path, line: index + 1, expected: expected, found: "'\(line.prefix(60))'")
            }
            var line = line.last == "\r" ? line.dropLast() : line
            if line.hasSuffix(" #fairseq:overwrite") {
                line = line.dropLast(" #fairseq:overwrite".count)
            }
            guard let space = line.lastIndex(of: " "),
                Int(line[line.index(after: space)...]) != nil, space > line.startIndex
            else { throw fail("a symbol, a space and its count") }
            symbols.append(String(line[..<space]))
        }
        try self.init(Self.special + symbols, path: path)
    }

    /// Takes the symbols that a checkpoint itself holds, the special ones included.
    ///
    /// - Throws: `ConversionError.wrongDictionary`.
    init(stored symbols: [String], path: String) throws {
        guard Array(symbols.prefix(4)) == ["<s>", "<pad>", "</s>", "<unk>"] else {
            throw ConversionError.wrongDictionary(
                path: path, line: nil, expected: "the symbols <s>, <pad>, </s>, <unk> first",
                found: symbols.prefix(4).joined(separator: ", "))
        }
        try self.init(Self.special + symbols.dropFirst(4), path: path)
    }

    private init(_ symbols: [String], path: String) throws {
        var seen: Set<String> = []
        if let other = symbols.first(where: { !seen.insert($0).inserted }) {
            throw ConversionError.wrongDictionary(
                path: path, line: nil, expected: "each symbol once", found: "'\(other)' twice")
        }
        self.symbols = symbols
    }

    /// `vocab.json`, `tokenizer_config.json` and `special_tokens_map.json`.
    var files: [(name: String, text: String)] {
        var vocabulary = JSONObject()
        for (id, symbol) in symbols.enumerated() { vocabulary[symbol] = .integer(id) }
        var tokens = JSONObject()
        for (key, token) in [
            ("pad_token", "<pad>"), ("bos_token", "<s>"), ("eos_token", "</s>"),
            ("unk_token", "<unk>"),
        ] { tokens[key] = .string(token) }
        var tokenizer = tokens
        tokenizer["tokenizer_class"] = .string("Wav2Vec2CTCTokenizer")
        tokenizer["word_delimiter_token"] = .string("|")
        tokenizer["replace_word_delimiter_char"] = .string(" ")
        tokenizer["do_lower_case"] = .bool(false)
        return [
            ("vocab.json", vocabulary), ("tokenizer_config.json", tokenizer),
            ("special_tokens_map.json", tokens),
        ].map { ($0, JSONValue.object($1).text(indent: 2) + "\n") }
    }
}
