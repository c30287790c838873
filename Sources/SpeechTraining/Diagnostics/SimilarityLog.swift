import SpeechModels
import SpeechObjectives
import Torch

/// How alike the layers of a student and of its teachers are at each validation:
/// `metrics/similarity.jsonl`, a line for each teacher.
///
/// `matrix` holds the linear centred kernel alignment (`LayerSimilarity`): a row for each layer of the
/// student and a column for each of the teacher, both from the first layer's input on.
final class SimilarityLog {
    private let objective: any TrainingObjective
    private let log: MetricLog
    private var ofTeacher: [LayerSimilarity?] = []

    /// Nil for an objective without a teacher.
    ///
    /// - Throws: as `MetricLog`.
    init?(
        _ objective: any TrainingObjective, directory: RunDirectory, keepingUpTo step: Int
    ) throws {
        guard !objective.teachers.isEmpty else { return nil }
        self.objective = objective
        log = try MetricLog(directory.metrics("similarity"), keepingUpTo: step)
    }

    /// Forgets the frames of the validation before.
    func start() {
        // A teacher whose frames do not fit the student's is compared with nothing.
        ofTeacher = objective.teachers.map {
            try? LayerSimilarity(student: objective.student, teacher: $0)
        }
    }

    /// Takes frames of a batch, as long as more are needed.
    func add(_ batch: TrainingBatch) {
        for (similarity, input) in zip(ofTeacher, batch.teachers) {
            similarity?.add(student: batch.student, teacher: input)
        }
    }

    /// Writes what was found after `step` updates.
    ///
    /// - Returns: the alignment of the pairs that the objective matches, by their names.
    /// - Throws: as `MetricLog`.
    func finish(step: Int) throws -> [(name: String, value: Double)] {
        defer { ofTeacher = [] }
        var matrices: [Int: [[Double]]] = [:]
        for (teacher, similarity) in ofTeacher.enumerated() {
            guard let similarity, similarity.frames > 1 else { continue }
            let matrix = try withTorchErrors { similarity.matrix() }
            matrices[teacher] = matrix
            try log.append(
                [
                    ("step", Double(step)), ("teacher", Double(teacher)),
                    ("frames", Double(similarity.frames)),
                ], matrix: matrix)
        }
        return objective.matchedPairs.compactMap { pair in
            matrices[pair.teacher].map {
                ("\(pair.name)/similarity", $0[pair.layers.student][pair.layers.teacher])
            }
        }
    }
}
