public import SpeechModels
public import SpeechObjectives
public import Torch

/// What the student looks like and starts from.
public struct StudentConfig: Codable, Equatable, Sendable {
    /// `layers x width`, `teacher` for the teacher's own shape, or `{layers, width, heads,
    /// feed_forward, front_end: {channels, kernels, strides}, time_reduction, reuses_attention}`.
    public var design = StudentDesign(layers: 12, width: 384)
    /// Where its first weights come from.
    public var initialization = StudentInitialization.automatic
    /// What gradients of the convolutional front end are multiplied by; 0 leaves it as it is.
    public var frontEndGradient = 1.0

    private enum CodingKeys: String, CodingKey {
        case design, initialization
        case frontEndGradient = "front_end_gradient"
    }

    /// - Throws: `ConfigError.invalidValue`.
    func validate() throws {
        guard frontEndGradient >= 0, frontEndGradient.isFinite else {
            throw ConfigError.invalidValue(
                file: nil, key: "student.front_end_gradient", expected: "0 or more",
                found: "\(frontEndGradient)")
        }
    }

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
        try scaleFrontEnd(of: student)
        return (student, origin)
    }

    /// Tells an encoder what gradients of its front end are multiplied by.
    ///
    /// - Throws: `ObjectiveError.invalidSetting` for one that has no such front end.
    func scaleFrontEnd(of student: any SpeechEncoder) throws {
        guard frontEndGradient != 1 else { return }
        guard let waveform = student as? any WaveformEncoder else {
            throw ObjectiveError.invalidSetting(
                key: "student.front_end_gradient",
                expected: "1, as \(student.config.baseModelType) has no convolutional front end",
                found: "\(frontEndGradient)")
        }
        waveform.frontEndGradient = frontEndGradient
    }
}
