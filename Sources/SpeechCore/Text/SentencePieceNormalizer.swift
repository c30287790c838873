/// What SentencePiece does to a text before it looks for pieces.
///
/// After `Normalizer` of sentencepiece 0.2.3: rules from a table, spaces as "▁", none at the ends, one
/// before the text.
struct SentencePieceNormalizer: Sendable {
    /// The sign for a space.
    static let space = Array("\u{2581}".utf8)

    /// `name`: what the library calls the rules.
    var name = ""
    /// `add_dummy_prefix`: a space before the text, so that its first word is like the others.
    var addsSpace = true
    /// `remove_extra_whitespaces`: no space at the ends, one between words.
    var removesExtraSpaces = true
    /// `escape_whitespaces`: "▁" for a space.
    var escapesSpaces = true
    /// `treat_whitespace_as_suffix`: that space behind the text instead of before it.
    var addsSpaceBehind = false
    /// `precompiled_charsmap`: the file's own form of the rules.
    var charsMap: [UInt8] = []
    private var rules: Rules?
    /// Symbols that are taken as they are.
    private var symbols: ByteTrie?

    /// Reads the table of rules.
    ///
    /// - Throws: `SentencePieceError.invalidCharsMap`.
    mutating func prepare(symbols: ByteTrie?, path: String) throws(SentencePieceError) {
        self.symbols = symbols
        rules = charsMap.isEmpty ? nil : try Rules(charsMap, path: path)
    }

    /// The text as pieces are looked for in it.
    func callAsFunction(_ text: [UInt8]) -> [UInt8] {
        var position = 0
        if removesExtraSpaces {
            while position < text.count {
                let (replacement, length) = replacement(in: text, at: position)
                if Array(replacement) != [0x20] { break }
                position += length
            }
        }
        guard position < text.count else { return [] }
        let sign = escapesSpaces ? Self.space : [0x20]
        var result: [UInt8] = []
        result.reserveCapacity(text.count + text.count / 3)
        if addsSpace && !addsSpaceBehind { result += sign }
        var isBehindSpace = removesExtraSpaces
        while position < text.count {
            var (replacement, length) = replacement(in: text, at: position)
            position += length
            if isBehindSpace { replacement = replacement.drop { $0 == 0x20 } }
            guard let last = replacement.last else { continue }
            for byte in replacement {
                if byte == 0x20 { result += sign } else { result.append(byte) }
            }
            isBehindSpace = removesExtraSpaces && last == 0x20
        }
        if removesExtraSpaces {
            while result.suffix(sign.count).elementsEqual(sign) { result.removeLast(sign.count) }
        }
        if addsSpace && addsSpaceBehind { result += sign }
        return result
    }

    /// What the bytes at a place become, and how many they are.
    private func replacement(in text: [UInt8], at start: Int) -> (ArraySlice<UInt8>, length: Int) {
        if let length = symbols?.longestMatch(text, at: start) {
            return (text[start..<start + length], length)
        }
        if let match = rules?.longestMatch(text, at: start) { return match }
        guard let length = UTF8Scan.validLength(text, at: start) else {
            return (UTF8Scan.replacement[...], 1)
        }
        return (text[start..<start + length], length)
    }

    /// Rules as the file holds them: a double array that leads from a text to its replacement.
    private struct Rules: Sendable {
        private let units: [UInt32]
        private let replacements: [UInt8]

        init(_ bytes: [UInt8], path: String) throws(SentencePieceError) {
            func unit(_ offset: Int) -> UInt32 {
                (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << UInt32(8 * $1) }
            }
            guard bytes.count >= 4 else {
                throw .invalidCharsMap(
                    path: path, expected: "at least 4 bytes", found: "\(bytes.count)")
            }
            let size = Int(unit(0))
            guard size > 0, size % 4 == 0, size <= bytes.count - 4 else {
                throw .invalidCharsMap(
                    path: path, expected: "a table of at most \(bytes.count - 4) bytes",
                    found: "\(size)")
            }
            units = (1...size / 4).map { unit(4 * $0) }
            replacements = Array(bytes[(4 + size)...])
            guard replacements.last == 0 else {
                throw .invalidCharsMap(
                    path: path, expected: "replacements that end with 0",
                    found: replacements.last.map { "\($0)" } ?? "none")
            }
        }

        /// The replacement of the longest text that has a rule.
        ///
        /// After `Darts::DoubleArray::commonPrefixSearch`: a unit holds the label of its node and how
        /// far away its children are, a leaf the place of the replacement.
        func longestMatch(
            _ text: [UInt8], at start: Int
        ) -> (ArraySlice<UInt8>, length: Int)? {
            var found: (place: Int, length: Int)?
            var node = Self.offset(units[0])
            for position in start..<text.count {
                node ^= Int(text[position])
                guard node < units.count else { break }
                let unit = units[node]
                guard unit & 0x8000_00FF == UInt32(text[position]) else { break }
                node ^= Self.offset(unit)
                guard node < units.count else { break }
                if unit >> 8 & 1 == 1 {
                    found = (Int(units[node] & 0x7FFF_FFFF), position + 1 - start)
                }
            }
            guard let found, found.place < replacements.count else { return nil }
            let rest = replacements[found.place...]
            return (rest.prefix { $0 != 0 }, found.length)
        }

        private static func offset(_ unit: UInt32) -> Int {
            Int(unit >> 10) << Int((unit & 0x200) >> 6)
        }
    }
}

/// UTF-8 as SentencePiece reads it.
enum UTF8Scan {
    /// U+FFFD, for a byte that is no part of a character.
    static let replacement: [UInt8] = [0xEF, 0xBF, 0xBD]

    /// How many bytes a character has by its first one.
    static func length(of byte: UInt8) -> Int {
        switch byte {
        case ..<0xC0: 1
        case ..<0xE0: 2
        case ..<0xF0: 3
        default: 4
        }
    }

    /// The length of the character at a place; nil where there is none.
    static func validLength(_ bytes: [UInt8], at start: Int) -> Int? {
        let length = length(of: bytes[start])
        guard length <= bytes.count - start else { return nil }
        var characters = bytes[start..<start + length].makeIterator()
        var decoder = UTF8()
        guard case .scalarValue(let scalar) = decoder.decode(&characters),
            UTF8.width(scalar) == length
        else { return nil }
        return length
    }
}
