public import SpeechCore
public import SpeechModels
public import Torch

/// Where a student's first weights come from.
public enum StudentInitialization: String, ConfigChoice {
    /// `copyEvery` where the widths match, else `random`.
    case automatic = "auto"
    /// From the seed.
    case random
    /// Everything outside the layers, and for student layer k teacher layer ⌊k · L_T / L_S + ½⌋
    /// (layer jumping, DistilXLSR).
    case copyEvery = "copy_every"
    /// Everything outside the layers, and the first layers (DistilHuBERT).
    case copyFirst = "copy_first"
    /// Only what turns input into the first hidden state, as far as shapes match.
    case frontEndOnly = "front_end_only"

    /// What was done.
    public struct Report: Sendable {
        /// The choice after `auto` is resolved.
        public let choice: StudentInitialization
        /// Parameters taken from the teacher.
        public let copied: [String]
        /// Values in them.
        public let copiedValues: Int
    }

    /// Copies the chosen weights into a newly initialised student.
    ///
    /// * `read`: gives a teacher's tensor in full precision.
    /// - Throws: `ObjectiveError.invalidSetting` where the shapes do not allow the choice, or what
    ///   `read` throws.
    public func apply(
        to student: any SpeechEncoder, teacher: any SpeechEncoder,
        read: (String) throws -> Tensor
    ) throws -> Report {
        let layerOfStudent = try LayerMapping.uniform.pairs(
            studentLayers: student.layerCount,
            teacherLayers: max(teacher.layerCount, student.layerCount))
        var choice = self
        if self == .automatic {
            let matches =
                student.layerCount <= teacher.layerCount
                && problem(
                    student, teacher, source(.copyEvery, layerOfStudent, in: teacher)) == nil
            choice = matches ? .copyEvery : .random
        }
        guard choice != .random else { return Report(choice: .random, copied: [], copiedValues: 0) }

        let source = source(choice, layerOfStudent, in: teacher)
        if choice != .frontEndOnly {
            guard student.layerCount <= teacher.layerCount else {
                throw ObjectiveError.invalidSetting(
                    key: "student.initialization",
                    expected: "at most the teacher's \(teacher.layerCount) layers to copy",
                    found: "\(student.layerCount) layers")
            }
            if let problem = problem(student, teacher, source) {
                throw ObjectiveError.invalidSetting(
                    key: "student.initialization",
                    expected: "a student of the teacher's width for '\(choice.rawValue)'",
                    found: problem)
            }
        }
        var copied: [String] = []
        var values = 0
        for (name, tensor) in student.parameters.all {
            guard let origin = source(name),
                teacher.parameters[origin]?.shape == tensor.shape
            else { continue }
            try withoutGradients { tensor.assign(try read(origin)) }
            copied.append(name)
            values += tensor.count
        }
        guard !copied.isEmpty else {
            throw ObjectiveError.invalidSetting(
                key: "student.initialization",
                expected: "a front end of the teacher's shape for '\(choice.rawValue)'",
                found: "no parameter in common")
        }
        return Report(choice: choice, copied: copied, copiedValues: values)
    }

    /// The teacher's name for a student's parameter, nil for what stays as it is.
    private func source(
        _ choice: StudentInitialization, _ layers: [LayerPair], in teacher: any SpeechEncoder
    ) -> (String) -> String? {
        let prefix = "encoder.layers."
        return { name in
            guard name.hasPrefix(prefix) else {
                return name == "masked_spec_embed" && choice == .frontEndOnly ? nil : name
            }
            let rest = name.dropFirst(prefix.count)
            guard choice != .frontEndOnly, let dot = rest.firstIndex(of: "."),
                let index = Int(rest[..<dot])
            else { return nil }
            let origin = choice == .copyFirst ? index : layers[index].teacher - 1
            let counterpart = prefix + "\(origin)" + rest[dot...]
            // One layer may hold what all share, as WavLM's first does.
            let isShared =
                teacher.parameters[counterpart] == nil && teacher.parameters[name] != nil
            return isShared ? name : counterpart
        }
    }

    private func problem(
        _ student: any SpeechEncoder, _ teacher: any SpeechEncoder,
        _ source: (String) -> String?
    ) -> String? {
        for (name, tensor) in student.parameters.all {
            guard let origin = source(name) else { continue }
            let found = teacher.parameters[origin]?.shape
            if found != tensor.shape {
                let shape = found.map { "\($0)" } ?? "nothing"
                return "\(name) \(tensor.shape) where the teacher has \(shape)"
            }
        }
        return nil
    }
}
