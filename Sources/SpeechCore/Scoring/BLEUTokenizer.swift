/// How BLEU takes a text apart into tokens; the tokenizers of sacreBLEU.
public enum BLEUTokenizer: String, ConfigChoice {
    /// mteval-v13a's, for languages with spaces: punctuation apart, but inside numbers.
    case v13a = "13a"
    /// mteval-v14's: all punctuation and symbols of Unicode apart.
    case international = "intl"
    /// Every code point.
    case character = "char"
    /// Every Chinese character, the rest as `13a`.
    case chinese = "zh"
    /// What white space separates.
    case none
    /// Japanese words by the program MeCab with its IPA dictionary.
    case japaneseMeCab = "ja-mecab"

    /// What a language is usually scored with: characters for one that is written without spaces, as
    /// Seamless has it, else `13a`.
    public static func usual(for language: String?) -> BLEUTokenizer {
        language.map(LanguageScripts.isWrittenWithoutSpaces) == true ? .character : .v13a
    }

    /// What sacreBLEU's signature calls it.
    ///
    /// - Throws: `ScoreError` when MeCab is needed and not there.
    public func signature() throws -> String {
        self == .japaneseMeCab ? try MeCabProgram.shared.get().signature : rawValue
    }

    /// The texts with white space between tokens.
    ///
    /// - Throws: `ScoreError` when MeCab is needed and not there, or fails.
    public func tokenize(_ texts: [String]) throws -> [String] {
        try tokenized(texts.map { Array($0.utf8) }).map { String(decoding: $0, as: UTF8.self) }
    }

    /// As `tokenize(_:)`, on UTF-8.
    func tokenized(_ texts: [[UInt8]]) throws -> [[UInt8]] {
        if self == .japaneseMeCab {
            return try MeCabProgram.shared.get().segmented(
                texts.map { Array($0[TextBytes.stripped($0)]) })
        }
        return texts.map(tokenized)
    }

    private func tokenized(_ text: [UInt8]) -> [UInt8] {
        switch self {
        case .v13a: return Self.western([0x20] + Self.unescaped(text) + [0x20])
        case .chinese: return Self.western(Self.withChineseApart(text))
        case .international: return Self.international(text)
        case .character: return Self.characters(text)
        case .none, .japaneseMeCab: return text
        }
    }

    /// The part of `13a` that is the same for all languages.
    private static func unescaped(_ text: [UInt8]) -> [UInt8] {
        guard text.contains(where: { $0 == 0x3C || $0 == 0x26 || $0 == 0x0A }) else { return text }
        var text = text
        for (pattern, replacement) in [
            ("<skipped>", ""), ("-\n", ""), ("\n", " "), ("&quot;", "\""), ("&amp;", "&"),
            ("&lt;", "<"), ("&gt;", ">"),
        ] {
            text = replacing(Array(pattern.utf8), in: text, by: Array(replacement.utf8))
        }
        return text
    }

    private static func replacing(
        _ pattern: [UInt8], in text: [UInt8], by replacement: [UInt8]
    ) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var index = 0
        while index < text.count {
            if text[index] == pattern[0], text[index...].starts(with: pattern) {
                result.append(contentsOf: replacement)
                index += pattern.count
            } else {
                result.append(text[index])
                index += 1
            }
        }
        return result
    }

    /// Punctuation and symbols of ASCII but for ' , - and .
    private static let western: [Bool] = (0..<256).map { (byte: Int) -> Bool in
        let ranges: [ClosedRange<Int>] = [
            0x20...0x26, 0x28...0x2B, 0x2F...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E,
        ]
        return ranges.contains { $0.contains(byte) }
    }

    /// The part of `13a` for western languages.
    ///
    /// Its four rules are regular expressions over pairs of characters; a pair is used up by its match.
    /// All that they name is ASCII, so that bytes do for characters.
    private static func western(_ text: [UInt8]) -> [UInt8] {
        var first: [UInt8] = []
        first.reserveCapacity(text.count * 2)
        for byte in text {
            if western[Int(byte)] {
                first.append(0x20)
                first.append(byte)
                first.append(0x20)
            } else {
                first.append(byte)
            }
        }
        func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
        func isMark(_ byte: UInt8) -> Bool { byte == 0x2C || byte == 0x2E }
        // A comma or period behind what is not a digit.
        let second = pairs(first, { !isDigit($0) && isMark($1) }, { [$0, 0x20, $1, 0x20] })
        // One before what is not a digit.
        let third = pairs(second, { isMark($0) && !isDigit($1) }, { [0x20, $0, 0x20, $1] })
        // A dash behind a digit.
        let fourth = pairs(third, { isDigit($0) && $1 == 0x2D }, { [$0, 0x20, $1, 0x20] })
        return TextBytes.singleSpaced(fourth)
    }

    @inline(__always)
    private static func pairs(
        _ text: [UInt8], _ isMatch: (UInt8, UInt8) -> Bool,
        _ replacement: (UInt8, UInt8) -> [UInt8]
    ) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(text.count + 16)
        var index = 0
        while index < text.count {
            if index + 1 < text.count, isMatch(text[index], text[index + 1]) {
                result.append(contentsOf: replacement(text[index], text[index + 1]))
                index += 2
            } else {
                result.append(text[index])
                index += 1
            }
        }
        return result
    }

    private static func characters(_ text: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(text.count * 2)
        for byte in text {
            // A byte that begins a character.
            if byte & 0xC0 != 0x80, !result.isEmpty { result.append(0x20) }
            result.append(byte)
        }
        return result
    }

    private static func withChineseApart(_ text: [UInt8]) -> [UInt8] {
        let range = TextBytes.stripped(text)
        var result: [UInt8] = []
        result.reserveCapacity(text.count * 2)
        var index = range.lowerBound
        while index < range.upperBound {
            let length = TextBytes.scalarLength(text[index])
            let character = text[index..<index + length]
            // All ranges lie in the part of three bytes.
            if length == 3, isChinese(TextBytes.scalars(text, index..<index + length)[0]) {
                result.append(0x20)
                result.append(contentsOf: character)
                result.append(0x20)
            } else {
                result.append(contentsOf: character)
            }
            index += length
        }
        return result
    }

    /// What sacreBLEU's `zh` takes for Chinese.
    ///
    /// Two of its ranges are meant to be beyond U+FFFF, but are written so that they are U+2001 to
    /// U+2A6D and U+2F81 to U+2FA1; scores are only comparable when they are that here too.
    private static func isChinese(_ value: Int32) -> Bool {
        switch value {
        case 0x2001...0x2A6D, 0x2E80...0x2FDF, 0x2FF0...0x303F, 0x3100...0x312F,
            0x31A0...0x31BF, 0x31C0...0x31EF, 0x3200...0x33FF, 0x3400...0x4DB5, 0x4E00...0x9FBB,
            0xF900...0xFA2D, 0xFA30...0xFA6A, 0xFA70...0xFAD9, 0xFE10...0xFE1F, 0xFE30...0xFE4F,
            0xFF00...0xFFEF:
            return true
        default:
            return false
        }
    }
}
