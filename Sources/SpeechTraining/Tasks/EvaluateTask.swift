public import Foundation
public import SpeechCore

/// Recognises or translates the utterances of a manifest and scores the texts against its own.
public struct EvaluateTask {
    /// What is evaluated.
    public enum System {
        /// Texts are held against transcripts.
        case recognizer(RecognizeTask)
        /// Texts are held against translations; `into` is the target language of utterances that name
        /// none, nil for the model's own.
        case translator(TranslateTask, into: String?)
    }

    /// One utterance with both texts.
    public struct Utterance: Sendable, Encodable {
        /// Its id in the manifest.
        public let id: String
        /// The manifest's code of its language.
        public let language: String?
        /// The language that was recognised, where the vocabulary has tags.
        public let recognizedLanguage: String?
        /// The language of both texts, if they are translations.
        public let targetLanguage: String?
        /// Its length.
        public let seconds: Double
        /// The transcript or the translation.
        public let reference: String
        /// What was recognised, or how it was translated.
        public let hypothesis: String

        private enum CodingKeys: String, CodingKey {
            case id, language, seconds, reference, hypothesis
            case recognizedLanguage = "recognized_language"
            case targetLanguage = "target_language"
        }
    }

    /// What a model reaches on a manifest.
    public struct Report: Sendable, Encodable {
        /// The model as the command named it.
        public let model: String
        /// The manifest.
        public let data: String
        /// Seconds of audio.
        public let audioSeconds: Double
        /// Seconds that it took, without loading the model.
        public let seconds: Double
        /// The share of utterances whose language was recognised; nil without tags.
        public let languageAccuracy: Double?
        /// Scores of all and of each language, or pair of languages.
        public let scores: ScoreReport
        /// Utterances without a text to hold against, and those that could not be read.
        public let leftOut: Int
        /// All utterances in the order of the manifest.
        public let utterances: [Utterance]

        private enum CodingKeys: String, CodingKey {
            case model, data, seconds, scores, utterances
            case audioSeconds = "audio_seconds"
            case languageAccuracy = "language_accuracy"
            case leftOut = "left_out"
        }
    }

    private let system: System
    private let scoring: ScoreSettings
    private let reporter: RunReporter

    /// Prepares an evaluation.
    public init(_ system: System, scoring: ScoreSettings, reporter: RunReporter) {
        self.system = system
        self.scoring = scoring
        self.reporter = reporter
    }

    /// Recognises or translates, and scores.
    ///
    /// * `model`: what the command called the model.
    /// - Throws: `DatasetError.allSkipped` where nothing can be scored, `TranslationError.unknownLanguage`,
    ///   `ScoreError`, `ManifestError`, `RunError`.
    public func run(model: String, data: URL) throws -> Report {
        let utterances = try ManifestFormat.read(data)
        let scored = utterances.filter { reference(of: $0) != nil }
        if scored.count < utterances.count {
            reporter.note(
                "\(utterances.count - scored.count) of \(utterances.count) utterances have no "
                    + "\(referenceName) and are left out")
        }
        let references = Dictionary(
            scored.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let clips = try EncodeClip.manifest(data).filter { references[$0.id] != nil }
        let start = ContinuousClock.now
        let (texts, skipped) = try texts(of: clips, references, data)
        let seconds = start.duration(to: .now) / .seconds(1)
        guard !texts.isEmpty else {
            let silent = utterances.filter { reference(of: $0) == nil }.map {
                SkippedUtterance(id: $0.id, path: $0.audioPath, reason: "no \(referenceName)")
            }
            throw DatasetError.allSkipped(skipped: skipped + silent)
        }
        let scores = try ScoreReport(
            texts.map { text in
                let isTranslation = text.targetLanguage != nil
                return ScoredText(
                    id: text.id, language: isTranslation ? text.targetLanguage : text.language,
                    sourceLanguage: isTranslation ? text.language : nil,
                    reference: text.reference, hypothesis: text.hypothesis)
            }, settings: scoring)
        return Report(
            model: model, data: data.path,
            audioSeconds: texts.reduce(0) { $0 + $1.seconds }, seconds: seconds,
            languageAccuracy: accuracy(texts), scores: scores,
            leftOut: utterances.count - texts.count, utterances: texts)
    }

    // MARK: Texts

    private var referenceName: String {
        switch system {
        case .recognizer: "transcript"
        case .translator: "translation"
        }
    }

    private func reference(of utterance: SpeechCore.Utterance) -> String? {
        switch system {
        case .recognizer: utterance.text
        case .translator: utterance.targetText
        }
    }

    private func texts(
        of clips: [EncodeClip], _ references: [String: SpeechCore.Utterance], _ data: URL
    ) throws -> (texts: [Utterance], skipped: [SkippedUtterance]) {
        func text(
            _ clip: EncodeClip, _ seconds: Double, _ hypothesis: String, recognized: String? = nil,
            target: String? = nil
        ) -> Utterance {
            Utterance(
                id: clip.id, language: clip.language, recognizedLanguage: recognized,
                targetLanguage: target, seconds: seconds,
                reference: references[clip.id].flatMap(reference) ?? "", hypothesis: hypothesis)
        }
        switch system {
        case .recognizer(let task):
            let (results, skipped) = try task.run(clips)
            return (
                results.map {
                    text($0.clip, $0.seconds, $0.recognition.text, recognized: $0.language)
                }, skipped
            )
        case .translator(let task, let standard):
            let languages = try clips.map { clip in
                let language = references[clip.id]?.targetLang ?? standard
                guard task.translator.prefix(into: language) != nil else {
                    throw TranslationError.unknownLanguage(
                        manifest: data.path, id: clip.id, found: language,
                        known: task.translator.tokenizer.languages.keys.sorted())
                }
                return language
            }
            let (results, skipped) = try task.run(clips, into: languages)
            return (
                results.map {
                    text(
                        $0.clip, $0.seconds, $0.text,
                        target: references[$0.clip.id]?.targetLang ?? $0.language)
                }, skipped
            )
        }
    }

    private func accuracy(_ texts: [Utterance]) -> Double? {
        guard case .recognizer(let task) = system,
            !task.recognizer.tokenizer.languageTags.isEmpty
        else { return nil }
        return Double(texts.count { $0.recognizedLanguage == $0.language }) / Double(texts.count)
    }
}
