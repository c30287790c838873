internal import Foundation
internal import SpeechCore

/// The things that a sentence speaks of, before any language has words for them.
struct SentenceFacts {
    /// From 0, Sunday.
    var weekday = 0
    /// From 1.
    var day = 1
    /// From 0, January.
    var month = 0
    var year = 2000
    var number = 0
    /// A number that pages and rooms have.
    var small = 1
    var a = 1
    var b = 1
    var digits: [Int] = []
    /// Codes of ISO 3166; the first is the one of sentences with one country.
    var countries: [String] = []
    /// Codes of ISO 639; the first is the one of sentences with one language.
    var languages: [String] = []
    /// Places in the phrase book's list of persons.
    var person = 0
    var other = 1
    /// Places in the phrase book's list of actions.
    var action = 0
    var otherAction = 1
    /// Numbers of the phrase book's counts.
    var count = 5
    var minutes = 5
    /// A code of ISO 4217, and how much of it.
    var currency = "EUR"
    var amount = 5
}

/// The words of one language, from the system's locale data.
///
/// Not for use from several threads: the formatters under it are not.
final class LocaleWords {
    let profile: LanguageProfile
    let weekdays: [String]
    let months: [String]
    let dateMonths: [String]
    let countries: [String: String]
    let languages: [String: String]
    private let locale: Locale
    private let speller = NumberFormatter()
    private var spelled: [Int: String] = [:]
    private var priced: [String: String] = [:]

    init(_ profile: LanguageProfile) {
        self.profile = profile
        let locale = Locale(identifier: profile.locale)
        self.locale = locale
        speller.locale = locale
        speller.numberStyle = .spellOut

        let formatter = DateFormatter()
        formatter.locale = locale
        formatter.calendar = SentenceGenerator.calendar
        formatter.timeZone = SentenceGenerator.calendar.timeZone
        func names(_ format: String, _ dates: [Date]) -> [String] {
            formatter.dateFormat = format
            return dates.map { Self.clean(formatter.string(from: $0), profile) }
        }
        // The second of January 2000 was a Sunday.
        let week = (2...8).compactMap { SentenceGenerator.date(year: 2000, month: 1, day: $0) }
        let year = (1...12).compactMap { SentenceGenerator.date(year: 2000, month: $0, day: 1) }
        weekdays = names("cccc", week)
        months = profile.monthNames ?? names("LLLL", year)
        dateMonths = profile.monthNames ?? names("MMMM", year)

        func table(_ codes: [String], _ name: (String) -> String?) -> [String: String] {
            var table: [String: String] = [:]
            for code in codes {
                guard let name = name(code).map({ Self.clean($0, profile) }), name != code else {
                    continue
                }
                if Self.isPlain(name) { table[code] = name }
            }
            return table
        }
        countries = table(Self.countryCodes) { locale.localizedString(forRegionCode: $0) }
        languages = table(Self.languageCodes) { locale.localizedString(forLanguageCode: $0) }
    }

    /// A number in words.
    func spell(_ number: Int) -> String {
        if let known = spelled[number] { return known }
        let text = speller.string(from: NSNumber(value: number)) ?? String(number)
        let words = Self.clean(text, profile)
        spelled[number] = words
        return words
    }

    /// An amount of money in words with the form of the currency's name that follows the number, or nil
    /// where the locale data has no name that is spoken as it is written.
    func price(_ amount: Int, _ currency: String) -> String? {
        let key = "\(amount) \(currency)"
        if let known = priced[key] { return known }
        let style = IntegerFormatStyle<Int>.Currency(code: currency, locale: locale)
            .presentation(.fullName).precision(.fractionLength(0)).grouping(.never)
        let text = Self.clean(amount.formatted(style), profile)
        guard let digits = text.range(of: String(amount)) else { return nil }
        var name = text.replacingCharacters(in: digits, with: "")
        guard Self.isPlain(name) else { return nil }
        if profile.phrases.lowercasesCurrencies { name = name.lowercased(with: locale) }
        let offset = text.distance(from: text.startIndex, to: digits.lowerBound)
        name.insert(contentsOf: spell(amount), at: name.index(name.startIndex, offsetBy: offset))
        priced[key] = name
        return name
    }

    /// The currencies that have a name here.
    var currencies: [String] {
        Self.currencyCodes.filter { price(profile.phrases.counts[0], $0) != nil }
    }

    /// Puts words into a template's slots.
    func fill(_ template: String, _ facts: SentenceFacts) -> String {
        var text = ""
        var rest = template[...]
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            text += rest[..<open]
            text += word(String(rest[rest.index(after: open)..<close]), facts)
            rest = rest[rest.index(after: close)...]
        }
        return text + rest
    }

    private func word(_ slot: String, _ facts: SentenceFacts) -> String {
        switch slot {
        case "weekday": return weekdays[facts.weekday]
        case "day": return dayName(facts.day)
        case "month": return months[facts.month]
        case "dateMonth": return dateMonths[facts.month]
        case "year": return spell(facts.year)
        case "number": return spell(facts.number)
        case "small": return spell(facts.small)
        case "a": return spell(facts.a)
        case "b": return spell(facts.b)
        case "c": return spell(facts.a + facts.b)
        case "digits": return facts.digits.map(spell).joined(separator: profile.digitSeparator)
        case "country": return countries[facts.countries[0]] ?? ""
        case "language": return languages[facts.languages[0]] ?? ""
        case "countries": return list(facts.countries.compactMap { countries[$0] })
        case "languages": return list(facts.languages.compactMap { languages[$0] })
        case "person": return profile.phrases.persons[facts.person]
        case "other": return profile.phrases.persons[facts.other]
        case "action": return profile.phrases.actions[facts.action]
        case "otherAction": return profile.phrases.actions[facts.otherAction]
        case "count": return spell(facts.count)
        case "minutes": return spell(facts.minutes)
        case "amount": return price(facts.amount, facts.currency) ?? ""
        default: preconditionFailure("no words for the slot {\(slot)}")
        }
    }

    private func dayName(_ day: Int) -> String {
        switch profile.dayNames {
        case .listed(let names): return names[day - 1]
        case .cardinal(let first): return day == 1 ? first ?? spell(1) : spell(day)
        }
    }

    private func list(_ words: [String]) -> String {
        Self.clean(words.formatted(.list(type: .and).locale(locale)), profile)
    }

    private static func clean(_ text: String, _ profile: LanguageProfile) -> String {
        var result = ""
        // Composed letters, so that a replacement meets one form; soft hyphens are no sound, and
        // spaces that may not be broken are spaces.
        for character in text.precomposedStringWithCanonicalMapping.replacing("\u{ad}", with: "")
            .replacing("\u{a0}", with: " ").replacing("\u{202f}", with: " ")
        {
            result += profile.replacements[character] ?? String(character)
        }
        return result
    }

    /// Whether a name has no digits, brackets, signs or abbreviations, which are not spoken as they are
    /// written.
    private static func isPlain(_ name: String) -> Bool {
        let areCapitals = zip(name, name.dropFirst()).contains { $0.isUppercase && $1.isUppercase }
        return !areCapitals && name.contains { $0.isLetter }
            && name.allSatisfy { $0.isLetter || " -'’ʼ".contains($0) }
    }

    private static let countryCodes = codes(
        """
        AR AT AU BE BG BO BR BY CA CH CL CN CO CU CZ DE DK DZ EC EE EG ES ET FI FR GB GH GR HU ID \
        IE IL IN IQ IR IS IT JO JP KE KR LB LT LV LY MA MX MY NG NL NO NZ PE PH PK PL PT PY RO RU \
        SA SE SK SN SY TH TN TR TZ UA UG US UY VE VN ZA
        """)

    private static let languageCodes = codes(
        """
        am ar be bg bn ca cs cy da de el en es et eu fa fi fr ga he hi hu hy id is it ja ka ko lt \
        lv ms nl no pl pt ro ru sk sv sw ta th tr uk ur vi zh
        """)

    private static let currencyCodes = codes(
        "CHF CNY CZK EUR GBP INR JPY KRW MXN PLN RUB SEK TRY USD")

    private static func codes(_ text: String) -> [String] {
        text.split(separator: " ").map(String.init)
    }
}
