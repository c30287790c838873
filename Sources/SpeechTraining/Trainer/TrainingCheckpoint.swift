import Foundation
import SpeechCore
import SpeechModels
import SpeechObjectives
import Torch

/// What a run needs to go on as if it had never stopped.
///
/// A folder with the student as a Hugging Face model directory, unless it stays as it is, `heads.safetensors`,
/// `optimizer.safetensors` and `trainer.json`. All random numbers of a step are a function of seed
/// and step, and so is the data: two integers stand for both.
struct TrainingCheckpoint: Codable {
    /// Updates made.
    var step: Int
    /// Updates of the optimiser; fewer than `step` where gradients were not finite.
    var optimizerStep: Int
    /// The lowest validation loss so far, and after which step; where the objective chooses by another
    /// figure, that of the best one.
    var bestLoss: Double?
    var bestFigure: Double?
    var bestStep: Int?
    /// Utterances that could not be used so far.
    var skipped: [String]

    private enum CodingKeys: String, CodingKey {
        case step, skipped
        case optimizerStep = "optimizer_step"
        case bestLoss = "best_loss"
        case bestFigure = "best_figure"
        case bestStep = "best_step"
    }

    /// Writes everything; the folder appears whole or not at all.
    ///
    /// - Throws: `FileSystemError` where something cannot be written.
    func write(
        to url: URL, _ training: TrainingStep, featureExtractor: any FeatureExtractor
    ) throws {
        try AtomicDirectory.write(to: url) { folder in
            if training.trainsStudent {
                try ModelWriter.fill(
                    folder, training.objective.student, featureExtractor: featureExtractor)
            }
            try SafetensorsWriter.write(
                training.objective.heads.all.map {
                    SafetensorsEntry(name: $0.name, tensor: $0.tensor)
                },
                to: folder.appendingPathComponent("heads.safetensors"))
            try SafetensorsWriter.write(
                training.optimizer.state.map { SafetensorsEntry(name: $0.name, tensor: $0.tensor) },
                to: folder.appendingPathComponent("optimizer.safetensors"))
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            try AtomicFile.write(
                encoder.encode(self), to: folder.appendingPathComponent("trainer.json"))
        }
    }

    /// Reads everything back into a training step of the same shape.
    ///
    /// - Throws: `RunError.foreignCheckpoint` where tensors are missing or of another shape, and
    ///   the errors of the readers.
    static func read(from url: URL, into training: TrainingStep) throws -> TrainingCheckpoint {
        let trainer = url.appendingPathComponent("trainer.json")
        let checkpoint: TrainingCheckpoint
        do {
            checkpoint = try JSONDecoder().decode(Self.self, from: Data(contentsOf: trainer))
        } catch {
            throw RunError.foreignCheckpoint(
                path: trainer.path, key: "content", expected: "the state of a trainer",
                found: "\(error)")
        }
        if training.trainsStudent {
            try restore(
                training.objective.student.parameters.all, from: url, "model.safetensors")
        }
        try restore(training.objective.heads.all, from: url, "heads.safetensors")
        try restore(training.optimizer.state, from: url, "optimizer.safetensors")
        training.optimizer.restore(step: checkpoint.optimizerStep)
        return checkpoint
    }

    static func restore(
        _ tensors: [(name: String, tensor: Tensor)], from folder: URL, _ name: String
    ) throws {
        let path = folder.appendingPathComponent(name).path
        let file = try TensorShards([SafetensorsFile(path: path)])
        for (name, tensor) in tensors {
            let found = file.entry(name)?.shape
            guard found == tensor.shape else {
                throw RunError.foreignCheckpoint(
                    path: path, key: name, expected: "shape \(tensor.shape)",
                    found: found.map { "shape \($0)" } ?? "no such tensor")
            }
            try RunEnvironment.building("checkpoint") {
                let stored = try file.tensor(name)
                withoutGradients { tensor.assign(stored) }
            }
        }
        let known = Set(tensors.map(\.name))
        if let foreign = file.names.first(where: { !known.contains($0) }) {
            throw RunError.foreignCheckpoint(
                path: path, key: foreign, expected: "only tensors of this run", found: "this one")
        }
    }
}
