public import Foundation
import SpeechCore
import SpeechModels
import SpeechObjectives
import Torch

/// Trains an encoder without a teacher, from random weights or on from a checkpoint.
public struct PretrainTask {
    /// The files and places of a run; hyperparameters are in `PretrainConfig`.
    public struct Places: Sendable {
        /// The model to go on from: a directory, or a repository name in the local Hugging Face cache;
        /// nil to start from random weights.
        public var model: String?
        /// What every training run needs.
        public var training: TrainingPlaces

        /// All values.
        public init(model: String?, training: TrainingPlaces) {
            self.model = model
            self.training = training
        }
    }

    private let places: Places
    private let config: PretrainConfig
    private let reporter: RunReporter

    /// Prepares a run; nothing is read or written yet.
    public init(_ places: Places, _ config: PretrainConfig, reporter: RunReporter) {
        self.places = places
        self.config = config
        self.reporter = reporter
    }

    /// Runs to the last step and writes the encoder as a Hugging Face model directory.
    ///
    /// - Returns: that directory.
    /// - Throws: `ReportedError`s; checkpoints written before stay whole and loadable.
    public func run() throws -> URL {
        try TrainingRun(places: places.training, config: config, reporter: reporter)
            .run(assemble)
    }

    private func assemble(on device: Device) throws -> TrainingRun<PretrainConfig>.Parts {
        let origin = try places.model.map { name in
            try config.model.requireUnchosen()
            return try RunEnvironment.building("model") { try ModelLoader.load(name) }
        }
        let encoder = try RunEnvironment.building("model") {
            try origin.map { try continued($0, device: device) } ?? newEncoder(on: device)
        }
        encoder.precision = config.trainer.precision.dtype(on: device)
        let objective = try RunEnvironment.building("objective") {
            try config.objective.makeObjective(student: encoder, seed: config.common.seed &+ 1)
        }
        let adopted = try origin.map { try adoptQuantizer(of: $0, into: objective.heads) } ?? []
        let extractor =
            try origin.map { $0.featureExtractor.independentOfBatch() }
            ?? InitializeTask.extractor(of: encoder.config).independentOfBatch()
        let source = origin.map { ($0.directory, places.model!) }
        let sources = origin.map {
            [
                RunProvenance.Source(
                    role: "model", name: places.model!, fingerprint: Fingerprint.of($0))
            ]
        }
        return .init(
            objective: objective, studentExtractor: extractor, teacherExtractors: [],
            sources: sources ?? [], notes: [note(encoder, adopted: adopted)]
        ) { outcome, _ in
            PretrainCard(
                origin: source, objective: config.objective.name, encoder: encoder.config,
                parameters: encoder.parameters.parameterCount,
                step: outcome.bestStep ?? outcome.step, validationLoss: outcome.bestValidation
            ).text
        }
    }

    private func newEncoder(on device: Device) throws -> any SpeechEncoder {
        let family = try config.model.chosenFamily() ?? .w2vBert
        let design: StudentDesign
        switch config.model.design {
        case .automatic: design = StudentDesign(layers: 12, width: 512)
        case .design(let chosen): design = chosen
        }
        return try design.config(like: family.largeConfig(), key: "model")
            .makeEncoder(in: ParameterStore(seed: config.common.seed, device: device))
    }

    /// The model's encoder without adapter and dropout, in full precision, with a vector for masked
    /// frames.
    private func continued(
        _ origin: LoadedModel, device: Device
    ) throws -> any SpeechEncoder {
        let encoder = origin.encoder.config.asStudent()
            .makeEncoder(in: ParameterStore(seed: config.common.seed, device: device))
        _ = try StudentInitialization.copyFirst.apply(to: encoder, teacher: origin.encoder) {
            try origin.storedTensor($0)
        }
        return encoder
    }

    /// Takes over the quantiser and projections of a checkpoint of `ForPreTraining`.
    ///
    /// - Returns: the names of what was taken over.
    /// - Throws: `ObjectiveError.invalidSetting` where shapes differ.
    private func adoptQuantizer(
        of origin: LoadedModel, into heads: ParameterStore
    ) throws -> [String] {
        guard config.model.keepsQuantizer else { return [] }
        var adopted: [String] = []
        for (name, tensor) in heads.all {
            let isQuantizer = name.hasPrefix("quantizer.")
            guard isQuantizer || name.hasPrefix("project_"),
                let shape = origin.storedShape(name)
            else { continue }
            guard shape == tensor.shape else {
                throw ObjectiveError.invalidSetting(
                    key: isQuantizer ? "objective.quantizer" : "objective.width",
                    expected: "the sizes of the model's own \(name) \(shape), or "
                        + "model.keep_quantizer=false for a new quantiser",
                    found: "\(tensor.shape)")
            }
            let stored = try origin.storedTensor(name)
            withoutGradients { tensor.assign(stored) }
            adopted.append(name)
        }
        return adopted
    }

    private func note(_ encoder: any SpeechEncoder, adopted: [String]) -> String {
        let config = encoder.config
        let size = String(format: "%.1f M", Double(encoder.parameters.parameterCount) / 1e6)
        return
            "model \(config.modelType) \(config.layerCount)x\(config.width), \(size) parameters, "
            + "\(encoder.precision), "
            + (places.model.map { "going on from \($0)" } ?? "random weights")
            + (adopted.isEmpty ? "" : " with its quantiser")
    }
}
