public import SpeechCore
public import SpeechModels

/// One of the smaller encoders inside a larger one: the leading layers, channels, heads and units.
public struct SubNetwork: Hashable, Sendable, CustomStringConvertible {
    /// The sizes of one layer.
    public struct Layer: Hashable, Sendable {
        /// Attention heads.
        public var heads: Int
        /// Feed-forward units.
        public var feedForward: Int

        /// Both sizes.
        public init(heads: Int, feedForward: Int) {
            self.heads = heads
            self.feedForward = feedForward
        }
    }

    /// The width of the hidden states.
    public var width: Int
    /// From the first to the last.
    public var layers: [Layer]

    /// All sizes.
    public init(width: Int, layers: [Layer]) {
        self.width = width
        self.layers = layers
    }

    /// All layers alike.
    public init(layers: Int, width: Int, heads: Int, feedForward: Int) {
        self.width = width
        self.layers = Array(
            repeating: Layer(heads: heads, feedForward: feedForward), count: layers)
    }

    /// Whether all layers have the same sizes.
    public var isUniform: Bool { Set(layers).count == 1 }

    /// `12x384, 6 heads, 1536 units`, or the ranges of both.
    public var description: String {
        func range(_ values: [Int]) -> String {
            let (low, high) = (values.min() ?? 0, values.max() ?? 0)
            return low == high ? "\(low)" : "\(low)–\(high)"
        }
        return "\(layers.count)x\(width), \(range(layers.map(\.heads))) heads, "
            + "\(range(layers.map(\.feedForward))) units"
    }

    /// The configuration of such an encoder, plain where Hugging Face's keys can say it.
    ///
    /// - Throws: `ModelError.invalidConfig` for sizes that the family cannot have.
    public func config(within whole: any EncoderConfig) throws -> any EncoderConfig {
        let headWidth = whole.width / whole.headCount
        let first = layers[0]
        let isPlain = isUniform && first.heads * headWidth == width
        var config: any EncoderConfig = whole.resized(
            layers: layers.count, width: width,
            heads: isPlain ? first.heads : whole.headCount, feedForward: first.feedForward)
        if !isPlain {
            let ownHeads = whole.headCount
            let isConformer = (whole as? any StructuredConfig)?.hasConformerLayers ?? false
            let sharesBias = (whole as? any StructuredConfig)?.sharesPositionBias ?? false
            config = try config.with(
                structure: EncoderStructure(
                    layers: layers.map { layer in
                        .init(
                            heads: layer.heads,
                            keptHeads: sharesBias && layer.heads < ownHeads
                                ? Array(0..<layer.heads) : nil,
                            feedForward: layer.feedForward,
                            firstFeedForward: isConformer ? layer.feedForward : nil,
                            convolutionChannels: isConformer ? width : nil)
                    }, headWidth: headWidth))
        }
        try config.validate(path: "sub-network \(self)")
        return config
    }
}

/// The sub-networks that a once-for-all student is trained to be (LightHuBERT, table 1).
public struct SearchSpace: Codable, Equatable, Sendable {
    /// Numbers of layers; empty for the student's own.
    public var layers: [Int] = []
    /// Widths; empty for the student's own.
    public var widths: [Int] = []
    /// Attention heads of a layer, each of the student's own width; empty for the student's own.
    public var heads: [Int] = []
    /// Feed-forward units of a layer as multiples of the width; empty for the student's own.
    public var feedForwardRatios: [Double] = []

    private enum CodingKeys: String, CodingKey {
        case layers, widths, heads
        case feedForwardRatios = "feed_forward_ratios"
    }

    /// Only the student itself.
    public init() {}

    /// All choices.
    public init(layers: [Int], widths: [Int], heads: [Int], feedForwardRatios: [Double]) {
        self.layers = layers
        self.widths = widths
        self.heads = heads
        self.feedForwardRatios = feedForwardRatios
    }

    /// The same choices in a student of another depth and width.
    package func scaled(
        from whole: StudentDesign, to other: StudentDesign
    ) -> SearchSpace {
        func scaled(_ values: [Int], _ from: Int, _ to: Int) -> [Int] {
            Set(values.map { max(1, $0 * to / from) }).sorted()
        }
        return SearchSpace(
            layers: scaled(layers, whole.layers, other.layers),
            widths: scaled(widths, whole.width, other.width),
            heads: scaled(heads, whole.heads, other.heads), feedForwardRatios: feedForwardRatios)
    }

    /// The space with the student's own sizes where it says nothing.
    ///
    /// - Throws: `ObjectiveError.invalidSetting` for sizes that the student does not hold.
    public func resolved(for student: any EncoderConfig) throws -> SearchSpace {
        let own = Double(student.feedForwardWidth) / Double(student.width)
        let space = SearchSpace(
            layers: layers.isEmpty ? [student.layerCount] : layers.sorted(),
            widths: widths.isEmpty ? [student.width] : widths.sorted(),
            heads: heads.isEmpty ? [student.headCount] : heads.sorted(),
            feedForwardRatios: feedForwardRatios.isEmpty ? [own] : feedForwardRatios.sorted())
        func require(_ holds: Bool, _ key: String, _ expected: String, _ found: Any) throws {
            if !holds {
                throw ObjectiveError.invalidSetting(
                    key: "objective.space.\(key)", expected: expected, found: "\(found)")
            }
        }
        for (key, values, largest) in [
            ("layers", space.layers, student.layerCount), ("widths", space.widths, student.width),
            ("heads", space.heads, student.headCount),
        ] {
            try require(
                values.allSatisfy { (1...largest).contains($0) }, key,
                "1 … \(largest), the student's own", values)
        }
        try require(
            space.feedForwardRatios.allSatisfy { $0 > 0 && $0 <= own }, "feed_forward_ratios",
            "above 0, up to \(own), the student's own", space.feedForwardRatios)
        for width in space.widths {
            _ = try space.smallest(width: width).config(within: student)
        }
        return space
    }

    /// The largest one of a resolved space.
    public var largest: SubNetwork {
        uniform(layers.last!, widths.last!, heads.last!, feedForwardRatios.last!)
    }

    /// The smallest one of a resolved space.
    public var smallest: SubNetwork { smallest(width: widths[0]) }

    private func smallest(width: Int) -> SubNetwork {
        uniform(layers[0], width, heads[0], feedForwardRatios[0])
    }

    /// All sub-networks of a resolved space whose layers are alike, the smallest first.
    public var uniform: [SubNetwork] {
        layers.flatMap { layers in
            widths.flatMap { width in
                heads.flatMap { heads in
                    feedForwardRatios.map { uniform(layers, width, heads, $0) }
                }
            }
        }
    }

    private func uniform(
        _ layers: Int, _ width: Int, _ heads: Int, _ ratio: Double
    ) -> SubNetwork {
        SubNetwork(
            layers: layers, width: width, heads: heads,
            feedForward: Int((Double(width) * ratio).rounded()))
    }

    /// One at random from a resolved space: one depth and width, heads and units of each layer for
    /// itself.
    public func sample(using generator: inout SeededGenerator) -> SubNetwork {
        func pick<Value>(_ values: [Value]) -> Value {
            values[generator.uniform(below: values.count)]
        }
        let depth = pick(layers)
        let width = pick(widths)
        return SubNetwork(
            width: width,
            layers: (0..<depth).map { _ in
                .init(
                    heads: pick(heads),
                    feedForward: Int((Double(width) * pick(feedForwardRatios)).rounded()))
            })
    }
}
