import Foundation
import SpeechCore
import SpeechModels
import SpeechObjectives
import Torch

/// The student before the first update, and where it comes from.
struct StudentStart {
    let encoder: any SpeechEncoder
    /// What makes its input.
    let extractor: any FeatureExtractor
    /// The model that it is read from, if it is.
    let sources: [RunProvenance.Source]
    /// For people.
    let origin: String

    private let heads: URL?

    /// A new student, shaped as the run file says, with weights of the teacher where it says so.
    ///
    /// - Throws: `ObjectiveError`, `ModelError`, or the errors of the weights' format.
    init(designedFor teacher: LoadedModel, _ config: DistillConfig, device: Device) throws {
        let (student, report) = try config.student.makeStudent(
            of: teacher.encoder, seed: config.common.seed, device: device
        ) { try teacher.storedTensor($0) }
        encoder = student
        extractor = teacher.featureExtractor
        sources = []
        origin =
            "initialization \(report.choice.rawValue)"
            + (report.copied.isEmpty ? "" : " (\(report.copied.count) tensors copied)")
        heads = nil
    }

    /// The model of a directory, without what a student has not: adapters and dropout.
    ///
    /// - Throws: what `ModelLoader` throws, or `ObjectiveError.invalidSetting`.
    init(continuing place: String, _ config: DistillConfig, device: Device) throws {
        let model = try ModelLoader.load(place, device: device)
        let own = model.encoder.config.asStudent()
        try own.validate(path: model.directory.configPath)
        let student = own.makeEncoder(
            in: ParameterStore(seed: config.common.seed, device: device))
        withoutGradients {
            for (name, tensor) in student.parameters.all {
                if let stored = model.encoder.parameters[name] { tensor.assign(stored) }
            }
        }
        encoder = student
        extractor = model.featureExtractor
        sources = [.init(role: "student", name: place, fingerprint: Fingerprint.of(model))]
        origin = "from \(place); student.design and student.initialization say nothing"
        heads = Self.heads(beside: model.directory.url)
        try config.student.scaleFrontEnd(of: encoder)
    }

    /// The heads that were trained with a model: in its directory, as in those of checkpoints, or in
    /// the checkpoint that the model of a run is.
    private static func heads(beside model: URL) -> URL? {
        let checkpoints = model.standardizedFileURL.deletingLastPathComponent()
            .appendingPathComponent("checkpoints")
        let places = [model] + ["best", "last"].map { checkpoints.appendingPathComponent($0) }
        return places.map { $0.appendingPathComponent("heads.safetensors") }
            .first { FileManager.default.fileExists(atPath: $0.path) }
    }

    /// Starts an objective's heads from those that were trained with the student, if all of them fit.
    ///
    /// - Returns: what was done, or why not; nothing for a student that was trained with none.
    /// - Throws: the errors of `SafetensorsFile`.
    func restoreHeads(of objective: any TrainingObjective) throws -> [String] {
        guard !sources.isEmpty, !objective.heads.names.isEmpty else { return [] }
        guard let heads else { return ["heads start anew: no heads.safetensors with the student"] }
        let file = try TensorShards([SafetensorsFile(path: heads.path)])
        for (name, tensor) in objective.heads.all where file.entry(name)?.shape != tensor.shape {
            let found = file.entry(name).map { "\($0.shape)" } ?? "nothing"
            return [
                "heads start anew: \(heads.path): \(name): expected \(tensor.shape); "
                    + "found \(found)"
            ]
        }
        try withoutGradients {
            for (name, tensor) in objective.heads.all { tensor.assign(try file.tensor(name)) }
        }
        let others = file.names.count - objective.heads.names.count
        return [
            "heads from \(heads.path)"
                + (others > 0 ? "; \(others) tensors that this objective has not left out" : "")
        ]
    }
}
