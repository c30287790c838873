public import Foundation
import SpeechCore
import SpeechModels
import SpeechObjectives
import Torch

/// The files and places of a training run; hyperparameters are in its configuration.
public struct TrainingPlaces: Sendable {
    /// The manifests to train on, at least one.
    public var train: [URL]
    /// The manifest to validate on.
    public var valid: URL?
    /// The manifest of noise to add.
    public var noise: URL?
    /// The manifest of impulse responses of rooms.
    public var reverb: URL?
    /// The run directory.
    public var output: URL
    /// `cpu`, `cuda` or `cuda:N`.
    public var device: String
    /// Whether to go on with the run in `output`, if there is one.
    public var resumes: Bool
    /// The command line, for the record.
    public var command: [String]

    /// All values.
    public init(
        train: [URL], valid: URL?, noise: URL? = nil, reverb: URL? = nil, output: URL,
        device: String, resumes: Bool, command: [String]
    ) {
        self.train = train
        self.valid = valid
        self.noise = noise
        self.reverb = reverb
        self.output = output
        self.device = device
        self.resumes = resumes
        self.command = command
    }
}

/// A run from its configuration to the model that it leaves, whatever is trained: claims the folder,
/// reads data, resumes, trains, writes.
///
/// A task only says what is trained (`Parts`).
struct TrainingRun<Config: TrainingConfig> {
    /// What a task puts together.
    struct Parts {
        /// The loss, with student and teachers.
        var objective: any TrainingObjective
        /// What makes the student's input.
        var studentExtractor: any FeatureExtractor
        /// What makes each teacher's input.
        var teacherExtractors: [any FeatureExtractor]
        /// What makes labels of clips, for tasks that need some.
        var targets: (any TargetSource)?
        /// The models that the run starts from.
        var sources: [RunProvenance.Source]
        /// What is said before the run starts.
        var notes: [String]
        /// What `config.json` of a recogniser says besides, and files beside it, such as the
        /// tokenizer's.
        var configKeys: [(key: String, value: Double)] = []
        var companions: [(name: String, data: Data)] = []
        /// The model card of the result.
        var card: (Trainer.Outcome, any SpeechEncoder) -> String
        /// `results.json`, for tasks whose result is a measurement.
        var results: ((Trainer.Outcome) throws -> Data)?
    }

    let places: TrainingPlaces
    let config: Config
    let reporter: RunReporter

    /// Runs to the last step and writes the student as a model directory.
    ///
    /// * `assemble`: builds models and objective on a device.
    /// - Returns: that directory.
    /// - Throws: `ReportedError`s; checkpoints written before stay whole and loadable.
    func run(_ assemble: (Device) throws -> Parts) throws -> URL {
        try config.validate()
        let device = try RunEnvironment.prepare(
            device: places.device, threads: config.common.threads)
        let directory = RunDirectory(places.output)
        let isResumed = try claim(directory)
        let parts = try assemble(device)
        let training = try RunEnvironment.building("optimizer") {
            TrainingStep(
                parts.objective, settings: config.optimizer.settings,
                clipNorm: config.optimizer.clipNorm)
        }
        let state = isResumed ? try resume(directory, training, parts.sources) : nil

        let noises = try places.noise.map { try ManifestFormat.read($0) } ?? []
        let rooms = try places.reverb.map { try ManifestFormat.read($0) } ?? []
        let augmenter = try Augmenter(
            config: config.augment, noises: noises, impulseResponses: rooms,
            seed: config.common.seed)
        let train = try data(places.train, parts, augmenter, device: device, after: state?.step)
        let valid = try places.valid.map { try data([$0], parts, nil, device: device, after: nil) }

        let dataFingerprint = Fingerprint.of(train.dataset, noises + rooms)
        try directory.create()
        reporter.open(directory.log)
        if isResumed {
            let provenance = try RunProvenance.read(from: directory.provenance)
            try provenance.check(
                .dataFingerprint, provenance.dataFingerprint, is: dataFingerprint,
                in: directory.provenance)
        } else {
            try AtomicFile.write(ConfigDocument.text(config), to: directory.config)
            try RunProvenance(
                command: places.command, models: parts.sources, dataFingerprint: dataFingerprint
            ).write(to: directory.provenance)
            let dropped = train.dataset.report.dropped + (valid?.dataset.report.dropped ?? [])
            try SkippedLog.append(dropped, to: directory.skipped)
        }
        if let state {
            let path = directory.checkpoint(step: state.step).path
            reporter.note("going on after step \(state.step) from \(path)")
        }
        announce(parts, train, valid, device: device, from: state?.step ?? 0)
        StopSignal.listen()
        let trainer = try Trainer(
            config, training, data: train, validation: valid, directory: directory,
            reporter: reporter, resuming: state)
        do {
            let outcome = try trainer.run()
            try writeModel(training, parts, directory, outcome)
        } catch {
            // A log that only ends does not say why.
            reporter.record("ended: \(error)")
            throw error
        }
        return directory.model
    }

    /// Training data where there is an augmenter to apply or not, from after a step on; validation
    /// data otherwise.
    private func data(
        _ manifests: [URL], _ parts: Parts, _ augmenter: Augmenter?, device: Device,
        after step: Int?
    ) throws -> TrainingData {
        let isValidation = augmenter == nil
        var settings = config.dataset
        // Weights are for the manifests of the training.
        if isValidation { settings.corpusWeights = [] }
        let objective = parts.objective
        return try TrainingData(
            manifests: manifests, config: settings, augmenter: augmenter, targets: parts.targets,
            student: (objective.student, parts.studentExtractor),
            teachers: Array(zip(objective.teachers, parts.teacherExtractors)),
            minimumFrames: objective.minimumFrames, seed: config.common.seed,
            startBatch: (step ?? 0) * config.trainer.accumulation,
            isValidation: isValidation, device: device)
    }

    /// Whether the output holds a checkpoint to go on with.
    ///
    /// - Throws: `RunError.outputExists` where a run is there and was not asked for, `.occupied`
    ///   where something that is no run would be overwritten.
    private func claim(_ directory: RunDirectory) throws -> Bool {
        let hasRun = FileManager.default.fileExists(atPath: directory.config.path)
        guard hasRun else {
            try RunDirectory.requireFree(directory.model)
            return false
        }
        guard places.resumes else { throw RunError.outputExists(path: directory.url.path) }
        let stored = try ConfigDocument.read(config, file: directory.config.path)
        // What changes neither data nor weights may differ.
        let free = ["trainer.log_every", "trainer.save_every", "trainer.keep_last"]
        let changes = try ConfigDocument.differences(stored, config).filter { change in
            !free.contains(change.key) && !change.key.hasPrefix("dataset.threads")
                && !change.key.hasPrefix("dataset.prefetch")
        }
        guard changes.isEmpty else {
            throw RunError.differs(
                path: directory.config.path,
                changes: changes.map { "\($0.key): expected \($0.first); found \($0.second)" })
        }
        return directory.linkedStep("last") != nil
    }

    private func resume(
        _ directory: RunDirectory, _ training: TrainingStep, _ sources: [RunProvenance.Source]
    ) throws -> TrainingCheckpoint {
        let provenance = try RunProvenance.read(from: directory.provenance)
        try provenance.check(
            .models, provenance.fingerprints, is: RunProvenance.fingerprints(sources),
            in: directory.provenance)
        let step = directory.linkedStep("last")!
        let url = directory.checkpoint(step: step)
        return try TrainingCheckpoint.read(from: url, into: training)
    }

    private func announce(
        _ parts: Parts, _ train: TrainingData, _ valid: TrainingData?, device: Device,
        from step: Int
    ) {
        for note in parts.notes { reporter.note(note) }
        let report = train.dataset.report
        reporter.note(
            String(
                format: "data: %d utterances, %.2f h, %d languages, %d batches an epoch%@",
                report.utterances, report.hours, report.languages.count, train.batchesPerEpoch,
                report.dropped.isEmpty ? "" : "; \(report.dropped.count) left out"))
        if let valid {
            reporter.note("validation: \(valid.dataset.report.utterances) utterances")
        }
        reporter.note(
            "steps \(step) … \(config.regime.steps) on \(device), \(Engine.threads) threads")
    }

    /// What the training leaves behind, of the best validation or the last step, as a model directory.
    private func writeModel(
        _ training: TrainingStep, _ parts: Parts, _ directory: RunDirectory,
        _ outcome: Trainer.Outcome
    ) throws {
        if let best = outcome.bestStep, best != outcome.step {
            _ = try TrainingCheckpoint.read(from: directory.checkpoint(step: best), into: training)
        }
        let result = training.objective.result()
        try AtomicDirectory.write(to: directory.model) { folder in
            if let probe = result.probe {
                try SafetensorsWriter.write(
                    probe.parameters.all.map {
                        SafetensorsEntry(name: $0.name, tensor: $0.tensor)
                    },
                    to: folder.appendingPathComponent("probe.safetensors"))
            } else if let head = result.head {
                try ModelWriter.fill(
                    folder, result.encoder, head: head, training: parts.configKeys,
                    featureExtractor: parts.studentExtractor)
            } else if let translator = result.translator {
                try translator.fill(folder, featureExtractor: parts.studentExtractor)
            } else {
                try ModelWriter.fill(
                    folder, result.encoder, featureExtractor: parts.studentExtractor)
            }
            for (name, data) in parts.companions {
                try AtomicFile.write(data, to: folder.appendingPathComponent(name))
            }
            if let results = parts.results {
                try AtomicFile.write(
                    try results(outcome), to: folder.appendingPathComponent("results.json"))
            }
            try AtomicFile.write(
                parts.card(outcome, result.encoder),
                to: folder.appendingPathComponent("README.md"))
            if !result.heads.isEmpty {
                try SafetensorsWriter.write(
                    result.heads.map { SafetensorsEntry(name: $0.name, tensor: $0.tensor) },
                    to: folder.appendingPathComponent("heads.safetensors"))
            }
        }
        for note in result.notes { reporter.note(note) }
        reporter.note(
            "\(result.probe == nil ? "model" : "probe") written to \(directory.model.path)")
    }
}
