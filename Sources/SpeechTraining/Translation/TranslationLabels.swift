import Foundation
import SpeechCore
import SpeechObjectives

/// Labels of translations, as the tokenizer of a text decoder has them: language, text, end.
struct TranslationLabels: TargetSource {
    let tokenizer: TranslationTokenizer
    /// The most labels that the decoder has positions for; nil for no limit.
    let maximumLength: Int?

    /// The translation as it is written, and its labels.
    ///
    /// - Throws: `TranslationError.noTranslation`, or `CTCTokenizerError.languageWithoutTag`.
    func target(of utterance: Utterance) throws -> ClipTarget {
        guard let text = utterance.targetText else {
            throw TranslationError.noTranslation(id: utterance.id)
        }
        let code = tokenizer.code(of: utterance.targetLang)
        var labels = try tokenizer.labels(of: text, language: code ?? utterance.targetLang)
        // mBART's own texts have the language last; here all begin with it.
        if let token = code.flatMap({ tokenizer.languages[$0] }), labels.last == token {
            labels = [token] + labels.dropLast()
        }
        return ClipTarget(
            id: utterance.id, language: utterance.lang, targetLanguage: utterance.targetLang,
            text: text, labels: labels)
    }

    /// Utterances without a translation, and for training those with more labels than positions.
    func objection(to utterance: Utterance, isValidation: Bool) throws -> String? {
        guard utterance.targetText != nil else {
            return "no translation: expected 'target_text'; found none"
        }
        guard !isValidation, let maximumLength else { return nil }
        let count = try target(of: utterance).labels.count
        guard count > maximumLength else { return nil }
        return "too many labels: expected at most \(maximumLength), the decoder's positions; found "
            + "\(count)"
    }
}

/// What the translations of some manifests are made of, before a run starts.
struct TranslationSurvey {
    /// How many translations there are of each pair of languages.
    private(set) var pairs: [LanguagePair: Int] = [:]
    /// How many have tokens for what has none.
    private(set) var withUnknown = 0

    /// Adds the translations of a manifest.
    ///
    /// - Throws: `TranslationError.unknownLanguage`, or the errors of manifests.
    mutating func add(_ corpus: UtteranceIndex, _ labels: TranslationLabels) throws {
        let tokenizer = labels.tokenizer
        for number in 0..<corpus.count {
            let utterance = try corpus.utterance(number)
            guard utterance.targetText != nil else { continue }
            if !tokenizer.languages.isEmpty, tokenizer.code(of: utterance.targetLang) == nil {
                throw TranslationError.unknownLanguage(
                    manifest: corpus.manifest.path, id: utterance.id, found: utterance.targetLang,
                    known: tokenizer.languages.keys.sorted())
            }
            let target = try labels.target(of: utterance)
            pairs[LanguagePair(target), default: 0] += 1
            if target.labels.contains(tokenizer.unknown) { withUnknown += 1 }
        }
    }

    /// What is to be said before the run starts.
    var notes: [String] {
        let shown = pairs.sorted { $0.key.name < $1.key.name }.prefix(12)
            .map { "\($0.key.name) \($0.value)" }
        var notes = [
            "translations: " + shown.joined(separator: ", ")
                + (pairs.count > shown.count ? ", …" : "")
        ]
        if withUnknown > 0 {
            let total = pairs.values.reduce(0, +)
            notes.append(
                "warning: \(withUnknown) of \(total) translations have parts without a token, "
                    + "which are learned as the unknown one")
        }
        return notes
    }
}

/// The languages of speech and text.
struct LanguagePair: Hashable {
    let source, target: String

    init(_ target: ClipTarget) {
        source = target.language ?? "unknown"
        self.target = target.targetLanguage ?? "unknown"
    }

    /// Such as `deu-eng`.
    var name: String { "\(source)-\(target)" }
}
