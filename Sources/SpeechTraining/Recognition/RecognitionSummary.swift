import Foundation
import SpeechCore
import SpeechObjectives

/// What a validation recognised, as figures: error rates and losses by language and over all.
///
/// Characters are code points, transcripts as the tokenizer prepares them. `cer` and `wer` weigh
/// languages by their length, `cer_macro` and `wer_macro` all alike; the best model has the lowest
/// `cer_macro`, or the lowest loss where only languages are learned.
struct RecognitionSummary {
    private struct Tally {
        let words, characters: ErrorCounts
        let lossSum: Double
        let losses, clips, identified: Int

        init(_ recognitions: [CTCObjective.HeardClip]) {
            let texts = recognitions.map {
                ScoredText(id: $0.target.id, reference: $0.target.text, hypothesis: $0.text)
            }
            words = ErrorRate(unit: .word).corpusScore(texts)
            characters = ErrorRate(unit: .character(.codePoint)).corpusScore(texts)
            let found = recognitions.compactMap(\.loss)
            lossSum = found.reduce(0, +)
            losses = found.count
            clips = recognitions.count
            identified = recognitions.count { $0.hasLanguage == true }
        }
    }

    private let all: Tally
    private let languages: [String: Tally]
    private let identifies: Bool
    /// Not where only languages are learned.
    private let scoresText: Bool
    /// A clip for people to look at.
    private let example: CTCObjective.HeardClip?

    init(
        _ recognitions: [CTCObjective.HeardClip], of target: TokenizerConfig.Target = .transcript
    ) {
        scoresText = target == .transcript
        all = Tally(recognitions)
        languages = Dictionary(grouping: recognitions) { $0.target.language ?? "unknown" }
            .mapValues { Tally($0) }
        identifies = recognitions.contains { $0.hasLanguage != nil }
        example = recognitions.first
    }

    /// The figures for the log.
    var summary: ValidationFigures {
        guard all.clips > 0 else { return ValidationFigures() }
        func mean(_ value: (Tally) -> Double) -> Double {
            languages.sorted { $0.key < $1.key }.reduce(0) { $0 + value($1.value) }
                / Double(languages.count)
        }
        var metrics: [(String, Double)] = []
        if scoresText {
            metrics = [
                ("cer", all.characters.rate), ("wer", all.words.rate),
                ("cer_macro", mean(\.characters.rate)), ("wer_macro", mean(\.words.rate)),
            ]
        }
        if identifies {
            metrics.append(("language_accuracy", Double(all.identified) / Double(all.clips)))
        }
        for (language, tally) in languages.sorted(by: { $0.key < $1.key }) {
            metrics.append(("loss/\(language)", tally.lossSum / Double(max(1, tally.losses))))
            if scoresText {
                metrics += [
                    ("cer/\(language)", tally.characters.rate),
                    ("wer/\(language)", tally.words.rate),
                ]
            }
            if identifies {
                let share = Double(tally.identified) / Double(tally.clips)
                metrics.append(("language_accuracy/\(language)", share))
            }
        }
        return ValidationFigures(
            metrics: metrics, selection: scoresText ? "cer_macro" : nil, notes: notes)
    }

    private var notes: [String] {
        func percent(_ value: Double) -> String { String(format: "%.2f %%", 100 * value) }
        guard scoresText else {
            return ["  language \(percent(Double(all.identified) / Double(all.clips)))"]
        }
        var line = "  CER \(percent(all.characters.rate)), WER \(percent(all.words.rate))"
        if identifies {
            line += ", language " + percent(Double(all.identified) / Double(all.clips))
        }
        if languages.count > 1 {
            line +=
                "; CER "
                + languages.sorted { $0.key < $1.key }
                .map { "\($0.key) \(percent($0.value.characters.rate))" }.joined(separator: ", ")
        }
        guard let example else { return [line] }
        return [line, "  '\(example.target.text)' is heard as '\(example.text)'"]
    }
}
