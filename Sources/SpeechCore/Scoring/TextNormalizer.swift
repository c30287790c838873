import Foundation

/// Writes texts in one way, so that a score does not count what nobody hears: case, punctuation,
/// full-width letters, invisible characters.
///
/// Marks stay: vowel signs and tones of Brahmic scripts and Thai, Arabic and Hebrew points, accents. What
/// it does:
/// * Unicode's NFKC, then lower case without full folding (ß stays ß); in Turkish, Azerbaijani, Gagauz
///   and Crimean Tatar İ becomes i and I becomes ı.
/// * Punctuation and symbols become spaces. An apostrophe between letters stays, always as `'`; a hyphen
///   between words is a space. A period, comma or colon between digits stays. A middle dot stays in
///   `l·l`, gershayim inside a Hebrew word goes without a space.
/// * Joiners, soft hyphens, direction marks, variation selectors and the Arabic tatweel go.
/// * White space becomes single spaces; between characters of scripts that have none between words it
///   goes.
public struct TextNormalizer: Sendable {
    /// What signatures call these rules; changes with them.
    public static let version = "colld-1"

    private let isTurkic: Bool

    /// Rules for a language by its code; nil for those that all have.
    public init(language: String? = nil) {
        isTurkic =
            language.map { code in
                ["tr", "az", "gag", "crh"].contains { LanguageScripts.sameLanguage(code, $0) }
                    && LanguageScripts.scripts(of: code)?.first != .cyrillic
            } ?? false
    }

    /// The text in its one way; a normalised text stays as it is.
    public func normalize(_ text: String) -> String {
        if text.utf8.allSatisfy({ $0 < 0x80 }) { return cleaned(lowercased(text)) }
        // A spacing accent stands for an apostrophe; NFKC would make a space and a mark of it.
        let prepared =
            text.unicodeScalars.contains("\u{B4}")
            ? text.replacingOccurrences(of: "\u{B4}", with: "'") : text
        var compatible = prepared.precomposedStringWithCompatibilityMapping
        if !compatible.utf8.elementsEqual(prepared.utf8) {
            // Foundation on Linux leaves some marks beside their letters: ﾋﾞ.
            compatible = compatible.precomposedStringWithCanonicalMapping
        }
        return cleaned(lowercased(compatible))
    }

    private func lowercased(_ text: String) -> String {
        guard isTurkic else { return TextBytes.lowercased(text) }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "I": result.append("ı")
            case "İ": result.append("i")
            default: result.append(scalar)
            }
        }
        return TextBytes.lowercased(String(result))
    }

    /// What becomes of a character.
    private enum Role {
        case letter, mark, digit, unspacedLetter
        case space, apostrophe, numberSign, middleDot, gershayim, other
        case nothing

        var isWord: Bool {
            switch self {
            case .letter, .mark, .digit, .unspacedLetter: return true
            default: return false
            }
        }
    }

    private func cleaned(_ text: String) -> String {
        var scalars: [Unicode.Scalar] = []
        var roles: [Role] = []
        for scalar in text.unicodeScalars {
            let role = Self.role(of: scalar)
            if role == .nothing { continue }
            scalars.append(scalar)
            roles.append(role)
        }
        var result = String.UnicodeScalarView()
        // The last character that was written, and whether a space is due before the next.
        var last = Role.nothing
        var isSpaceDue = false
        for (index, role) in roles.enumerated() {
            let before = index > 0 ? roles[index - 1] : .other
            let after = index + 1 < roles.count ? roles[index + 1] : .other
            var kept: Unicode.Scalar?
            switch role {
            case .letter, .digit, .unspacedLetter:
                kept = scalars[index]
            case .mark where before.isWord:
                kept = scalars[index]
            case .apostrophe where before.isWord && after.isWord:
                kept = "'"
            case .numberSign where before == .digit && after == .digit:
                kept = scalars[index]
            case .middleDot
            where index > 0 && index + 1 < scalars.count
                && UnicodeScript(scalars[index - 1]) == .latin
                && UnicodeScript(scalars[index + 1]) == .latin:
                kept = scalars[index]
            case .gershayim
            where index > 0 && index + 1 < scalars.count
                && UnicodeScript(scalars[index - 1]) == .hebrew
                && UnicodeScript(scalars[index + 1]) == .hebrew:
                continue
            default:
                isSpaceDue = true
            }
            guard let kept else { continue }
            if isSpaceDue, !result.isEmpty, !(last == .unspacedLetter && role == .unspacedLetter) {
                result.append(" ")
            }
            isSpaceDue = false
            result.append(kept)
            // A mark belongs to the letter before it.
            if role != .mark || last != .unspacedLetter { last = role }
        }
        return String(result)
    }

    /// The roles of the basic plane; asking Unicode's tables each time would take most of the time.
    private static let roles: [Role] = (0..<0x10000).map { (value: UInt32) -> Role in
        Unicode.Scalar(value).map(uncachedRole) ?? .other
    }

    private static func role(of scalar: Unicode.Scalar) -> Role {
        scalar.value < 0x10000 ? roles[Int(scalar.value)] : uncachedRole(of: scalar)
    }

    private static func uncachedRole(of scalar: Unicode.Scalar) -> Role {
        switch scalar.value {
        case 0x27, 0x60, 0x2BC, 0x2018, 0x2019, 0x201B, 0x2032: return .apostrophe
        case 0x2C, 0x2E, 0x3A, 0x66B, 0x66C: return .numberSign
        case 0xB7, 0x2027: return .middleDot
        case 0x22, 0x5F3, 0x5F4, 0x201D: return .gershayim
        // Tatweel, variation selectors, the frame of a key.
        case 0x640, 0x20E3, 0xFE00...0xFE0F, 0xE0100...0xE01EF: return .nothing
        // Spaces of no width between words.
        case 0x200B, 0xFEFF: return .space
        default: break
        }
        let properties = scalar.properties
        switch properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark:
            return .mark
        case .decimalNumber, .letterNumber, .otherNumber:
            return .digit
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
            return isUnspaced(scalar) ? .unspacedLetter : .letter
        case .format:
            return .nothing
        case .spaceSeparator, .lineSeparator, .paragraphSeparator, .control:
            return .space
        default:
            return .other
        }
    }

    /// Whether a letter's script has no spaces between words; the prolonged sound mark of Japanese belongs
    /// to two of them.
    private static func isUnspaced(_ scalar: Unicode.Scalar) -> Bool {
        guard scalar.value >= 0xE00 else { return false }
        if scalar.value == 0x30FC { return true }
        return UnicodeScript(scalar).map(LanguageScripts.unspaced.contains) ?? false
    }
}
