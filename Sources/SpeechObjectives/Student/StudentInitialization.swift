public import SpeechCore
public import SpeechModels
public import Torch

/// Where a student's first weights come from.
public enum StudentInitialization: String, ConfigChoice {
    /// `copyEvery` where width and heads match, else `random`.
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
            let source = source(.copyEvery, layerOfStudent, student, teacher)
            let matches =
                student.layerCount <= teacher.layerCount && problem(student, teacher, source) == nil
            choice = matches ? .copyEvery : .random
        }
        guard choice != .random else { return Report(choice: .random, copied: [], copiedValues: 0) }

        let source = source(choice, layerOfStudent, student, teacher)
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
                    expected:
                        "a student of the teacher's width and heads for '\(choice.rawValue)'",
                    found: problem)
            }
        }
        // Never half a module: the magnitude of a weight-normalised convolution has one shape at
        // every width, and is wrong beside another direction.
        var incomplete: Set<Substring> = []
        for (name, tensor) in student.parameters.all {
            if let origin = source(name), teacher.parameters[origin]?.shape != tensor.shape {
                incomplete.insert(module(of: name))
            }
        }
        var copied: [String] = []
        var values = 0
        for (name, tensor) in student.parameters.all {
            guard let origin = source(name), !incomplete.contains(module(of: name)) else {
                continue
            }
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

    private func module(of name: String) -> Substring {
        name[..<(name.lastIndex(of: ".") ?? name.startIndex)]
    }

    /// The teacher's name for a student's parameter, nil for what stays as it is.
    private func source(
        _ choice: StudentInitialization, _ layers: [LayerPair], _ student: any SpeechEncoder,
        _ teacher: any SpeechEncoder
    ) -> (String) -> String? {
        let prefix = student.config.layerPrefix
        let mask = "masked_spec_embed"
        let behindLayers = student.config.modulesBehindLayers
        return { name in
            guard name.hasPrefix(prefix) else {
                // Teachers that were trained without masking have no vector for masked frames, and
                // their frames are not joined.
                let isOwn = name == mask || name.hasPrefix("encoder.time_reduction.")
                if isOwn && teacher.parameters[name] == nil { return nil }
                let isFrontEnd = name != mask && !behindLayers.contains { name.hasPrefix($0) }
                return choice != .frontEndOnly || isFrontEnd ? name : nil
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
        // Shapes do not show it: the same matrix, cut into other heads, is another layer.
        let (heads, teacherHeads) = (student.config.headCount, teacher.config.headCount)
        return heads == teacherHeads
            ? nil : "\(heads) attention heads where the teacher has \(teacherHeads)"
    }
}
