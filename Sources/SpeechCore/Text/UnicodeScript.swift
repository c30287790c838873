/// A writing system, by its ISO 15924 code.
public enum UnicodeScript: String, Sendable, CaseIterable, Codable {
    case adlam = "Adlm"
    case arabic = "Arab"
    case armenian = "Armn"
    case balinese = "Bali"
    case bengali = "Beng"
    case bopomofo = "Bopo"
    case canadianSyllabics = "Cans"
    case chakma = "Cakm"
    case cham = "Cham"
    case cherokee = "Cher"
    case coptic = "Copt"
    case cyrillic = "Cyrl"
    case devanagari = "Deva"
    case ethiopic = "Ethi"
    case georgian = "Geor"
    case glagolitic = "Glag"
    case greek = "Grek"
    case gujarati = "Gujr"
    case gurmukhi = "Guru"
    case han = "Hani"
    case hangul = "Hang"
    case hebrew = "Hebr"
    case hiragana = "Hira"
    case javanese = "Java"
    case kannada = "Knda"
    case katakana = "Kana"
    case khmer = "Khmr"
    case lao = "Laoo"
    case latin = "Latn"
    case lisu = "Lisu"
    case malayalam = "Mlym"
    case meetei = "Mtei"
    case mongolian = "Mong"
    case myanmar = "Mymr"
    case newTaiLue = "Talu"
    case nko = "Nkoo"
    case odia = "Orya"
    case olChiki = "Olck"
    case osage = "Osge"
    case rohingya = "Rohg"
    case sinhala = "Sinh"
    case sundanese = "Sund"
    case syriac = "Syrc"
    case taiLe = "Tale"
    case taiTham = "Lana"
    case tamil = "Taml"
    case telugu = "Telu"
    case thaana = "Thaa"
    case thai = "Thai"
    case tibetan = "Tibt"
    case tifinagh = "Tfng"
    case vai = "Vaii"
    case yi = "Yiii"

    /// The script that a character belongs to; nil for what many share (digits, punctuation, space,
    /// accents of their own) and for scripts that no living language is written in.
    public init?(_ scalar: Unicode.Scalar) {
        guard let range = ScriptRange.find(scalar.value) else { return nil }
        self = range.script
    }

    /// Alphabets whose letters look alike, so that one word in several of them is a slip of the
    /// keyboard: "cаt" with a Cyrillic "а".
    var isLookAlike: Bool { self == .latin || self == .cyrillic || self == .greek }
}

/// Neighbouring characters of one script.
struct ScriptRange {
    let start, end: UInt32
    let script: UnicodeScript

    init(_ start: UInt32, _ end: UInt32, _ script: UnicodeScript) {
        self.start = start
        self.end = end
        self.script = script
    }

    func contains(_ value: UInt32) -> Bool { value >= start && value <= end }

    /// By bisection.
    static func find(_ value: UInt32) -> ScriptRange? {
        all.withUnsafeBufferPointer { ranges in
            var (low, high) = (0, ranges.count)
            while low < high {
                let middle = (low + high) / 2
                if ranges[middle].end < value { low = middle + 1 } else { high = middle }
            }
            return low < ranges.count && ranges[low].start <= value ? ranges[low] : nil
        }
    }

    /// All ranges by code point, after the property Script of Unicode.
    ///
    /// What is unassigned between characters of a
    /// script counts as its own; characters that the property calls common or inherited are left out.
    static let all: [ScriptRange] = [
        .init(0x41, 0x5A, .latin), .init(0x61, 0x7A, .latin), .init(0xAA, 0xAA, .latin),
        .init(0xBA, 0xBA, .latin), .init(0xC0, 0xD6, .latin), .init(0xD8, 0xF6, .latin),
        .init(0xF8, 0x2B8, .latin), .init(0x2E0, 0x2E4, .latin), .init(0x370, 0x373, .greek),
        .init(0x375, 0x37D, .greek), .init(0x37F, 0x384, .greek), .init(0x386, 0x386, .greek),
        .init(0x388, 0x3E1, .greek), .init(0x3E2, 0x3EF, .coptic), .init(0x3F0, 0x3FF, .greek),
        .init(0x400, 0x484, .cyrillic), .init(0x487, 0x52F, .cyrillic),
        .init(0x531, 0x58F, .armenian), .init(0x591, 0x5F4, .hebrew),
        .init(0x610, 0x61A, .arabic), .init(0x61C, 0x61E, .arabic), .init(0x620, 0x63F, .arabic),
        .init(0x641, 0x64A, .arabic), .init(0x656, 0x65F, .arabic), .init(0x66A, 0x66F, .arabic),
        .init(0x671, 0x6DC, .arabic), .init(0x6DE, 0x6FF, .arabic), .init(0x700, 0x74F, .syriac),
        .init(0x750, 0x77F, .arabic), .init(0x780, 0x7B1, .thaana), .init(0x7C0, 0x7FF, .nko),
        .init(0x860, 0x86A, .syriac), .init(0x870, 0x8E1, .arabic), .init(0x8E3, 0x8FF, .arabic),
        .init(0x900, 0x950, .devanagari), .init(0x955, 0x963, .devanagari),
        .init(0x966, 0x97F, .devanagari), .init(0x980, 0x9FF, .bengali),
        .init(0xA01, 0xA76, .gurmukhi), .init(0xA81, 0xAFF, .gujarati), .init(0xB01, 0xB77, .odia),
        .init(0xB82, 0xBFA, .tamil), .init(0xC00, 0xC7F, .telugu), .init(0xC80, 0xCF3, .kannada),
        .init(0xD00, 0xD7F, .malayalam), .init(0xD81, 0xDF4, .sinhala), .init(0xE01, 0xE3A, .thai),
        .init(0xE40, 0xE5B, .thai), .init(0xE81, 0xEDF, .lao), .init(0xF00, 0xFD4, .tibetan),
        .init(0xFD9, 0xFDA, .tibetan), .init(0x1000, 0x109F, .myanmar),
        .init(0x10A0, 0x10FA, .georgian), .init(0x10FC, 0x10FF, .georgian),
        .init(0x1100, 0x11FF, .hangul), .init(0x1200, 0x1399, .ethiopic),
        .init(0x13A0, 0x13FD, .cherokee), .init(0x1400, 0x167F, .canadianSyllabics),
        .init(0x1780, 0x17F9, .khmer), .init(0x1800, 0x1801, .mongolian),
        .init(0x1804, 0x1804, .mongolian), .init(0x1806, 0x18AA, .mongolian),
        .init(0x18B0, 0x18F5, .canadianSyllabics), .init(0x1950, 0x1974, .taiLe),
        .init(0x1980, 0x19DF, .newTaiLue), .init(0x19E0, 0x19FF, .khmer),
        .init(0x1A20, 0x1AAD, .taiTham), .init(0x1B00, 0x1B7F, .balinese),
        .init(0x1B80, 0x1BBF, .sundanese), .init(0x1C5A, 0x1C7F, .olChiki),
        .init(0x1C80, 0x1C8F, .cyrillic), .init(0x1C90, 0x1CBF, .georgian),
        .init(0x1CC0, 0x1CC7, .sundanese), .init(0x1D00, 0x1D25, .latin),
        .init(0x1D26, 0x1D2A, .greek), .init(0x1D2B, 0x1D2B, .cyrillic),
        .init(0x1D2C, 0x1D5C, .latin), .init(0x1D5D, 0x1D61, .greek),
        .init(0x1D62, 0x1D65, .latin), .init(0x1D66, 0x1D6A, .greek),
        .init(0x1D6B, 0x1D77, .latin), .init(0x1D78, 0x1D78, .cyrillic),
        .init(0x1D79, 0x1DBE, .latin), .init(0x1DBF, 0x1DBF, .greek),
        .init(0x1E00, 0x1EFF, .latin), .init(0x1F00, 0x1FFE, .greek),
        .init(0x2071, 0x2071, .latin), .init(0x207F, 0x207F, .latin),
        .init(0x2090, 0x209C, .latin), .init(0x2126, 0x2126, .greek),
        .init(0x212A, 0x212B, .latin), .init(0x2132, 0x2132, .latin),
        .init(0x214E, 0x214E, .latin), .init(0x2160, 0x2188, .latin),
        .init(0x2C00, 0x2C5F, .glagolitic), .init(0x2C60, 0x2C7F, .latin),
        .init(0x2C80, 0x2CFF, .coptic), .init(0x2D00, 0x2D2D, .georgian),
        .init(0x2D30, 0x2D7F, .tifinagh), .init(0x2D80, 0x2DDE, .ethiopic),
        .init(0x2DE0, 0x2DFF, .cyrillic), .init(0x2E80, 0x2FD5, .han),
        .init(0x3005, 0x3005, .han), .init(0x3007, 0x3007, .han), .init(0x3021, 0x3029, .han),
        .init(0x302E, 0x302F, .hangul), .init(0x3038, 0x303B, .han),
        .init(0x3041, 0x3096, .hiragana), .init(0x309D, 0x309F, .hiragana),
        .init(0x30A1, 0x30FA, .katakana), .init(0x30FD, 0x30FF, .katakana),
        .init(0x3105, 0x312F, .bopomofo), .init(0x3131, 0x318E, .hangul),
        .init(0x31A0, 0x31BF, .bopomofo), .init(0x31F0, 0x31FF, .katakana),
        .init(0x3200, 0x321E, .hangul), .init(0x3260, 0x327E, .hangul),
        .init(0x32D0, 0x32FE, .katakana), .init(0x3300, 0x3357, .katakana),
        .init(0x3400, 0x4DBF, .han), .init(0x4E00, 0x9FFF, .han), .init(0xA000, 0xA4C6, .yi),
        .init(0xA4D0, 0xA4FF, .lisu), .init(0xA500, 0xA62B, .vai),
        .init(0xA640, 0xA69F, .cyrillic), .init(0xA722, 0xA787, .latin),
        .init(0xA78B, 0xA7FF, .latin), .init(0xA8E0, 0xA8FF, .devanagari),
        .init(0xA960, 0xA97C, .hangul), .init(0xA980, 0xA9CD, .javanese),
        .init(0xA9D0, 0xA9DF, .javanese), .init(0xA9E0, 0xA9FE, .myanmar),
        .init(0xAA00, 0xAA5F, .cham), .init(0xAA60, 0xAA7F, .myanmar),
        .init(0xAAE0, 0xAAF6, .meetei), .init(0xAB01, 0xAB2E, .ethiopic),
        .init(0xAB30, 0xAB5A, .latin), .init(0xAB5C, 0xAB64, .latin),
        .init(0xAB65, 0xAB65, .greek), .init(0xAB66, 0xAB69, .latin),
        .init(0xAB70, 0xABBF, .cherokee), .init(0xABC0, 0xABF9, .meetei),
        .init(0xAC00, 0xD7FB, .hangul), .init(0xF900, 0xFAD9, .han), .init(0xFB00, 0xFB06, .latin),
        .init(0xFB13, 0xFB17, .armenian), .init(0xFB1D, 0xFB4F, .hebrew),
        .init(0xFB50, 0xFD3D, .arabic), .init(0xFD40, 0xFDFF, .arabic),
        .init(0xFE2E, 0xFE2F, .cyrillic), .init(0xFE70, 0xFEFC, .arabic),
        .init(0xFF21, 0xFF3A, .latin), .init(0xFF41, 0xFF5A, .latin),
        .init(0xFF66, 0xFF6F, .katakana), .init(0xFF71, 0xFF9D, .katakana),
        .init(0xFFA0, 0xFFDC, .hangul), .init(0x104B0, 0x104FB, .osage),
        .init(0x10780, 0x107BA, .latin), .init(0x10D00, 0x10D39, .rohingya),
        .init(0x10EC2, 0x10EC7, .arabic), .init(0x11100, 0x11147, .chakma),
        .init(0x11AB0, 0x11ABF, .canadianSyllabics), .init(0x11FB0, 0x11FB0, .lisu),
        .init(0x16FE2, 0x16FE3, .han), .init(0x16FF0, 0x16FF1, .han),
        .init(0x1AFF0, 0x1B000, .katakana),
        .init(0x1B001, 0x1B11F, .hiragana), .init(0x1B120, 0x1B122, .katakana),
        .init(0x1B132, 0x1B152, .hiragana), .init(0x1B155, 0x1B167, .katakana),
        .init(0x1DF00, 0x1DF2A, .latin), .init(0x1E030, 0x1E08F, .cyrillic),
        .init(0x1E7E0, 0x1E7FE, .ethiopic), .init(0x1E900, 0x1E95F, .adlam),
        .init(0x1EE00, 0x1EEF1, .arabic), .init(0x20000, 0x3FFFF, .han),
    ]
}
