/// What a made-up sentence says.
///
/// Each kind is one meaning; a language gives it a template, and English gives its translation.
package enum SentenceKind: String, CaseIterable, Sendable {
    case today, yesterday, tomorrow
    case month, country, language
    case countries, languages
    case number, numbered, page, room, digits, sum
    case date, dateWithYear
    case price
    case distance, weight, temperature, duration, pages, age
    case doing, together, contrast, speaks
    // Small stories of two or three clauses.
    case day, trip, abroad, shopping
}

/// How sentences are made and spoken in one language.
///
/// Words for numbers, days, months, countries and languages come from the system's locale data; a
/// profile adds templates whose grammar holds whatever word is put in.
package struct LanguageProfile: Sendable {
    /// How the day of a month is said in a date.
    package enum DayNames: Sendable {
        /// As the plain number, but for the first where that has a name of its own.
        case cardinal(first: String? = nil)
        /// As one of 31 words.
        case listed([String])
    }

    /// The ISO 639-1 code, used in manifests.
    package let code: String
    /// The locale that spells the words.
    package let locale: String
    /// The voice of espeak-ng.
    package let voice: String
    /// The largest number that the locale data spells correctly.
    package let numberLimit: Int
    package let dayNames: DayNames
    /// The template of each kind, with slots in braces.
    package let templates: [SentenceKind: String]
    /// Month names where those of the locale hold digits; else nil.
    package let monthNames: [String]?
    /// What stands between the digits of a row.
    package let digitSeparator: String
    /// What stands between two sentences said as one utterance.
    package let clauseSeparator: String
    /// Spellings to change in what the locale data gives.
    package let replacements: [Character: String]
    /// Prices, measures and stories.
    package let phrases: PhraseBook

    package init(
        code: String, locale: String? = nil, voice: String? = nil, numberLimit: Int,
        dayNames: DayNames = .cardinal(), monthNames: [String]? = nil,
        digitSeparator: String = " ", clauseSeparator: String = ", ",
        replacements: [Character: String] = [:], phrases: PhraseBook,
        templates: [SentenceKind: String]
    ) {
        self.code = code
        self.locale = locale ?? code
        self.voice = voice ?? code
        self.numberLimit = numberLimit
        self.dayNames = dayNames
        self.monthNames = monthNames
        self.digitSeparator = digitSeparator
        self.clauseSeparator = clauseSeparator
        self.replacements = replacements
        self.phrases = phrases
        // These need no words of their own.
        var all: [SentenceKind: String] = [
            .number: "{number}", .digits: "{digits}", .countries: "{countries}",
            .languages: "{languages}",
        ]
        all.merge(phrases.templates) { $1 }
        all.merge(templates) { $1 }
        if let today = all[.today], let together = all[.together] {
            all[.day] = today + clauseSeparator + together
        }
        self.templates = all
    }

    /// Every language, by code.
    package static let all: [LanguageProfile] = (romance + germanic + slavic + others)
        .sorted { $0.code < $1.code }

    /// The profile of a code, or nil.
    package static func named(_ code: String) -> LanguageProfile? {
        all.first { $0.code == code }
    }
}

extension LanguageProfile.DayNames {
    /// Ordinals: the first twenty, a pattern for 21 to 29 with `{}` for the unit, 30 and 31.
    static func ordinals(
        _ upToTwenty: String, twenties: String, units: String, last: [String]
    ) -> Self {
        let names =
            words(upToTwenty)
            + words(units).map { twenties.replacing("{}", with: $0) } + last
        precondition(names.count == 31, "a month has 31 days, found \(names.count)")
        return .listed(names)
    }

    private static func words(_ text: String) -> [String] {
        text.split(separator: " ").map(String.init)
    }
}
