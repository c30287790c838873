import Dispatch
import Synchronization

/// The numbers of every utterance that all scores of it follow from.
struct ScoreStatistics {
    /// One metric of one form of the texts.
    private struct Column: Sendable {
        let metric: ScoreMetric
        let form: TextForm
        /// The numbers of all utterances, each by the metric of its language.
        let values: [Int32]
        let width: Int
    }

    private let settings: ScoreSettings
    private let texts: [ScoredText]
    private let columns: [Column]

    init(_ texts: [ScoredText], _ settings: ScoreSettings) throws {
        self.settings = settings
        self.texts = texts
        let forms = settings.forms.map { Self.texts(texts, $0).map(SegmentText.init) }
        let count = settings.metrics.count
        let found = Mutex([Result<Column, any Error>?](repeating: nil, count: forms.count * count))
        DispatchQueue.concurrentPerform(iterations: forms.count * count) { index in
            let (form, metric) = (index / count, settings.metrics[index % count])
            let column = Result {
                try Self.column(metric, settings.forms[form], forms[form], texts, settings)
            }
            found.withLock { $0[index] = column }
        }
        columns = try found.withLock { $0 }.compactMap { try $0?.get() }
    }

    /// Both sides of the texts in a form.
    static func texts(_ texts: [ScoredText], _ form: TextForm) -> [ScoredText] {
        guard form == .normalized else { return texts }
        var normalizers: [String?: TextNormalizer] = [:]
        return texts.map { text in
            let normalizer = normalizers[text.language] ?? TextNormalizer(language: text.language)
            normalizers[text.language] = normalizer
            var normalized = text
            normalized.references = text.references.map(normalizer.normalize)
            normalized.hypothesis = normalizer.normalize(text.hypothesis)
            return normalized
        }
    }

    private static func column(
        _ metric: ScoreMetric, _ form: TextForm, _ segments: [SegmentText], _ texts: [ScoredText],
        _ settings: ScoreSettings
    ) throws -> Column {
        // A tokenizer at a time, so that a program is started once.
        let groups = Dictionary(grouping: texts.indices) {
            metric == .bleu ? tokenizer(texts[$0].language, settings) : .none
        }
        if groups.count == 1, let tokenizer = groups.keys.first {
            let computed = corpusMetric(metric, tokenizer, settings)
            return Column(
                metric: metric, form: form, values: try computed.statistics(segments),
                width: computed.width)
        }
        let width = corpusMetric(metric, .none, settings).width
        var values = [Int32](repeating: 0, count: texts.count * width)
        for (tokenizer, places) in groups {
            let computed = corpusMetric(metric, tokenizer, settings)
            let some = try computed.statistics(places.map { segments[$0] })
            for (index, place) in places.enumerated() {
                values.replaceSubrange(
                    place * width..<(place + 1) * width,
                    with: some[index * width..<(index + 1) * width])
            }
        }
        return Column(metric: metric, form: form, values: values, width: width)
    }

    private static func tokenizer(
        _ language: String?, _ settings: ScoreSettings
    ) -> BLEUTokenizer {
        settings.tokenizer ?? .usual(for: language)
    }

    private static func corpusMetric(
        _ metric: ScoreMetric, _ tokenizer: BLEUTokenizer, _ settings: ScoreSettings,
        effectiveOrder: Bool = false
    ) -> any CorpusMetric {
        switch metric {
        case .wer: ErrorRate(unit: .word)
        case .cer: ErrorRate(unit: .character(settings.characterUnit))
        case .bleu:
            BLEU(
                tokenizer: tokenizer, lowercase: settings.lowercase,
                effectiveOrder: effectiveOrder)
        case .chrf: CHRF(lowercase: settings.lowercase)
        case .chrfPlusPlus: CHRF(wordOrder: 2, lowercase: settings.lowercase)
        }
    }

    /// The scores of some utterances.
    func part(_ group: LanguageGroup, _ places: [Int]) throws -> ScoreReport.Part {
        ScoreReport.Part(
            language: group.language, sourceLanguage: group.source, utterances: places.count,
            isWrittenWithoutSpaces: group.language.map(LanguageScripts.isWrittenWithoutSpaces)
                ?? false,
            scores: try columns.compactMap { try score($0, places) })
    }

    private func score(_ column: Column, _ places: [Int]) throws -> MetricScore? {
        guard let tokenizer = commonTokenizer(column.metric, places) else { return nil }
        let metric = Self.corpusMetric(column.metric, tokenizer, settings)
        let sums = metric.sums(column.values, places)
        var confidence: ConfidenceInterval?
        if settings.bootstrapSamples > 1 {
            let resampling = Resampling(seed: settings.seed, samples: settings.bootstrapSamples)
            let some = rows(column, places)
            confidence = resampling.interval(resampling.bootstrap(metric, some))
        }
        return MetricScore(
            metric: column.metric, form: column.form, value: metric.value(of: sums),
            signature: try signature(column, tokenizer, places),
            errors: column.metric.isErrorRate ? ErrorRate.counts(sums) : nil,
            bleu: (metric as? BLEU)?.score(of: sums, as: Double.self), confidence: confidence)
    }

    /// The tokenizer of some utterances; nil where they have several.
    private func commonTokenizer(_ metric: ScoreMetric, _ places: [Int]) -> BLEUTokenizer? {
        guard metric == .bleu else { return BLEUTokenizer.none }
        let all = Set(places.map { Self.tokenizer(texts[$0].language, settings) })
        return all.count == 1 ? all.first : nil
    }

    private func rows(_ column: Column, _ places: [Int]) -> [Int32] {
        if places.count == texts.count { return column.values }
        return places.flatMap { column.values[$0 * column.width..<($0 + 1) * column.width] }
    }

    private func signature(
        _ column: Column, _ tokenizer: BLEUTokenizer, _ places: [Int]
    ) throws -> String {
        let counts = Set(places.map { texts[$0].references.count })
        let references = counts.count == 1 ? counts.first : nil
        let form = column.form == .normalized ? TextNormalizer.version : "none"
        let resampling =
            settings.bootstrapSamples > 1
            ? "|bs:\(settings.bootstrapSamples)|seed:\(settings.seed)" : ""
        let signature: String
        switch column.metric {
        case .wer, .cer:
            let unit = column.metric == .wer ? "word" : settings.characterUnit.rawValue
            return "nrefs:1\(resampling)|unit:\(unit)|norm:\(form)|like:jiwer-4.0.0"
        case .bleu:
            signature = try BLEU(tokenizer: tokenizer, lowercase: settings.lowercase)
                .signature(references: references)
        case .chrf:
            signature = CHRF(lowercase: settings.lowercase).signature(references: references)
        case .chrfPlusPlus:
            signature = CHRF(wordOrder: 2, lowercase: settings.lowercase)
                .signature(references: references)
        }
        // sacreBLEU has no normalisation, so a score of raw texts has its signature to the letter.
        var parts = signature.split(separator: "|").map(String.init)
        if column.form == .normalized { parts.insert("norm:\(form)", at: parts.count - 1) }
        parts[0] += resampling
        return parts.joined(separator: "|")
    }

    /// The scores of each utterance by itself.
    func segments() throws -> [SegmentScore] {
        texts.indices.map { index in
            SegmentScore(
                id: texts[index].id, language: texts[index].language,
                values: columns.map { column in
                    let metric = Self.corpusMetric(
                        column.metric, .none, settings, effectiveOrder: true)
                    return metric.value(of: metric.sums(column.values, [index]))
                })
        }
    }

    /// Compares two systems by every metric of every form.
    static func comparisons(
        _ baseline: ScoreStatistics, _ system: ScoreStatistics, _ test: SignificanceTest,
        samples: Int
    ) throws -> [ScoreComparison] {
        let places = Array(baseline.texts.indices)
        let resampling = Resampling(seed: baseline.settings.seed, samples: samples)
        return zip(baseline.columns, system.columns).compactMap { first, second in
            guard let tokenizer = baseline.commonTokenizer(first.metric, places) else { return nil }
            let metric = corpusMetric(first.metric, tokenizer, baseline.settings)
            return ScoreComparison(
                metric: first.metric, form: first.form,
                baseline: metric.value(of: metric.sums(first.values)),
                system: metric.value(of: metric.sums(second.values)),
                test: test, samples: samples, seed: resampling.seed,
                pValue: resampling.significance(test, metric, first.values, second.values))
        }
    }
}
