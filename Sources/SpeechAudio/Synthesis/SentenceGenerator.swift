internal import Foundation
package import SpeechCore

/// A made-up sentence and its English translation.
package struct Sentence: Sendable, Hashable {
    package let text: String
    package let translation: String
}

/// Makes sentences of one language out of templates and the system's locale data.
///
/// Digits are always spelled out, so that the text is what is spoken. Not for use from several
/// threads.
package final class SentenceGenerator {
    private let words: LocaleWords
    private let english: LocaleWords
    /// The kinds for which this system has words of the language, in a fixed order.
    package let kinds: [SentenceKind]
    private let countries: [String]
    private let languages: [String]
    private let currencies: [String]

    /// Prepares the words; slow (milliseconds), so that one generator is kept for a language.
    package init(_ profile: LanguageProfile) {
        let words = LocaleWords(profile)
        let english = LocaleWords(.english)
        self.words = words
        self.english = english
        countries = words.countries.keys.filter { english.countries[$0] != nil }.sorted()
        languages = words.languages.keys.filter { english.languages[$0] != nil }.sorted()
        let known = Set(english.currencies)
        currencies = words.currencies.filter { known.contains($0) }
        let missing = Self.missingSlots(words, english)
        let usable = SentenceKind.allCases.filter { kind in
            guard let template = profile.templates[kind] else { return false }
            return !missing.contains { template.contains("{\($0)}") }
        }
        kinds = usable
    }

    /// The slots for which the locale data has no words of this language.
    ///
    /// A system without a locale's data answers in English, or with digits, and says nothing.
    private static func missingSlots(_ words: LocaleWords, _ english: LocaleWords) -> Set<String> {
        let isEnglish = words.profile.code == english.profile.code
        func isMissing(_ names: [String], _ englishNames: [String]) -> Bool {
            let hasDigits = names.contains { name in name.contains { $0.isNumber && $0.isASCII } }
            return names.contains("") || hasDigits || (!isEnglish && names == englishNames)
        }
        var missing: Set<String> = []
        if isMissing(words.weekdays, english.weekdays) { missing.insert("weekday") }
        if isMissing(words.months, english.months) { missing.insert("month") }
        if isMissing(words.dateMonths, english.dateMonths) { missing.insert("dateMonth") }
        let numbers = [7, 12, 21, 38, 99, 100]
        if isMissing(numbers.map(words.spell), numbers.map(english.spell)) {
            missing.formUnion([
                "number", "small", "a", "b", "c", "digits", "year", "day", "count", "minutes",
                "amount",
            ])
        }
        func isForeign(_ table: [String: String], _ other: [String: String]) -> Bool {
            let shared = table.keys.filter { other[$0] != nil }
            return shared.count < 10 || (!isEnglish && shared.allSatisfy { table[$0] == other[$0] })
        }
        if isForeign(words.countries, english.countries) {
            missing.formUnion(["country", "countries"])
        }
        if isForeign(words.languages, english.languages) {
            missing.formUnion(["language", "languages"])
        }
        let prices = words.currencies.map { ($0, words.price(25, $0)) }
        if prices.count < 5 || (!isEnglish && prices.allSatisfy { english.price(25, $0) == $1 }) {
            missing.insert("amount")
        }
        return missing
    }

    /// Makes a sentence of one clause or two.
    package func sentence(_ generator: inout SeededGenerator) -> Sentence {
        precondition(!kinds.isEmpty, "no words for \(words.profile.code)")
        let first = clause(of: kinds[generator.uniform(below: kinds.count)], &generator)
        guard generator.uniform() < 0.35 else { return first }
        let second = clause(of: kinds[generator.uniform(below: kinds.count)], &generator)
        return Sentence(
            text: first.text + words.profile.clauseSeparator + second.text,
            translation: first.translation + english.profile.clauseSeparator + second.translation)
    }

    /// Makes a clause that says one thing.
    package func clause(
        of kind: SentenceKind, _ generator: inout SeededGenerator
    ) -> Sentence {
        let facts = draw(&generator)
        guard let template = words.profile.templates[kind],
            let translation = english.profile.templates[kind]
        else { preconditionFailure("\(words.profile.code) has no template for \(kind)") }
        return Sentence(
            text: words.fill(template, facts), translation: english.fill(translation, facts))
    }

    private func draw(_ generator: inout SeededGenerator) -> SentenceFacts {
        var facts = SentenceFacts()
        // Weekday and date agree, over fifty years.
        let date = Self.firstDay.addingTimeInterval(
            Double(generator.uniform(below: 18_263)) * 86_400)
        let parts = Self.calendar.dateComponents([.year, .month, .day, .weekday], from: date)
        facts.weekday = (parts.weekday ?? 1) - 1
        facts.day = parts.day ?? 1
        facts.month = (parts.month ?? 1) - 1
        facts.year = parts.year ?? 2000

        let limit = words.profile.numberLimit
        // Every number of digits is as likely as any other.
        let scale = [10, 100, 1000, 10_000, 100_000, 1_000_000]
            .filter { $0 <= limit + 1 }
        let bound = scale.isEmpty ? limit + 1 : scale[generator.uniform(below: scale.count)]
        facts.number = generator.uniform(below: bound)
        facts.small = 1 + generator.uniform(below: min(limit, 999))
        let part = min(limit, 999) / 2
        facts.a = 1 + generator.uniform(below: part)
        facts.b = 1 + generator.uniform(below: part)
        facts.digits = (0..<3 + generator.uniform(below: 5)).map { _ in
            generator.uniform(below: 10)
        }
        facts.countries = sample(countries, &generator)
        facts.languages = sample(languages, &generator)
        drawStory(&facts, &generator)
        return facts
    }

    private func drawStory(_ facts: inout SentenceFacts, _ generator: inout SeededGenerator) {
        let phrases = words.profile.phrases
        (facts.person, facts.other) = pair(below: phrases.persons.count, &generator)
        (facts.action, facts.otherAction) = pair(below: phrases.actions.count, &generator)
        facts.count = phrases.counts[generator.uniform(below: phrases.counts.count)]
        facts.minutes = phrases.counts[generator.uniform(below: phrases.counts.count)]
        // Thousands inflect nothing where the number of them does not.
        let amount = phrases.counts[generator.uniform(below: phrases.counts.count)]
        let isLarge = generator.uniform() < 0.3 && amount * 1000 <= words.profile.numberLimit
        facts.amount = isLarge ? amount * 1000 : amount
        if !currencies.isEmpty {
            facts.currency = currencies[generator.uniform(below: currencies.count)]
        }
    }

    /// Two different numbers.
    private func pair(below bound: Int, _ generator: inout SeededGenerator) -> (Int, Int) {
        let first = generator.uniform(below: bound)
        let second = generator.uniform(below: bound - 1)
        return (first, second < first ? second : second + 1)
    }

    /// Two to four different elements.
    private func sample(_ all: [String], _ generator: inout SeededGenerator) -> [String] {
        guard all.count >= 4 else { return all }
        let order = generator.permutation(all.count)
        return order.prefix(2 + generator.uniform(below: 3)).map { all[$0] }
    }

    /// Dates are those of the Gregorian calendar at Greenwich, whatever the machine's settings.
    static let calendar: Calendar = {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        return calendar
    }()

    /// The first of January 2000.
    private static let firstDay = Date(timeIntervalSince1970: 946_684_800)

    static func date(year: Int, month: Int, day: Int) -> Date? {
        calendar.date(from: DateComponents(year: year, month: month, day: day))
    }
}
