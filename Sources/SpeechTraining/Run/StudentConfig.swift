public import SpeechModels
public import SpeechObjectives
public import Torch

/// What the student looks like and starts from.
public struct StudentConfig: Codable, Equatable, Sendable {
    /// `layers x width`, or `{layers, width, heads, feed_forward}`.
    public var design = StudentDesign(layers: 12, width: 384)
    /// Where its first weights come from.
    public var initialization = StudentInitialization.automatic

    /// Builds the student and gives it its first weights.
    ///
    /// * `teacher`: decides the family.
    /// * `read`: gives a teacher's tensor in full precision.
    /// - Throws: `ObjectiveError.invalidSetting` or `ModelError` for a student that does not fit the
    ///   teacher, or what `read` throws.
    public func makeStudent(
        of teacher: any SpeechEncoder, seed: UInt64, device: Device,
        read: (String) throws -> Tensor
    ) throws -> (student: any SpeechEncoder, origin: StudentInitialization.Report) {
        let student = try design.config(like: teacher.config)
            .makeEncoder(in: ParameterStore(seed: seed, device: device))
        let origin = try initialization.apply(to: student, teacher: teacher, read: read)
        return (student, origin)
    }
}
