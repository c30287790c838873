/// What texts score: together, by language, and the worst of them to read.
public struct ScoreReport: Sendable, Hashable, Codable {
    /// The utterances of one language, or all.
    public struct Part: Sendable, Hashable, Codable {
        /// The language's code; nil for all and for utterances without one.
        public let language: String?
        /// The language of the speech, where texts are translations of known languages.
        public let sourceLanguage: String?
        /// How many utterances there are.
        public let utterances: Int
        /// Whether the language's script has no spaces between words, so that CER is the rate to read.
        public let isWrittenWithoutSpaces: Bool
        /// The scores, in the order of metrics within that of forms.
        ///
        /// BLEU of all is left out when languages have different tokenizers.
        public let scores: [MetricScore]

        private enum CodingKeys: String, CodingKey {
            case language, utterances, scores
            case sourceLanguage = "source_language"
            case isWrittenWithoutSpaces = "written_without_spaces"
        }

        /// The language, or the pair of languages, such as `deu-eng`; nil for neither.
        public var name: String? {
            guard let sourceLanguage else { return language }
            return "\(sourceLanguage)-\(language ?? "?")"
        }

        /// A score; nil for one that was not asked for.
        public subscript(_ metric: ScoreMetric, _ form: TextForm = .raw) -> MetricScore? {
            scores.first { $0.metric == metric && $0.form == form }
        }
    }

    /// All utterances, each weighing by its length (micro average).
    public let total: Part
    /// Each language by itself, by code, of translations each pair; empty where none is named.
    public let languages: [Part]
    /// Means over languages; empty unless there are several.
    public let macroAverages: [MacroAverage]
    /// The utterances with the highest rates of errors, the worst first.
    public let worst: [UtteranceAlignment]
    /// Each utterance's scores, where they were asked for.
    public let segments: [SegmentScore]?
    /// What a reader should know, in words.
    public let warnings: [String]

    private enum CodingKeys: String, CodingKey {
        case total, languages, worst, segments, warnings
        case macroAverages = "macro_averages"
    }

    /// Scores utterances.
    ///
    /// - Throws: `ScoreError` for no utterances, references without words (unless the settings allow them),
    ///   languages that are not known and a tokenizer that is not there.
    public init(_ texts: [ScoredText], settings: ScoreSettings = ScoreSettings()) throws {
        try Self.check(texts, settings)
        let statistics = try ScoreStatistics(texts, settings)
        total = try statistics.part(LanguageGroup(), Array(texts.indices))
        let groups = Dictionary(grouping: texts.indices) { LanguageGroup(texts[$0]) }
        var languages: [Part] = []
        if groups.keys.contains(where: { $0 != LanguageGroup() }) {
            for (group, places) in groups.sorted(by: { $0.key < $1.key }) {
                languages.append(try statistics.part(group, places))
            }
        }
        self.languages = languages
        macroAverages = Self.macroAverages(languages, settings)
        worst = Self.worst(texts, settings)
        segments = settings.keepsSegments ? try statistics.segments() : nil
        warnings = TextWarnings.find(in: texts)
    }

    private static func check(_ texts: [ScoredText], _ settings: ScoreSettings) throws {
        guard !texts.isEmpty else { throw ScoreError.noUtterances(path: "references") }
        for text in texts {
            guard let code = text.language, LanguageScripts.scripts(of: code) == nil else {
                continue
            }
            throw ScoreError.unknownLanguage(path: nil, place: "utterance '\(text.id)'", code: code)
        }
        guard !settings.allowsEmptyReferences else { return }
        let empty = texts.filter { text in
            text.references.contains { $0.unicodeScalars.allSatisfy(\.properties.isWhitespace) }
        }
        guard empty.isEmpty else {
            throw ScoreError.emptyReferences(path: nil, places: empty.map(\.id))
        }
    }

    private static func macroAverages(
        _ languages: [Part], _ settings: ScoreSettings
    ) -> [MacroAverage] {
        guard languages.count > 1 else { return [] }
        func mean(_ metric: ScoreMetric?, _ form: TextForm) -> MacroAverage {
            let values = languages.compactMap { part in
                part[metric ?? (part.isWrittenWithoutSpaces ? .cer : .wer), form]?.value
            }
            return MacroAverage(
                metric: metric, form: form,
                value: values.reduce(0, +) / Double(values.count), languages: values.count)
        }
        let isMixed =
            settings.metrics.contains(.wer) && settings.metrics.contains(.cer)
            && Set(languages.map(\.isWrittenWithoutSpaces)).count == 2
        return settings.forms.flatMap { form in
            settings.metrics.map { mean($0, form) } + (isMixed ? [mean(nil, form)] : [])
        }
    }

    /// By rate, of equals the one with more errors, then the earlier one.
    private static func worst(
        _ texts: [ScoredText], _ settings: ScoreSettings
    ) -> [UtteranceAlignment] {
        guard settings.worst > 0 else { return [] }
        let form = settings.forms.contains(.normalized) ? TextForm.normalized : .raw
        let texts = ScoreStatistics.texts(texts, form)
        let unspaced = texts.map {
            $0.language.map(LanguageScripts.isWrittenWithoutSpaces) ?? false
        }
        let segments = texts.map(SegmentText.init)
        let (words, characters) = (
            ErrorRate(unit: .word).statistics(segments),
            ErrorRate(unit: .character(settings.characterUnit)).statistics(segments)
        )
        let counts = texts.indices.map { index in
            let statistics = unspaced[index] ? characters : words
            return ErrorRate.counts(statistics[4 * index..<4 * index + 4].map { Int($0) })
        }
        let order = texts.indices.filter { counts[$0].edits > 0 }.sorted { a, b in
            if counts[a].rate != counts[b].rate { return counts[a].rate > counts[b].rate }
            return counts[a].edits == counts[b].edits ? a < b : counts[a].edits > counts[b].edits
        }
        return order.prefix(settings.worst).map { index in
            UtteranceAlignment(
                texts[index], metric: unspaced[index] ? .cer : .wer,
                characterUnit: settings.characterUnit)
        }
    }
}

/// Texts that are scored together: those of one language, or translations of one pair.
struct LanguageGroup: Hashable, Comparable {
    /// The language of the texts.
    var language: String?
    /// That of the speech, if they are translations.
    var source: String?

    /// Of all texts.
    init() {}

    init(_ text: ScoredText) {
        language = text.language
        source = text.sourceLanguage
    }

    static func < (first: Self, second: Self) -> Bool {
        (first.language ?? "", first.source ?? "") < (second.language ?? "", second.source ?? "")
    }
}
