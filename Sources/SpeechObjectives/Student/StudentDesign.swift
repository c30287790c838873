import Foundation
public import SpeechModels

/// The shape of a student: `12x384`, or its parts spelled out.
public struct StudentDesign: Codable, Equatable, Sendable {
    /// The number of layers.
    public var layers: Int
    /// The width D of the hidden states.
    public var width: Int
    /// Attention heads; width / 64 where nothing is said.
    public var heads: Int
    /// Feed-forward units; 4 · width where nothing is said.
    public var feedForward: Int

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case layers, width, heads
        case feedForward = "feed_forward"
    }

    private struct AnyKey: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
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

    /// Reads the word or the parts; missing parts follow from the width.
    public init(from decoder: any Decoder) throws {
        if let container = try? decoder.singleValueContainer(),
            let spec = try? container.decode(String.self)
        {
            do {
                try self.init(spec)
            } catch {
                throw DecodingError.dataCorruptedError(
                    in: container, debugDescription: "\(error)")
            }
            return
        }
        let known = CodingKeys.allCases.map(\.rawValue)
        let given = try decoder.container(keyedBy: AnyKey.self).allKeys.map(\.stringValue)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        if let unknown = given.first(where: { !known.contains($0) }) {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: container.codingPath,
                    debugDescription:
                        "expected the keys \(known.joined(separator: ", ")); found '\(unknown)'"))
        }
        self.init(
            layers: try container.decode(Int.self, forKey: .layers),
            width: try container.decode(Int.self, forKey: .width),
            heads: try container.decodeIfPresent(Int.self, forKey: .heads),
            feedForward: try container.decodeIfPresent(Int.self, forKey: .feedForward))
    }

    /// Writes the word where it says everything, else the parts.
    public func encode(to encoder: any Encoder) throws {
        if self == StudentDesign(layers: layers, width: width) {
            var container = encoder.singleValueContainer()
            try container.encode(description)
            return
        }
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(layers, forKey: .layers)
        try container.encode(width, forKey: .width)
        try container.encode(heads, forKey: .heads)
        try container.encode(feedForward, forKey: .feedForward)
    }

    /// The same kind of student in another shape.
    package func resized(to other: StudentDesign) -> StudentDesign {
        var result = self
        result.layers = other.layers
        result.width = other.width
        result.heads = other.heads
        result.feedForward = other.feedForward
        return result
    }

    /// `layers x width`.
    public var description: String { "\(layers)x\(width)" }

    /// The configuration of a student of the teacher's family.
    ///
    /// * `key`: what messages call the design.
    /// - Throws: `ModelError.invalidConfig` for a student that the family cannot express.
    public func config(
        like teacher: any EncoderConfig, key: String = "student"
    ) throws -> any EncoderConfig {
        for (part, value) in [
            ("layers", layers), ("width", width), ("heads", heads), ("feed_forward", feedForward),
        ] where value <= 0 {
            throw ObjectiveError.invalidSetting(
                key: "\(key).\(part)", expected: "1 or more", found: "\(value)")
        }
        let config = teacher.resized(
            layers: layers, width: width, heads: heads, feedForward: feedForward
        ).asStudent()
        try config.validate(path: "\(key) \(description)")
        return config
    }
}
