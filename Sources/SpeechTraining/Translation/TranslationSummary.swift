import Foundation
import SpeechCore
import SpeechObjectives

/// What a validation translated, as figures: BLEU and chrF++ by target language, by pair of languages,
/// and their means.
///
/// Texts are scored as they are written, with each language's usual tokenizer of BLEU. `bleu_macro` and
/// `chrf_macro` weigh all pairs alike; the best model has the highest `bleu_macro`, of several the lowest
/// loss.
struct TranslationSummary {
    private struct Scores {
        let bleu, chrf: Double

        /// * `language`: of the texts.
        init(_ clips: [Clip], language: String) throws {
            let texts = clips.map(\.scored)
            bleu = try BLEU(tokenizer: .usual(for: language)).corpusScore(texts).score
            chrf = CHRF(wordOrder: 2).corpusScore(texts)
        }
    }

    private struct Clip {
        let pair: LanguagePair
        let scored: ScoredText
    }

    private let pairs: [(pair: LanguagePair, scores: Scores)]
    private let targets: [(language: String, scores: Scores)]
    /// A clip for people to look at.
    private let example: ScoredText?

    /// - Throws: `ScoreError`.
    init(
        _ translations: [TranslationObjective.TranslatedClip], _ tokenizer: TranslationTokenizer
    ) throws {
        let clips = translations.map { clip in
            Clip(
                pair: LanguagePair(clip.target),
                scored: ScoredText(
                    id: clip.target.id, reference: clip.target.text,
                    hypothesis: tokenizer.decode(clip.tokens)))
        }
        pairs = try Dictionary(grouping: clips, by: \.pair)
            .sorted { $0.key.name < $1.key.name }
            .map { ($0.key, try Scores($0.value, language: $0.key.target)) }
        targets = try Dictionary(grouping: clips, by: \.pair.target)
            .sorted { $0.key < $1.key }
            .map { ($0.key, try Scores($0.value, language: $0.key)) }
        example = clips.first?.scored
    }

    private func mean(_ value: (Scores) -> Double) -> Double {
        pairs.reduce(0) { $0 + value($1.scores) } / Double(pairs.count)
    }

    /// The figures for the log.
    var figures: ValidationFigures {
        guard !pairs.isEmpty else { return ValidationFigures() }
        var metrics = [("bleu_macro", mean(\.bleu)), ("chrf_macro", mean(\.chrf))]
        for (language, scores) in targets {
            metrics += [("bleu/\(language)", scores.bleu), ("chrf/\(language)", scores.chrf)]
        }
        for (pair, scores) in pairs {
            metrics += [("bleu/\(pair.name)", scores.bleu), ("chrf/\(pair.name)", scores.chrf)]
        }
        return ValidationFigures(
            metrics: metrics, selection: "bleu_macro", prefersHigher: true, notes: notes)
    }

    private var notes: [String] {
        var line = String(format: "  BLEU %.2f, chrF++ %.2f", mean(\.bleu), mean(\.chrf))
        if pairs.count > 1 {
            line +=
                ", means of pairs; BLEU "
                + pairs.map { "\($0.pair.name) " + String(format: "%.2f", $0.scores.bleu) }
                .joined(separator: ", ")
        }
        guard let example else { return [line] }
        return [line, "  '\(example.references[0])' is translated as '\(example.hypothesis)'"]
    }
}
