public import Foundation
import SpeechCore
import SpeechModels
import SpeechObjectives
import Torch

/// Distils a student from its teachers: puts models and objective together for a training run.
public struct DistillTask {
    /// The files and places of a run; hyperparameters are in `DistillConfig`.
    public struct Places: Sendable {
        /// Model directories, or repository names in the local Hugging Face cache; at least one, and
        /// the first decides the student's family.
        public var teachers: [String]
        /// What every training run needs.
        public var training: TrainingPlaces

        /// All values.
        public init(teachers: [String], training: TrainingPlaces) {
            self.teachers = teachers
            self.training = training
        }
    }

    private let places: Places
    private let config: DistillConfig
    private let reporter: RunReporter

    /// Prepares a run; nothing is read or written yet.
    public init(_ places: Places, _ config: DistillConfig, reporter: RunReporter) {
        self.places = places
        self.config = config
        self.reporter = reporter
    }

    /// Runs to the last step and writes the student as a Hugging Face model directory.
    ///
    /// - Returns: that directory.
    /// - Throws: `ReportedError`s; checkpoints written before stay whole and loadable.
    public func run() throws -> URL {
        try TrainingRun(places: places.training, config: config, reporter: reporter)
            .run(assemble)
    }

    private func assemble(on device: Device) throws -> TrainingRun<DistillConfig>.Parts {
        let teacherType = config.teacher.precision.dtype(on: device)
        let teachers = try places.teachers.map { name in
            try RunEnvironment.building("teacher") {
                try ModelLoader.load(name, dtype: teacherType, device: device)
            }
        }
        let first = teachers[0]
        let (student, origin) = try RunEnvironment.building("student") {
            try config.student.makeStudent(
                of: first.encoder, seed: config.common.seed, device: device
            ) { try first.storedTensor($0) }
        }
        student.precision = config.trainer.precision.dtype(on: device)
        let objective = try RunEnvironment.building("objective") {
            try config.objective.makeObjective(
                teachers: teachers.map(\.encoder), student: student,
                seed: config.common.seed &+ 1)
        }
        return .init(
            objective: objective,
            studentExtractor: first.featureExtractor.independentOfBatch(),
            teacherExtractors: teachers.map { $0.featureExtractor.independentOfBatch() },
            sources: zip(places.teachers, teachers).map { name, model in
                .init(role: "teacher", name: name, fingerprint: Fingerprint.of(model))
            },
            notes: notes(teachers, student, origin)
        ) { outcome in
            ModelCard(
                teacher: first.directory, teacherName: places.teachers[0],
                student: student.config, parameters: student.parameters.parameterCount,
                step: outcome.bestStep ?? outcome.step, validationLoss: outcome.bestValidation
            ).text
        }
    }

    private func notes(
        _ teachers: [LoadedModel], _ student: any SpeechEncoder,
        _ origin: StudentInitialization.Report
    ) -> [String] {
        func millions(_ encoder: any SpeechEncoder) -> String {
            String(format: "%.1f M", Double(encoder.parameters.parameterCount) / 1e6)
        }
        return teachers.map { teacher in
            let config = teacher.encoder.config
            return "teacher \(config.modelType) \(config.layerCount)x\(config.width), "
                + "\(millions(teacher.encoder)) parameters, \(teacher.encoder.precision)"
        } + [
            "student \(student.layerCount)x\(student.width), \(millions(student)) parameters, "
                + "\(student.precision), initialization \(origin.choice.rawValue)"
                + (origin.copied.isEmpty ? "" : " (\(origin.copied.count) tensors copied)")
        ]
    }
}
