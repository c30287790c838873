public import Foundation
import SpeechCore
import SpeechModels
import SpeechObjectives
import Torch

/// Fine-tunes an encoder for recognition: gives it a CTC head and trains both on transcripts.
public struct FinetuneTask {
    /// The files and places of a run; hyperparameters are in `FinetuneConfig`.
    public struct Places: Sendable {
        /// The encoder or recogniser: a directory, or a repository name in the local Hugging Face
        /// cache.
        public var model: String
        /// The folder of a vocabulary; nil for what the run file says.
        public var tokenizer: URL?
        /// What every training run needs.
        public var training: TrainingPlaces

        /// All values.
        public init(model: String, tokenizer: URL? = nil, training: TrainingPlaces) {
            self.model = model
            self.tokenizer = tokenizer
            self.training = training
        }
    }

    let places: Places
    let config: FinetuneConfig
    private let reporter: RunReporter

    /// Prepares a run; nothing is read or written yet.
    public init(_ places: Places, _ config: FinetuneConfig, reporter: RunReporter) {
        self.places = places
        self.config = config
        self.reporter = reporter
    }

    /// Runs to the last step and writes the recogniser as a Hugging Face model directory, or the probe
    /// that was trained in its place.
    ///
    /// - Returns: that directory.
    /// - Throws: `ReportedError`s; checkpoints written before stay whole and loadable.
    public func run() throws -> URL {
        try TrainingRun(places: places.training, config: config, reporter: reporter)
            .run(assemble)
    }

    private func assemble(on device: Device) throws -> TrainingRun<FinetuneConfig>.Parts {
        if let design = config.objective.probe.design { return try assemble(design, on: device) }
        let start = try RunEnvironment.building("model") {
            try RecognizerStart(
                model: places.model, tokenizer: places.tokenizer, train: places.training.train,
                config, device: device)
        }
        let encoder = start.encoder
        encoder.precision = config.trainer.precision.dtype(on: device)
        let tokenizer = start.tokenizer.tokenizer
        let objective = try RunEnvironment.building("objective") {
            try CTCObjective(
                config.objective, student: encoder, head: start.head,
                languageTags: Set(tokenizer.languageTags.values)
            ) { RecognitionSummary($0, of: config.tokenizer.target).summary }
        }
        let extractor = start.model.featureExtractor.independentOfBatch()
        let geometry = FrameGeometry(encoder.config, extractor)
        let labels = try labels(
            tokenizer,
            TargetCheck.Frames(samplingRate: geometry.samplingRate) {
                geometry.outputCount(samples: $0)
            })
        let survey = try survey(tokenizer, vocabularySize: start.head.vocabularySize)
        return .init(
            objective: objective, studentExtractor: extractor, teacherExtractors: [],
            targets: labels,
            sources: sources(start.model, start.tokenizer),
            notes: [encoder.note(from: places.model)] + start.notes + survey.notes,
            configKeys: config.objective.configKeys, companions: start.tokenizer.files
        ) { outcome, result in
            RecognizerCard(
                directory: start.model.directory, name: places.model, encoder: result.config,
                parameters: result.parameters.parameterCount
                    + start.head.parameters.parameterCount,
                tokens: start.head.vocabularySize,
                languages: tokenizer.languageTags.keys.sorted(),
                step: outcome.bestStep ?? outcome.step, validationLoss: outcome.bestValidation,
                errorRate: outcome.bestFigure
            ).text
        }
    }

    // MARK: What probes share

    /// The labels of transcripts.
    ///
    /// - Throws: `RecognitionError.noLanguageTags`.
    func labels(
        _ tokenizer: CTCTokenizer, _ frames: TargetCheck.Frames
    ) throws -> TranscriptLabels {
        let learns = config.tokenizer.target
        guard learns == .transcript || !tokenizer.languageTags.isEmpty else {
            throw RecognitionError.noLanguageTags
        }
        return TranscriptLabels(tokenizer: tokenizer, learns: learns, frames: frames)
    }

    /// What the transcripts are made of; nothing where only languages are learned.
    func survey(
        _ tokenizer: CTCTokenizer, vocabularySize: Int
    ) throws -> TranscriptSurvey {
        var survey = TranscriptSurvey()
        guard config.tokenizer.target == .transcript else { return survey }
        for manifest in places.training.train + [places.training.valid].compactMap({ $0 }) {
            try survey.add(
                UtteranceIndex.open(manifest), tokenizer, vocabularySize: vocabularySize)
        }
        return survey
    }

    /// What the run starts from.
    func sources(
        _ model: LoadedModel, _ tokenizer: TokenizerFiles
    ) -> [RunProvenance.Source] {
        [
            .init(role: "model", name: places.model, fingerprint: Fingerprint.of(model)),
            .init(
                role: "tokenizer", name: places.tokenizer?.path ?? "",
                fingerprint: Fingerprint.of(tokenizer.files)),
        ]
    }
}
