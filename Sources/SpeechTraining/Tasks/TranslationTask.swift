public import Foundation
import SpeechCore
import SpeechModels
import SpeechObjectives
import Torch

/// Fine-tunes an encoder for translation: joins it to a text decoder and trains both on translations.
public struct TranslationTask {
    /// The files and places of a run; hyperparameters are in `TranslationConfig`.
    public struct Places: Sendable {
        /// The encoder: a directory, or a repository name in the local Hugging Face cache.
        public var model: String
        /// A checkpoint of NLLB, M2M-100 or mBART whose decoder is taken, by the same names; nil for
        /// a new decoder.
        public var decoder: String?
        /// The folder of a tokenizer; nil for the decoder's own.
        public var tokenizer: URL?
        /// What every training run needs.
        public var training: TrainingPlaces

        /// All values.
        public init(
            model: String, decoder: String? = nil, tokenizer: URL? = nil, training: TrainingPlaces
        ) {
            self.model = model
            self.decoder = decoder
            self.tokenizer = tokenizer
            self.training = training
        }
    }

    private let places: Places
    private let config: TranslationConfig
    private let reporter: RunReporter

    /// Prepares a run; nothing is read or written yet.
    public init(_ places: Places, _ config: TranslationConfig, reporter: RunReporter) {
        self.places = places
        self.config = config
        self.reporter = reporter
    }

    /// Runs to the last step and writes the translation model.
    ///
    /// - Returns: its directory.
    /// - Throws: `ReportedError`s; checkpoints written before stay whole and loadable.
    public func run() throws -> URL {
        try TrainingRun(places: places.training, config: config, reporter: reporter)
            .run(assemble)
    }

    private func assemble(on device: Device) throws -> TrainingRun<TranslationConfig>.Parts {
        let start = try RunEnvironment.building("model") {
            try TranslatorStart(
                model: places.model, decoder: places.decoder, tokenizer: places.tokenizer, config,
                device: device)
        }
        let (translator, tokenizer) = (start.translator, start.tokenizer)
        translator.precision = config.trainer.precision.dtype(on: device)
        let objective = try RunEnvironment.building("objective") {
            try TranslationObjective(
                config.objective, translator: translator,
                languages: Set(tokenizer.languages.values)
            ) { translations in
                do {
                    return try TranslationSummary(translations, tokenizer).figures
                } catch {
                    return ValidationFigures(notes: ["warning: no scores: \(error)"])
                }
            }
        }
        let labels = TranslationLabels(
            tokenizer: tokenizer, maximumLength: translator.decoder.config.maximumLength)
        var survey = TranslationSurvey()
        for manifest in places.training.train + [places.training.valid].compactMap({ $0 }) {
            try survey.add(UtteranceIndex.open(manifest), labels)
        }
        var sources: [RunProvenance.Source] = [
            .init(role: "model", name: places.model, fingerprint: Fingerprint.of(start.model))
        ]
        if let directory = start.decoderDirectory, let name = places.decoder {
            let fingerprint = Fingerprint.of(directory, try directory.openWeights())
            sources.append(.init(role: "decoder", name: name, fingerprint: fingerprint))
        }
        sources.append(
            .init(
                role: "tokenizer", name: places.tokenizer?.path ?? "",
                fingerprint: Fingerprint.of(start.files)))
        let languages = Set(survey.pairs.keys.map(\.target)).sorted()
        let codes = Set(languages.compactMap(tokenizer.code))
        if codes.count == 1, let code = codes.first {
            translator.forcedBegin = tokenizer.languages[code]
        }
        return .init(
            objective: objective,
            studentExtractor: start.model.featureExtractor.independentOfBatch(),
            teacherExtractors: [], targets: labels, sources: sources,
            notes: [translator.encoder.note(from: places.model)] + start.notes + survey.notes,
            companions: start.files
        ) { outcome, _ in
            TranslatorCard(
                directory: start.model.directory, name: places.model,
                decoder: start.decoderDirectory.flatMap { directory in
                    places.decoder.map { (directory, $0) }
                },
                translator: translator, languages: languages,
                step: outcome.bestStep ?? outcome.step, validationLoss: outcome.bestValidation,
                bleu: outcome.bestFigure.map { -$0 }
            ).text
        }
    }
}
