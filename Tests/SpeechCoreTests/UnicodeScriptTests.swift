import Foundation
import SpeechCore
import Testing

@Suite("Scripts of characters, texts and languages") struct UnicodeScriptTests {
    @Test("letters of every script belong to it and to no other, as ICU says")
    func oracle() throws {
        // Letters that the system's Unicode data assigns, as one text that each script is sought in.
        let values = (0x41...0x1_EEFF as ClosedRange<UInt32>).filter { !(0xD800...0xDFFF ~= $0) }
        let letters = values.compactMap(Unicode.Scalar.init).filter {
            switch $0.properties.generalCategory {
            case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter,
                .otherLetter:
                true
            default: false
            }
        }
        var text = String.UnicodeScalarView()
        var places: [Int: UInt32] = [:]
        var place = 0
        for letter in letters {
            text.append(letter)
            text.append(" ")
            places[place] = letter.value
            place += UTF16.width(letter) + 1
        }
        let all = String(text)
        func codePoints(ofScript code: String) throws -> [UInt32] {
            let pattern = try NSRegularExpression(pattern: "\\p{Script=\(code)}")
            return pattern.matches(in: all, range: NSRange(location: 0, length: place))
                .compactMap { places[$0.range.location] }
        }
        var found: [UInt32: UnicodeScript] = [:]
        for script in UnicodeScript.allCases {
            for value in try codePoints(ofScript: script.rawValue) { found[value] = script }
        }
        // ICU may know an older Unicode than the standard library.
        let unknown = Set(try codePoints(ofScript: "Zzzz"))
        #expect(found.count > 40_000)
        let wrong = letters.filter {
            UnicodeScript($0) != found[$0.value] && !unknown.contains($0.value)
        }
        let list = wrong.prefix(20).map { letter in
            let names = [UnicodeScript(letter), found[letter.value]].map { $0?.rawValue ?? "-" }
            return "U+\(String(letter.value, radix: 16)) \(names.joined(separator: ", not "))"
        }
        #expect(list.isEmpty)
    }

    @Test("what scripts share belongs to none")
    func common() {
        for scalar in " .,!?0123456789-'\"«»„“”…×÷µ、。「」・ー०।،؟٣\u{301}\u{2BC}😀".unicodeScalars
        where scalar != "०" {
            #expect(UnicodeScript(scalar) == nil, "\(scalar)")
        }
        #expect(UnicodeScript("०") == .devanagari)
    }

    @Test("ranges are in order and apart")
    func order() {
        for scalar in ["a", "я", "字", "ก"] as [Unicode.Scalar] {
            #expect(UnicodeScript(scalar) != nil)
        }
        let scripts = Set(UnicodeScript.allCases.map(\.rawValue))
        #expect(scripts.count == UnicodeScript.allCases.count)
        #expect(scripts.allSatisfy { $0.count == 4 })
    }

    @Test("a text's scripts are counted without punctuation and space")
    func profile() {
        let profile = ScriptProfile("Привет, world! 東京へ.")
        #expect(profile.parts.map(\.script) == [.cyrillic, .latin, .han, .hiragana])
        #expect(profile.parts.map(\.count) == [6, 5, 2, 1])
        #expect(profile.main == .cyrillic)
        #expect(profile.share(outside: [.cyrillic, .latin]) == 3.0 / 14)
        #expect(profile.share(outside: []) == 1)
        #expect(profile.mixedWord == nil)
        #expect(profile.hasContent)
    }

    @Test(
        "texts without letters and numbers have no content",
        arguments: ["", " ", ".", "… — !?", "„“", "\u{301}", "😀", "\u{200B}", "\u{FEFF}"])
    func empty(_ text: String) {
        let profile = ScriptProfile(text)
        #expect(!profile.hasContent)
        #expect(profile.main == nil)
        #expect(profile.share(outside: [.latin]) == 0)
    }

    @Test(
        "letters and numbers of any script are content",
        arguments: ["a", "7", "٣", "ك", "𒀀", "½", "𝐱"])
    func content(_ text: String) { #expect(ScriptProfile(text).hasContent) }

    @Test(
        "a word in alphabets that look alike is found",
        arguments: [
            ("the c\u{430}t sat", "c\u{430}t"), ("М\u{430}c\u{43A}ва", "Маcква"),
            ("na\u{3BF}i", "naοi"), ("Е\u{301}a", "Е\u{301}a"),
        ])
    func mixed(_ text: String, _ word: String) {
        #expect(ScriptProfile(text).mixedWord == word)
    }

    @Test(
        "scripts that belong together, or stand in words of their own, are not mixed",
        arguments: [
            "Tシャツを買った", "iPhone-ы и COVID-ом", "β-carotene", "서울特別市", "Ω 5 µm",
            "Vi\u{1EC7}t Nam", "п’ять", "п\u{2BC}ять", "café",
        ])
    func apart(_ text: String) { #expect(ScriptProfile(text).mixedWord == nil) }

    @Test(
        "languages by every usual code",
        arguments: [
            ("en", [.latin]), ("eng", [.latin]), ("EN_us", [.latin]), ("eng_Latn", [.latin]),
            ("ru_ru", [.cyrillic]), ("sr", [.latin, .cyrillic]), ("srp_Cyrl", [.cyrillic]),
            ("sr-Latn-RS", [.latin]), ("zh-CN", [.han, .bopomofo]),
            ("cmn_hans_cn", [.han, .bopomofo]), ("cmn", [.han, .bopomofo]),
            ("yue_hant_hk", [.han, .bopomofo]), ("ja", [.han, .hiragana, .katakana]),
            ("jpn_Jpan", [.han, .hiragana, .katakana]), ("kor", [.hangul, .han]),
            ("kor_Kore", [.hangul, .han]), ("hi_in", [.devanagari]), ("ckb_iq", [.arabic]),
            ("arb", [.arabic]), ("hy-AM", [.armenian]), ("rm-sursilv", [.latin]),
            ("pa", [.gurmukhi, .arabic]), ("pan_Guru", [.gurmukhi]), ("ory", [.odia]),
            ("nso_za", [.latin]), ("npi_Deva", [.devanagari]), ("am", [.ethiopic]),
            ("xyz_Tibt", [.tibetan]),
        ] as [(String, [UnicodeScript])])
    func languages(_ code: String, _ scripts: [UnicodeScript]) throws {
        let found = try #require(LanguageScripts.scripts(of: code))
        #expect(Set(found) == Set(scripts))
        #expect(found.first == scripts.first || code == "sr")
    }

    @Test("codes that are not known", arguments: ["", "_", "xyz", "qq_qq", "english"])
    func unknown(_ code: String) { #expect(LanguageScripts.scripts(of: code) == nil) }
}
