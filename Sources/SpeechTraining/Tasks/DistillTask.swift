public import Foundation
import SpeechCore
import SpeechModels
import SpeechObjectives
import Torch

/// Distils a student from a teacher: assembles a run from its configuration and runs it.
public struct DistillTask {
    /// The files and places of a run; hyperparameters are in `RunConfig`.
    public struct Places: Sendable {
        /// A model directory, or a repository name in the local Hugging Face cache.
        public var teacher: String
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
            teacher: String, train: [URL], valid: URL?, noise: URL? = nil, reverb: URL? = nil,
            output: URL, device: String, resumes: Bool, command: [String]
        ) {
            self.teacher = teacher
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

    private let places: Places
    private let config: RunConfig
    private let reporter: RunReporter

    /// Prepares a run; nothing is read or written yet.
    public init(_ places: Places, _ config: RunConfig, reporter: RunReporter) {
        self.places = places
        self.config = config
        self.reporter = reporter
    }

    /// Runs to the last step and writes the student as a Hugging Face model directory.
    ///
    /// - Returns: that directory.
    /// - Throws: `ReportedError`s; checkpoints written before stay whole and loadable.
    public func run() throws -> URL {
        try config.validate()
        let device = try RunEnvironment.prepare(
            device: places.device, threads: config.common.threads)
        let directory = RunDirectory(places.output)
        let isResumed = try claim(directory)

        let teacherType = config.teacher.precision.dtype(on: device)
        let teacher = try RunEnvironment.building("teacher") {
            try ModelLoader.load(places.teacher, dtype: teacherType, device: device)
        }
        let (student, origin) = try RunEnvironment.building("student") {
            try makeStudent(teacher, device: device)
        }
        student.precision = config.trainer.precision.dtype(on: device)
        let objective = try RunEnvironment.building("objective") {
            try CoLLD(
                config.objective.colld, teacher: teacher.encoder, student: student,
                seed: config.common.seed &+ 1)
        }
        let training = try RunEnvironment.building("optimizer") {
            DistillationStep(
                objective, settings: config.optimizer.settings,
                clipNorm: config.optimizer.clipNorm)
        }

        let state = isResumed ? try resume(directory, training, teacher) : nil
        let extractor = teacher.featureExtractor.independentOfBatch()
        // Weights are for the manifests of the training.
        var validation = config.dataset
        validation.corpusWeights = []
        let noises = try places.noise.map { try ManifestFormat.read($0) } ?? []
        let rooms = try places.reverb.map { try ManifestFormat.read($0) } ?? []
        let augmenter = try Augmenter(
            config: config.augment, noises: noises, impulseResponses: rooms,
            seed: config.common.seed)
        func data(_ manifests: [URL], isValidation: Bool) throws -> DistillationData {
            try DistillationData(
                manifests: manifests, config: isValidation ? validation : config.dataset,
                augmenter: isValidation ? nil : augmenter,
                teacher: teacher.encoder,
                teacherExtractor: extractor, student: student, studentExtractor: extractor,
                minimumFrames: objective.minimumFrames, seed: config.common.seed,
                startBatch: isValidation ? 0 : (state?.step ?? 0) * config.trainer.accumulation,
                isValidation: isValidation, device: device)
        }
        let train = try data(places.train, isValidation: false)
        let valid = try places.valid.map { try data([$0], isValidation: true) }

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
                command: places.command, teacher: places.teacher,
                teacherFingerprint: Fingerprint.of(teacher), dataFingerprint: dataFingerprint
            ).write(to: directory.provenance)
            let dropped = train.dataset.report.dropped + (valid?.dataset.report.dropped ?? [])
            try SkippedLog.append(dropped, to: directory.skipped)
        }
        if let state {
            let path = directory.checkpoint(step: state.step).path
            reporter.note("going on after step \(state.step) from \(path)")
        }
        announce(teacher, student, origin, train, valid, device: device, from: state?.step ?? 0)
        StopSignal.listen()
        let trainer = try DistillationTrainer(
            config, training, data: train, validation: valid, directory: directory,
            reporter: reporter, resuming: state)
        do {
            let outcome = try trainer.run()
            try writeModel(training, teacher, directory, outcome)
        } catch {
            // A log that only ends does not say why.
            reporter.record("ended: \(error)")
            throw error
        }
        return directory.model
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
        let stored = try ConfigDocument.read(RunConfig(), file: directory.config.path)
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
        _ directory: RunDirectory, _ training: DistillationStep, _ teacher: LoadedModel
    ) throws -> TrainingCheckpoint {
        let provenance = try RunProvenance.read(from: directory.provenance)
        try provenance.check(
            .teacherFingerprint, provenance.teacherFingerprint, is: Fingerprint.of(teacher),
            in: directory.provenance)
        let step = directory.linkedStep("last")!
        let url = directory.checkpoint(step: step)
        return try TrainingCheckpoint.read(from: url, into: training)
    }

    private func makeStudent(
        _ teacher: LoadedModel, device: Device
    ) throws -> (any SpeechEncoder, StudentInitialization.Report) {
        let design = try config.student.design.config(like: teacher.encoder.config)
        let student = design.makeEncoder(
            in: ParameterStore(seed: config.common.seed, device: device))
        let report = try config.student.initialization.apply(
            to: student, teacher: teacher.encoder
        ) { try teacher.storedTensor($0) }
        return (student, report)
    }

    private func announce(
        _ teacher: LoadedModel, _ student: any SpeechEncoder,
        _ origin: StudentInitialization.Report, _ train: DistillationData,
        _ valid: DistillationData?, device: Device, from step: Int
    ) {
        func millions(_ encoder: any SpeechEncoder) -> String {
            String(format: "%.1f M", Double(encoder.parameters.parameterCount) / 1e6)
        }
        let report = train.dataset.report
        let config = teacher.encoder.config
        reporter.note(
            "teacher \(config.modelType) \(config.layerCount)x\(config.width), "
                + "\(millions(teacher.encoder)) parameters, \(teacher.encoder.precision)")
        reporter.note(
            "student \(student.layerCount)x\(student.width), \(millions(student)) parameters, "
                + "\(student.precision), initialization \(origin.choice.rawValue)"
                + (origin.copied.isEmpty ? "" : " (\(origin.copied.count) tensors copied)"))
        reporter.note(
            String(
                format: "data: %d utterances, %.2f h, %d languages, %d batches an epoch%@",
                report.utterances, report.hours, report.languages.count, train.batchesPerEpoch,
                report.dropped.isEmpty ? "" : "; \(report.dropped.count) left out"))
        if let valid {
            reporter.note("validation: \(valid.dataset.report.utterances) utterances")
        }
        reporter.note(
            "steps \(step) … \(self.config.regime.steps) on \(device), \(Engine.threads) threads")
    }

    /// The student of the best validation, or the last one, as a model directory.
    private func writeModel(
        _ training: DistillationStep, _ teacher: LoadedModel, _ directory: RunDirectory,
        _ outcome: DistillationTrainer.Outcome
    ) throws {
        if let best = outcome.bestStep, best != outcome.step {
            _ = try TrainingCheckpoint.read(from: directory.checkpoint(step: best), into: training)
        }
        let card = ModelCard(
            teacher: teacher.directory, teacherName: places.teacher,
            student: training.objective.student.config,
            parameters: training.objective.student.parameters.parameterCount,
            step: outcome.bestStep ?? outcome.step, validationLoss: outcome.bestValidation)
        try ModelWriter.write(
            training.objective.student, featureExtractor: teacher.featureExtractor,
            card: card.text, to: directory.model)
        reporter.note("student written to \(directory.model.path)")
    }
}
