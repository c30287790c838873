/// Texts as UTF-8, taken apart as Python's `str` does it: sacreBLEU and jiwer are written in Python.
enum TextBytes {
    /// The length in bytes of the white space that begins at a place; 0 where there is none.
    ///
    /// White space is what `str.isspace` says: the separators of Unicode, and the controls from U+0009
    /// to U+000D, U+001C to U+001F and U+0085.
    @inline(__always)
    static func spaceLength(_ bytes: [UInt8], _ index: Int) -> Int {
        let byte = bytes[index]
        if byte < 0x80 {
            return byte == 0x20 || (0x09...0x0D).contains(byte) || (0x1C...0x1F).contains(byte)
                ? 1 : 0
        }
        switch byte {
        case 0xC2:
            return bytes[index + 1] == 0x85 || bytes[index + 1] == 0xA0 ? 2 : 0
        case 0xE1:
            return bytes[index + 1] == 0x9A && bytes[index + 2] == 0x80 ? 3 : 0
        case 0xE2:
            let last = bytes[index + 2]
            let isSpace =
                bytes[index + 1] == 0x80
                ? last <= 0x8A || last == 0xA8 || last == 0xA9 || last == 0xAF
                : bytes[index + 1] == 0x81 && last == 0x9F
            return isSpace ? 3 : 0
        case 0xE3:
            return bytes[index + 1] == 0x80 && bytes[index + 2] == 0x80 ? 3 : 0
        default:
            return 0
        }
    }

    /// The length in bytes of a character by its first byte.
    @inline(__always)
    static func scalarLength(_ byte: UInt8) -> Int {
        byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
    }

    /// What `str.split()` returns, as ranges of bytes.
    static func fields(_ bytes: [UInt8]) -> [Range<Int>] {
        var fields: [Range<Int>] = []
        var start = 0
        var index = 0
        while index < bytes.count {
            let space = spaceLength(bytes, index)
            if space == 0 {
                index += scalarLength(bytes[index])
                continue
            }
            if index > start { fields.append(start..<index) }
            index += space
            start = index
        }
        if bytes.count > start { fields.append(start..<bytes.count) }
        return fields
    }

    /// What `" ".join(text.split())` returns.
    static func singleSpaced(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        for field in fields(bytes) {
            if !result.isEmpty { result.append(0x20) }
            result.append(contentsOf: bytes[field])
        }
        return result
    }

    /// What `str.strip()` leaves.
    static func stripped(_ bytes: [UInt8]) -> Range<Int> {
        var (start, end) = (0, 0)
        var index = 0
        var hasText = false
        while index < bytes.count {
            let space = spaceLength(bytes, index)
            if space > 0 {
                index += space
                continue
            }
            if !hasText { start = index }
            hasText = true
            index += scalarLength(bytes[index])
            end = index
        }
        return hasText ? start..<end : 0..<0
    }

    /// The words of jiwer's default: between single spaces and runs of at least two white spaces of any
    /// kind, so that a lone tab or no-break space is part of a word.
    static func words(_ bytes: [UInt8]) -> [Range<Int>] {
        let text = stripped(bytes)
        var words: [Range<Int>] = []
        var start = text.lowerBound
        var index = start
        while index < text.upperBound {
            var end = index
            var count = 0
            while end < text.upperBound {
                let space = spaceLength(bytes, end)
                if space == 0 { break }
                end += space
                count += 1
            }
            if count == 0 {
                index += scalarLength(bytes[index])
            } else if count > 1 || bytes[index] == 0x20 {
                if index > start { words.append(start..<index) }
                index = end
                start = end
            } else {
                index = end
            }
        }
        if text.upperBound > start { words.append(start..<text.upperBound) }
        return words
    }

    /// The code points of a range.
    static func scalars(_ bytes: [UInt8], _ range: Range<Int>) -> [Int32] {
        var scalars: [Int32] = []
        scalars.reserveCapacity(range.count)
        var index = range.lowerBound
        while index < range.upperBound {
            let byte = Int32(bytes[index])
            func next(_ place: Int) -> Int32 { Int32(bytes[index + place] & 0x3F) }
            let length = scalarLength(bytes[index])
            switch length {
            case 1: scalars.append(byte)
            case 2: scalars.append((byte & 0x1F) << 6 | next(1))
            case 3: scalars.append((byte & 0x0F) << 12 | next(1) << 6 | next(2))
            default:
                scalars.append((byte & 0x07) << 18 | next(1) << 12 | next(2) << 6 | next(3))
            }
            index += length
        }
        return scalars
    }

    /// The code points outside white space.
    static func scalarsWithoutSpaces(_ bytes: [UInt8]) -> [Int32] {
        var result: [Int32] = []
        result.reserveCapacity(bytes.count)
        for field in fields(bytes) { result.append(contentsOf: scalars(bytes, field)) }
        return result
    }

    /// The lower case of the basic plane; nil where it is several characters.
    private static let lowercase: [Unicode.Scalar?] = (0..<0x10000).map { (value: UInt32) in
        guard let scalar = Unicode.Scalar(value) else { return nil }
        let mapping = scalar.properties.lowercaseMapping.unicodeScalars
        return mapping.count == 1 ? mapping.first : nil
    }

    /// What `str.lower()` returns: a capital sigma at the end of a word becomes ς.
    static func lowercased(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 >= 0x80 }) else { return text.lowercased() }
        let scalars = Array(text.unicodeScalars)
        var result = String.UnicodeScalarView()
        for (index, scalar) in scalars.enumerated() {
            if scalar == "Σ" {
                let before = scalars[..<index].last { !$0.properties.isCaseIgnorable }
                let after = scalars[(index + 1)...].first { !$0.properties.isCaseIgnorable }
                let isFinal =
                    before?.properties.isCased == true && after?.properties.isCased != true
                result.append(isFinal ? "ς" : "σ")
            } else if scalar.value < 0x10000, let lower = lowercase[Int(scalar.value)] {
                result.append(lower)
            } else {
                result.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
            }
        }
        return String(result)
    }

    /// What `str.lower()` returns, of UTF-8.
    static func lowercased(_ text: [UInt8]) -> [UInt8] {
        Array(lowercased(String(decoding: text, as: UTF8.self)).utf8)
    }
}
