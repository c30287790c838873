/// The phrases of one language for prices, measures and small stories.
///
/// Every form is written so that it holds whatever is put in: persons are subjects in the present tense,
/// and `counts` has only numbers after which the noun has one form, and which have one form themselves.
package struct PhraseBook: Sendable {
    /// Names of persons, in the order of `internationalNames`; where verbs agree with women and men, the
    /// women alone.
    package let persons: [String]
    /// What persons do, as it follows their name; in the order of the English book.
    package let actions: [String]
    /// The numbers that are counted with.
    package let counts: [Int]
    /// Whether the locale data's names of currencies begin with a capital that running text has not.
    package let lowercasesCurrencies: Bool
    /// The template of each kind, with slots in braces.
    package let templates: [SentenceKind: String]

    /// - Parameters:
    ///   - persons: Names, with commas between them.
    ///   - actions: Phrases, each on a line of its own.
    ///   - and: What joins two clauses, with its spaces.
    ///   - but: What sets two clauses against each other, with its spaces.
    ///   - gap: What stands between a person and an action.
    ///   - counts: The numbers that are counted with.
    ///   - lowercasesCurrencies: See the property.
    ///   - templates: The templates that are not made from the parts above.
    init(
        persons: String = Self.internationalNames, actions: String, and: String, but: String,
        gap: String = " ", counts: [Int] = Self.roundCounts, lowercasesCurrencies: Bool = false,
        templates: [SentenceKind: String]
    ) {
        self.persons = persons.split(separator: ", ").map(String.init)
        self.actions = actions.split(separator: "\n").map(String.init)
        self.counts = counts
        self.lowercasesCurrencies = lowercasesCurrencies
        let first = "{person}\(gap){action}"
        let second = "{other}\(gap){otherAction}"
        let stories: [SentenceKind: String] = [
            .doing: first, .together: first + and + second, .contrast: first + but + second,
        ]
        self.templates = stories.merging(templates) { $1 }
    }

    /// Women first.
    static let internationalNames = "Anna, Maria, Laura, Eva, Peter, Daniel, Martin, Paul"

    /// From 5 to 99 without those whose last digit is 1 to 4, but for 11 to 14.
    ///
    /// After these, the Slavic and Baltic Finnic languages have one form of the noun, and numbers do
    /// not agree with its gender.
    static let roundCounts = (5...99).filter { number in
        (11...14).contains(number) || !(1...4).contains(number % 10)
    }
}
