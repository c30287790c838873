public import Foundation
public import SpeechCore

/// Recognises the utterances of a manifest and holds what is heard against their transcripts.
public struct EvaluateTask {
    /// One utterance with both texts.
    public struct Utterance: Sendable, Encodable {
        /// Its id in the manifest.
        public let id: String
        /// The manifest's code of its language.
        public let language: String?
        /// The language that was recognised, where the vocabulary has tags.
        public let recognizedLanguage: String?
        /// Its length.
        public let seconds: Double
        /// The transcript.
        public let reference: String
        /// What was recognised.
        public let hypothesis: String

        private enum CodingKeys: String, CodingKey {
            case id, language, seconds, reference, hypothesis
            case recognizedLanguage = "recognized_language"
        }
    }

    /// What a recogniser reaches on a manifest.
    public struct Report: Sendable, Encodable {
        /// The model as the command named it.
        public let model: String
        /// The manifest.
        public let data: String
        /// Seconds of audio.
        public let audioSeconds: Double
        /// Seconds that recognition took, without loading the model.
        public let seconds: Double
        /// The share of utterances whose language was recognised; nil without tags.
        public let languageAccuracy: Double?
        /// Error rates of all and of each language, of raw and of normalised texts.
        public let scores: ScoreReport
        /// Utterances without a transcript, and those that could not be read.
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

    private let task: RecognizeTask
    private let scoring: ScoreSettings
    private let reporter: RunReporter

    /// Prepares an evaluation.
    public init(_ task: RecognizeTask, scoring: ScoreSettings, reporter: RunReporter) {
        self.task = task
        self.scoring = scoring
        self.reporter = reporter
    }

    /// Recognises and scores.
    ///
    /// * `model`: what the command called the model.
    /// - Throws: `DatasetError.allSkipped` where nothing can be scored, `ScoreError`, `ManifestError`,
    ///   `RunError`.
    public func run(model: String, data: URL) throws -> Report {
        let utterances = try ManifestFormat.read(data)
        let scored = utterances.filter { $0.text != nil }
        if scored.count < utterances.count {
            reporter.note(
                "\(utterances.count - scored.count) of \(utterances.count) utterances have no "
                    + "transcript and are left out")
        }
        let references = Dictionary(
            scored.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let start = ContinuousClock.now
        let (results, skipped) = try task.run(
            EncodeClip.manifest(data).filter { references[$0.id] != nil })
        let seconds = start.duration(to: .now) / .seconds(1)
        guard !results.isEmpty else {
            let silent = utterances.filter { $0.text == nil }.map {
                SkippedUtterance(id: $0.id, path: $0.audioPath, reason: "no transcript")
            }
            throw DatasetError.allSkipped(skipped: skipped + silent)
        }
        let texts = results.map { result in
            Utterance(
                id: result.clip.id, language: result.clip.language,
                recognizedLanguage: result.language, seconds: result.seconds,
                reference: references[result.clip.id]?.text ?? "",
                hypothesis: result.recognition.text)
        }
        let scores = try ScoreReport(
            texts.map {
                ScoredText(
                    id: $0.id, language: $0.language, reference: $0.reference,
                    hypothesis: $0.hypothesis)
            }, settings: scoring)
        let hasTags = !task.recognizer.tokenizer.languageTags.isEmpty
        let identified = texts.count { $0.recognizedLanguage == $0.language }
        return Report(
            model: model, data: data.path,
            audioSeconds: results.reduce(0) { $0 + $1.seconds }, seconds: seconds,
            languageAccuracy: hasTags ? Double(identified) / Double(texts.count) : nil,
            scores: scores, leftOut: utterances.count - results.count, utterances: texts)
    }
}
