import Foundation
import SpeechCore
import TestSupport
import Testing

@Suite struct TextNormalizerTests {
    private static let cases: [(language: String?, text: String, expected: String)] = [
        ("en", "Don’t  stop -- it’s $4.50, “really”!", "don't stop it's 4.50 really"),
        (
            "en", "The well-known U.S. e-book: 1,000 copies.",
            "the well known u s e book 1,000 copies"
        ),
        ("en", "'Tis the dogs' (own) rock ’n’ roll…", "tis the dogs own rock n roll"),
        ("fr", "L´élève n`a PAS fini à 10:30.", "l'élève n'a pas fini à 10:30"),
        ("uk", "П\u{2BC}ять м’ячів", "п'ять м'ячів"),
        ("de", "STRASSE, Straße und GROẞ", "strasse straße und groß"),
        ("tr", "İSTANBUL'DA ILIK", "istanbul'da ılık"),
        ("az_Latn", "Iİ", "ıi"),
        ("az_Cyrl", "I", "i"),
        ("en", "I", "i"),
        ("el", "ΟΔΥΣΣΕΥΣ, ΟΔΟΣ.", "οδυσσευς οδος"),
        ("ca", "Paral·lel · nou", "paral·lel nou"),
        // Marks stay, joiners and the tatweel go.
        ("hi", "मुझे चाय बहुत पसंद है।", "मुझे चाय बहुत पसंद है"),
        ("ml", "അവന്\u{200D}", "അവന്"),
        ("ar", "ذهبَ الـولدُ، صباحًا؟", "ذهبَ الولدُ صباحًا"),
        ("fa", "می\u{200C}خواهم", "میخواهم"),
        ("he", "צה״ל ו\"צה\"ל\"", "צהל וצהל"),
        ("th", "วันนี้ อากาศร้อน!", "วันนี้อากาศร้อน"),
        ("vi", "Trời đẹp QUÁ", "trời đẹp quá"),
        // Full width, half width, compatibility, white space.
        ("ja", "ﾃﾚﾋﾞを ＮＨＫで、見た。", "テレビを nhkで見た"),
        ("ja", "コンピューター と 駅", "コンピューターと駅"),
        ("zh", "他买了 iPhone 15，还有 两 本书。", "他买了 iphone 15 还有两本书"),
        ("ko", "내일\u{3000}아침,  일곱 시", "내일 아침 일곱 시"),
        (nil, "x\u{FE0F} ½ ﬁ ² \u{AD}a\u{AD}b 👍🏽 \u{301}", "x 1 2 fi 2 ab"),
        (nil, "¡…!", ""),
        (nil, "", ""),
    ]

    @Test(arguments: cases.indices) func writesInOneWay(_ index: Int) {
        let (language, text, expected) = Self.cases[index]
        let normalizer = TextNormalizer(language: language)
        let found = normalizer.normalize(text)
        #expect(Array(found.unicodeScalars) == Array(expected.unicodeScalars), "\(text): \(found)")
        #expect(normalizer.normalize(found) == found)
    }

    /// Letters, marks and digits of every script stay what they are, only case changes.
    @Test func keepsWhatIsHeard() {
        let normalizer = TextNormalizer()
        let texts = [
            "বাংলা ভাষা", "ગુજરાતી", "ਪੰਜਾਬੀ", "தமிழ் மொழி", "తెలుగు", "ಕನ್ನಡ", "മലയാളം", "සිංහල",
            "ខ្មែរ", "မြန်မာ", "བོད་ཡིག", "አማርኛ", "ქართული", "հայերեն", "ދިވެހި", "ไทย",
        ]
        for text in texts {
            let kept = text.unicodeScalars.filter { !$0.properties.isWhitespace && $0 != "་" }
            let found = normalizer.normalize(text).unicodeScalars.filter { $0 != " " }
            #expect(Array(found) == Array(kept), "\(text)")
        }
    }
}
