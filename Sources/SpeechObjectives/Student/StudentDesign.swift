import Foundation
public import SpeechModels

/// The shape of a student: `12x384`, its parts spelled out, or `teacher` for the teacher's own.
public struct StudentDesign: Codable, Equatable, Sendable {
    /// The convolutions that turn samples into frames.
    public struct FrontEnd: Codable, Equatable, Sendable {
        /// Output channels of each layer.
        public var channels: [Int]
        /// Taps of each layer.
        public var kernels: [Int]
        /// Strides of each layer.
        public var strides: [Int]

        private enum CodingKeys: String, CodingKey, CaseIterable {
            case channels, kernels, strides
        }

        /// As many channels, kernels and strides as there are layers.
        public init(channels: [Int], kernels: [Int], strides: [Int]) {
            self.channels = channels
            self.kernels = kernels
            self.strides = strides
        }

        /// Reads the three lists, which must all be there.
        public init(from decoder: any Decoder) throws {
            try requireKnown(CodingKeys.allCases.map(\.rawValue), decoder)
            let container = try decoder.container(keyedBy: CodingKeys.self)
            channels = try container.decode([Int].self, forKey: .channels)
            kernels = try container.decode([Int].self, forKey: .kernels)
            strides = try container.decode([Int].self, forKey: .strides)
        }
    }

    /// The number of layers.
    public var layers: Int
    /// The width D of the hidden states.
    public var width: Int
    /// Attention heads; width / 64 where nothing is said.
    public var heads: Int
    /// Feed-forward units; 4 · width where nothing is said.
    public var feedForward: Int
    /// The convolutions that turn samples into frames; nil for the teacher's.
    public var frontEnd: FrontEnd?
    /// How many frames become one before the first layer (FitHuBERT); 1 for none.
    public var timeReduction = 1
    /// Whether every second layer attends as the one before it (ARMHuBERT).
    public var reusesAttention = false
    /// Whether all is as in the teacher, whatever the other properties say.
    public private(set) var isTeacher = false

    /// All is as in the teacher.
    public static var teacher: StudentDesign {
        var design = StudentDesign(layers: 1, width: 1)
        design.isTeacher = true
        return design
    }

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case layers, width, heads
        case feedForward = "feed_forward"
        case frontEnd = "front_end"
        case timeReduction = "time_reduction"
        case reusesAttention = "reuses_attention"
    }

    /// Spells out a design.
    public init(layers: Int, width: Int, heads: Int? = nil, feedForward: Int? = nil) {
        self.layers = layers
        self.width = width
        self.heads = heads ?? max(1, width / 64)
        // Too wide a student is refused by `config(like:)`, which names the key.
        let (fourfold, overflows) = width.multipliedReportingOverflow(by: 4)
        self.feedForward = feedForward ?? (overflows ? .max : fourfold)
    }

    /// Reads `layers x width`, such as `12x384`.
    ///
    /// - Throws: `ObjectiveError.invalidSetting` naming `key`.
    public init(_ spec: String, key: String = "student.design") throws {
        let parts = spec.lowercased()
            .split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 2, let layers = parts[0], let width = parts[1], layers > 0, width > 0
        else {
            throw ObjectiveError.invalidSetting(
                key: key, expected: "layers x width, such as 12x384", found: "'\(spec)'")
        }
        self.init(layers: layers, width: width)
    }

    /// Reads the word or the parts; missing parts follow from the width, or are the teacher's.
    public init(from decoder: any Decoder) throws {
        if let container = try? decoder.singleValueContainer(),
            let spec = try? container.decode(String.self)
        {
            if spec == Self.teacherWord {
                self = .teacher
                return
            }
            do {
                try self.init(spec)
            } catch {
                throw DecodingError.dataCorruptedError(
                    in: container, debugDescription: "\(error)")
            }
            return
        }
        try requireKnown(CodingKeys.allCases.map(\.rawValue), decoder)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            layers: try container.decode(Int.self, forKey: .layers),
            width: try container.decode(Int.self, forKey: .width),
            heads: try container.decodeIfPresent(Int.self, forKey: .heads),
            feedForward: try container.decodeIfPresent(Int.self, forKey: .feedForward))
        frontEnd = try container.decodeIfPresent(FrontEnd.self, forKey: .frontEnd)
        timeReduction = try container.decodeIfPresent(Int.self, forKey: .timeReduction) ?? 1
        reusesAttention =
            try container.decodeIfPresent(Bool.self, forKey: .reusesAttention) ?? false
    }

    /// Writes the word where it says everything, else the parts.
    public func encode(to encoder: any Encoder) throws {
        if isTeacher || self == StudentDesign(layers: layers, width: width) {
            var container = encoder.singleValueContainer()
            try container.encode(description)
            return
        }
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(layers, forKey: .layers)
        try container.encode(width, forKey: .width)
        try container.encode(heads, forKey: .heads)
        try container.encode(feedForward, forKey: .feedForward)
        try container.encodeIfPresent(frontEnd, forKey: .frontEnd)
        if timeReduction != 1 { try container.encode(timeReduction, forKey: .timeReduction) }
        if reusesAttention { try container.encode(reusesAttention, forKey: .reusesAttention) }
    }

    /// The same kind of student in another shape; the teacher's own shape stays that.
    package func resized(to other: StudentDesign) -> StudentDesign {
        if isTeacher { return self }
        var result = self
        result.layers = other.layers
        result.width = other.width
        result.heads = other.heads
        result.feedForward = other.feedForward
        return result
    }

    /// `layers x width`, or `teacher`.
    public var description: String { isTeacher ? Self.teacherWord : "\(layers)x\(width)" }

    private static let teacherWord = "teacher"

    /// The configuration of a student of the teacher's family, with a structure where Hugging Face
    /// cannot express it.
    ///
    /// * `key`: what messages call the design.
    /// - Throws: `ObjectiveError.invalidSetting` or `ModelError.invalidConfig` for a student that the
    ///   family cannot express.
    public func config(
        like teacher: any EncoderConfig, key: String = "student"
    ) throws -> any EncoderConfig {
        let path = "\(key) \(description)"
        if isTeacher {
            let config = teacher.asStudent()
            try config.validate(path: path)
            return config
        }
        for (part, value) in [
            ("layers", layers), ("width", width), ("heads", heads), ("feed_forward", feedForward),
            ("design.time_reduction", timeReduction),
        ] where value <= 0 {
            throw ObjectiveError.invalidSetting(
                key: "\(key).\(part)", expected: "1 or more", found: "\(value)")
        }
        var config = teacher.resized(
            layers: layers, width: width, heads: heads, feedForward: feedForward
        ).asStudent()
        if let frontEnd { config = try frontEnd.applied(to: config) }
        try config.validate(path: path)
        guard timeReduction > 1 || reusesAttention else { return config }
        guard let own = config as? any StructuredConfig else {
            throw ObjectiveError.invalidSetting(
                key: "student.design",
                expected: "neither time_reduction nor reuses_attention for \(config.modelType)",
                found: "time_reduction \(timeReduction), reuses_attention \(reusesAttention)")
        }
        guard !reusesAttention || !own.hasConformerLayers else {
            throw ObjectiveError.invalidSetting(
                key: "student.design.reuses_attention",
                expected: "false for the conformer layers of \(config.modelType)", found: "true")
        }
        var structure = EncoderStructure(of: own)
        structure.timeReduction = timeReduction
        if reusesAttention {
            for index in stride(from: 1, to: layers, by: 2) {
                structure.layers[index].reusesAttention = true
            }
        }
        return try config.with(structure: structure, path: path)
    }
}

extension StudentDesign.FrontEnd {
    /// A configuration with these convolutions; norms and activation stay the teacher's.
    ///
    /// - Throws: `ObjectiveError.invalidSetting` for an encoder that has none.
    fileprivate func applied(to config: any EncoderConfig) throws -> any EncoderConfig {
        func change(_ convolutions: inout WaveformConvolutions) {
            convolutions.channels = channels
            convolutions.kernels = kernels
            convolutions.strides = strides
        }
        if var own = config as? Wav2Vec2Config {
            change(&own.frontEnd)
            return own
        }
        if var own = config as? any WaveformEncoderConfig {
            change(&own.base.frontEnd)
            return own
        }
        throw ObjectiveError.invalidSetting(
            key: "student.design.front_end",
            expected: "nothing, as \(config.modelType) has no convolutional front end",
            found: "\(channels.count) layers")
    }
}

private struct AnyKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

/// Refuses keys that nobody reads.
private func requireKnown(_ known: [String], _ decoder: any Decoder) throws {
    let given = try decoder.container(keyedBy: AnyKey.self).allKeys.map(\.stringValue)
    if let unknown = given.first(where: { !known.contains($0) }) {
        throw DecodingError.dataCorrupted(
            .init(
                codingPath: decoder.codingPath,
                debugDescription:
                    "expected the keys \(known.joined(separator: ", ")); found '\(unknown)'"))
    }
}
