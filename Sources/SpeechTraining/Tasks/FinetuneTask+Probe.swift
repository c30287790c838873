import Foundation
import SpeechCore
import SpeechModels
import SpeechObjectives
import Torch

extension FinetuneTask {
    /// A probe in place of head and fine-tuning: the encoder stays as it is.
    func assemble(
        _ design: ProbeDesign, on device: Device
    ) throws -> TrainingRun<FinetuneConfig>.Parts {
        let start = try RunEnvironment.building("probe") {
            try ProbeStart(
                model: places.model, tokenizer: places.tokenizer, train: places.training.train,
                design, config, device: device)
        }
        let encoder = start.model.encoder
        let tokenizer = start.tokenizer.tokenizer
        let target = config.tokenizer.target
        let objective = try RunEnvironment.building("objective") {
            try ProbeObjective(
                config.objective, student: encoder, probe: start.probe, tokenizer: tokenizer,
                languageTags: Set(tokenizer.languageTags.values)
            ) {
                var figures = RecognitionSummary($0, of: target).summary
                // As the protocols choose: ESPnet's by the loss, s3prl by the word error rate.
                if target == .transcript { figures.selection = design == .superb ? "wer" : nil }
                return figures
            }
        }
        let extractor = start.model.featureExtractor.independentOfBatch()
        let geometry = FrameGeometry(encoder.config, extractor)
        let labels = try labels(
            tokenizer,
            TargetCheck.Frames(samplingRate: geometry.samplingRate) {
                design.outputLength(frames: geometry.frameCount(samples: $0))
            })
        let survey = try survey(tokenizer, vocabularySize: start.vocabularySize)
        let sources = sources(start.model, start.tokenizer)
        func results(_ outcome: Trainer.Outcome) -> ProbeResults {
            ProbeResults(
                encoder: .init(
                    name: places.model, fingerprint: sources[0].fingerprint,
                    modelType: encoder.config.baseModelType, layers: encoder.layerCount,
                    width: encoder.width),
                probe: design, vocabularySize: start.vocabularySize, updates: outcome.chosenStep,
                figures: outcome.figures,
                layerShares: start.probe.layerShares.detached().floats().map { Double($0) })
        }
        return .init(
            objective: objective, studentExtractor: extractor, teacherExtractors: [],
            targets: labels, sources: sources,
            notes: [encoder.note(from: places.model)] + start.notes + survey.notes,
            companions: start.tokenizer.files
        ) { outcome, _ in
            ProbeCard(
                results: results(outcome), directory: start.model.directory,
                parameters: start.probe.parameters.parameterCount
            ).text
        } results: {
            try results($0).json()
        }
    }
}
