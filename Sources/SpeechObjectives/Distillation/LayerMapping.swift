/// A student layer and the teacher layer that it predicts, both counted from 1.
public struct LayerPair: Hashable, Sendable, CustomStringConvertible {
    /// The student's layer.
    public let student: Int
    /// The teacher's layers: the mean of their features is predicted.
    public let teachers: ClosedRange<Int>

    /// Pairs two layers.
    public init(student: Int, teacher: Int) {
        self.init(student: student, teachers: teacher...teacher)
    }

    /// Pairs a layer with the mean of several.
    public init(student: Int, teachers: ClosedRange<Int>) {
        self.student = student
        self.teachers = teachers
    }

    /// The teacher's layer, the last one of several.
    public var teacher: Int { teachers.upperBound }

    /// `student:teacher`, or `student:first-last`.
    public var description: String { "\(student):\(teacherName)" }

    /// `teacher`, or `first-last`.
    var teacherName: String {
        teachers.count == 1 ? "\(teacher)" : "\(teachers.lowerBound)-\(teacher)"
    }
}

/// Which student layer predicts which teacher layer.
///
/// Written as one word in run files: `uniform`, `every_teacher`, `sparse:4`, `last:4,8,12`, `top:8` or
/// explicit pairs such as `1:2,2:4`, of which `3:5-8` stands for the mean of layers 5 to 8.
public enum LayerMapping: Hashable, Sendable {
    /// Student layer k predicts teacher layer ⌊k · L_T / L_S + ½⌋; the last predicts the last.
    case uniform
    /// Every teacher layer l is predicted by student layer ⌈l · L_S / L_T⌉, with a head of its own.
    case everyTeacher
    /// n pairs: student layer i · L_S / n predicts teacher layer i · L_T / n (USAD).
    case sparse(Int)
    /// The last student layer predicts each of these teacher layers (DistilHuBERT).
    case last([Int])
    /// The last student layer predicts the mean of the teacher's last n layers (data2vec).
    case top(Int)
    /// Exactly these pairs.
    case pairs([LayerPair])

    /// The pairs for models of these depths.
    ///
    /// - Throws: `ObjectiveError.invalidSetting` for layers that the models do not have.
    public func pairs(studentLayers: Int, teacherLayers: Int) throws -> [LayerPair] {
        func invalid(_ expected: String) -> ObjectiveError {
            .invalidSetting(
                key: "objective.layer_mapping",
                expected:
                    "\(expected) (student: \(studentLayers), teacher: \(teacherLayers) layers)",
                found: "\(self)")
        }
        switch self {
        case .uniform:
            return (1...studentLayers).map { k in
                let nearest = (2 * k * teacherLayers + studentLayers) / (2 * studentLayers)
                return LayerPair(
                    student: k, teacher: k == studentLayers ? teacherLayers : max(1, nearest))
            }
        case .everyTeacher:
            return (1...teacherLayers).map { l in
                LayerPair(
                    student: (l * studentLayers + teacherLayers - 1) / teacherLayers, teacher: l)
            }
        case .sparse(let count):
            guard count > 0, count <= studentLayers, count <= teacherLayers else {
                throw invalid("at most as many pairs as layers")
            }
            return (1...count).map {
                LayerPair(student: $0 * studentLayers / count, teacher: $0 * teacherLayers / count)
            }
        case .last(let layers):
            guard !layers.isEmpty, layers.allSatisfy({ 1...teacherLayers ~= $0 }),
                Set(layers).count == layers.count
            else { throw invalid("different teacher layers from 1 on") }
            return layers.map { LayerPair(student: studentLayers, teacher: $0) }
        case .top(let count):
            guard 1...teacherLayers ~= count else { throw invalid("a number of teacher layers") }
            let top = (teacherLayers - count + 1)...teacherLayers
            return [LayerPair(student: studentLayers, teachers: top)]
        case .pairs(let pairs):
            let fits = pairs.allSatisfy {
                1...studentLayers ~= $0.student
                    && 1 <= $0.teachers.lowerBound && $0.teachers.upperBound <= teacherLayers
            }
            guard !pairs.isEmpty, fits, Set(pairs).count == pairs.count else {
                throw invalid("different pairs of layers from 1 on")
            }
            return pairs
        }
    }
}

extension LayerMapping: CustomStringConvertible, Codable {
    /// The word that run files use.
    public var description: String {
        switch self {
        case .uniform: "uniform"
        case .everyTeacher: "every_teacher"
        case .sparse(let count): "sparse:\(count)"
        case .last(let layers): "last:" + layers.map(String.init).joined(separator: ",")
        case .top(let count): "top:\(count)"
        case .pairs(let pairs): pairs.map(\.description).joined(separator: ",")
        }
    }

    /// Reads the word that run files use; nil if it is none.
    public init?(_ text: String) {
        // Empty parts stay, so that `last:4,,8` is no mapping.
        func split(_ text: String, _ separator: Character) -> [String] {
            text.split(separator: separator, omittingEmptySubsequences: false).map(String.init)
        }
        let parts = split(text, ":")
        switch parts.first {
        case "uniform" where parts.count == 1: self = .uniform
        case "every_teacher" where parts.count == 1: self = .everyTeacher
        case "sparse":
            guard parts.count == 2, let count = Int(parts[1]) else { return nil }
            self = .sparse(count)
        case "top":
            guard parts.count == 2, let count = Int(parts[1]) else { return nil }
            self = .top(count)
        case "last":
            guard parts.count == 2 else { return nil }
            let layers = split(parts[1], ",").map { Int($0) }
            guard layers.allSatisfy({ $0 != nil }) else { return nil }
            self = .last(layers.compactMap { $0 })
        default:
            let pairs = split(text, ",").map { pair -> LayerPair? in
                let layers = split(pair, ":")
                guard layers.count == 2, let student = Int(layers[0]) else { return nil }
                let ends = split(layers[1], "-").compactMap { Int($0) }
                guard (1...2).contains(ends.count), ends[0] <= ends.last!,
                    ends.map(String.init).joined(separator: "-") == layers[1]
                else { return nil }
                return LayerPair(student: student, teachers: ends[0]...ends.last!)
            }
            guard pairs.allSatisfy({ $0 != nil }) else { return nil }
            self = .pairs(pairs.compactMap { $0 })
        }
    }

    /// Reads the word.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let mapping = LayerMapping(text) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription:
                    "expected uniform, every_teacher, sparse:N, last:L,…, top:N or S:T,…; "
                    + "found '\(text)'")
        }
        self = mapping
    }

    /// Writes the word.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
