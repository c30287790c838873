/// The characters of a corpus by language.
package struct CorpusCensus {
    private let corpus: TextCorpus
    private let preparation: TextPreparation
    /// Of all texts, those without anything in them too; nil is for texts without a language.
    let counts: [String?: CharacterCounts]
    /// The languages that have text, sorted.
    package let languages: [String]

    /// Counts the characters of the prepared texts.
    ///
    /// * `languages`: Languages that must have text; nil for those there are.
    /// * `needsTags`: Whether every text must have a language whose code fits a tag.
    /// - Throws: `VocabularyError`, or what reading the corpus throws.
    package init(
        of corpus: TextCorpus, _ preparation: TextPreparation, languages: [String]?,
        needsTags: Bool
    ) throws {
        self.corpus = corpus
        self.preparation = preparation
        var counts: [String?: CharacterCounts] = [:]
        try corpus.forEach { text in
            counts[text.language, default: CharacterCounts()]
                .add(text.text.map { preparation($0) })
        }
        let present = counts.filter { !$0.value.byScalar.isEmpty }
        let found = present.keys.compactMap { $0 }.sorted()
        for code in languages ?? [] where !found.contains(code) {
            throw VocabularyError.languageWithoutText(
                corpus: corpus.name, expected: code, found: found)
        }
        guard !present.isEmpty else { throw VocabularyError.noText(corpus: corpus.name) }
        self.counts = counts
        self.languages = found
        guard needsTags else { return }
        if let without = present[nil] {
            throw VocabularyError.noLanguage(corpus: corpus.name, texts: without.texts)
        }
        let reserved: Set<Character> = ["[", "]", "|", ",", "\""]
        for code in found
        where code.isEmpty || code.contains(where: { $0.isWhitespace || reserved.contains($0) }) {
            throw VocabularyError.invalidLanguage(corpus: corpus.name, found: code)
        }
    }

    /// Every character that occurs.
    package var characters: Set<Unicode.Scalar> {
        counts.values.reduce(into: []) { $0.formUnion($1.byScalar.keys) }
    }

    /// How much of each language's text some characters cover: languages sorted, texts without one
    /// last.
    ///
    /// * `hasUnknown`: Whether a prepared text has something without a token.
    /// - Throws: what reading the corpus once more throws.
    package func coverage(
        keeping kept: Set<Unicode.Scalar>, _ hasUnknown: (String) -> Bool
    ) throws -> [LanguageCoverage] {
        var unknowns: [String?: Int] = [:]
        try corpus.forEach { text in
            guard let prepared = text.text.map({ preparation($0) }), hasUnknown(prepared) else {
                return
            }
            unknowns[text.language, default: 0] += 1
        }
        return counts.map { language, counts in
            LanguageCoverage(
                language: language, counts, kept: kept,
                textsWithUnknown: unknowns[language] ?? 0)
        }
        .sorted {
            ($0.language == nil ? 1 : 0, $0.language ?? "")
                < ($1.language == nil ? 1 : 0, $1.language ?? "")
        }
    }
}
