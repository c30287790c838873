import SpeechCore

/// Sizes of an encoder that Hugging Face's configurations cannot express: every layer has its own.
///
/// Pruning leaves such encoders behind, and some students are designed so. It is the section
/// `structure` of a `config.json` whose `model_type` is `colld`; see <doc:ModelsWithTheirOwnSizes>.
public struct EncoderStructure: Codable, Equatable, Sendable {
    /// The sizes of one layer.
    public struct Layer: Codable, Equatable, Sendable {
        /// `heads`: attention heads; 0 where no attention is left.
        public var heads: Int
        /// `kept_heads`: which heads of `num_attention_heads`, counted from 0 and rising, these are,
        /// where all layers share a position bias (WavLM); nil for all of them.
        public var keptHeads: [Int]?
        /// `reuses_attention`: whether the layer has no queries and keys of its own and attends as
        /// the last layer before it that has (ARMHuBERT).
        public var reusesAttention: Bool
        /// `feed_forward`: units of the feed-forward network, in a conformer of the second one; 0
        /// where none is left.
        public var feedForward: Int
        /// `first_feed_forward`: units of a conformer's first feed-forward network; 0 where none is
        /// left, nil in a Transformer.
        public var firstFeedForward: Int?
        /// `convolution_channels`: channels inside a conformer's convolution module; 0 where none is
        /// left, nil in a Transformer.
        public var convolutionChannels: Int?

        private enum CodingKeys: String, CodingKey, CaseIterable {
            case heads
            case keptHeads = "kept_heads"
            case reusesAttention = "reuses_attention"
            case feedForward = "feed_forward"
            case firstFeedForward = "first_feed_forward"
            case convolutionChannels = "convolution_channels"
        }

        /// All sizes.
        public init(
            heads: Int, keptHeads: [Int]? = nil, reusesAttention: Bool = false, feedForward: Int,
            firstFeedForward: Int? = nil, convolutionChannels: Int? = nil
        ) {
            self.heads = heads
            self.keptHeads = keptHeads
            self.reusesAttention = reusesAttention
            self.feedForward = feedForward
            self.firstFeedForward = firstFeedForward
            self.convolutionChannels = convolutionChannels
        }

        /// Reads the keys; `heads` and `feed_forward` must be there, others must not be unknown.
        public init(from decoder: any Decoder) throws {
            try decoder.requireKnown(CodingKeys.allCases.map(\.rawValue))
            let c = try decoder.container(keyedBy: CodingKeys.self)
            self.init(
                heads: try c.decode(Int.self, forKey: .heads),
                keptHeads: try c.decodeIfPresent([Int].self, forKey: .keptHeads),
                reusesAttention: try c.decodeIfPresent(Bool.self, forKey: .reusesAttention)
                    ?? false,
                feedForward: try c.decode(Int.self, forKey: .feedForward),
                firstFeedForward: try c.decodeIfPresent(Int.self, forKey: .firstFeedForward),
                convolutionChannels: try c.decodeIfPresent(
                    Int.self, forKey: .convolutionChannels))
        }
    }

    /// `layers`: from the first to the last.
    public var layers: [Layer]
    /// `head_width`: values of each attention head; heads times this need not be `hidden_size`.
    public var headWidth: Int
    /// `time_reduction`: how many frames a convolution joins into one before the first layer, with
    /// kernel and stride of that size (FitHuBERT); 1 for no such convolution.
    public var timeReduction: Int
    /// `scales_front_end`: whether the channels that come out of the convolutional front end are
    /// multiplied by fixed numbers, which pruning leaves behind (DPHuBERT).
    public var scalesFrontEnd: Bool

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case layers
        case headWidth = "head_width"
        case timeReduction = "time_reduction"
        case scalesFrontEnd = "scales_front_end"
    }

    /// All sizes.
    public init(
        layers: [Layer], headWidth: Int, timeReduction: Int = 1, scalesFrontEnd: Bool = false
    ) {
        self.layers = layers
        self.headWidth = headWidth
        self.timeReduction = timeReduction
        self.scalesFrontEnd = scalesFrontEnd
    }

    /// The sizes that a configuration without a structure gives all its layers, or its structure.
    public init(of config: some StructuredConfig) {
        self = config.structure ?? .uniform(config, isConformer: config.hasConformerLayers)
    }

    /// Reads the keys; `layers` and `head_width` must be there, others must not be unknown.
    public init(from decoder: any Decoder) throws {
        try decoder.requireKnown(CodingKeys.allCases.map(\.rawValue))
        let c = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            layers: try c.decode([Layer].self, forKey: .layers),
            headWidth: try c.decode(Int.self, forKey: .headWidth),
            timeReduction: try c.decodeIfPresent(Int.self, forKey: .timeReduction) ?? 1,
            scalesFrontEnd: try c.decodeIfPresent(Bool.self, forKey: .scalesFrontEnd) ?? false)
    }

    /// All layers as the configuration's own keys have them.
    static func uniform(_ config: some EncoderConfig, isConformer: Bool) -> EncoderStructure {
        let layer = Layer(
            heads: config.headCount, feedForward: config.feedForwardWidth,
            firstFeedForward: isConformer ? config.feedForwardWidth : nil,
            convolutionChannels: isConformer ? config.width : nil)
        return EncoderStructure(
            layers: Array(repeating: layer, count: config.layerCount),
            headWidth: config.width / config.headCount)
    }

    /// Whether a layer's attention is used by the one behind it, too.
    func sharesAttention(_ index: Int) -> Bool {
        // A layer without attention hands on what it was given.
        layers.dropFirst(index + 1).first { $0.heads > 0 }?.reusesAttention ?? false
    }
}

extension EncoderStructure {
    /// Checks all sizes against the configuration that they belong to.
    ///
    /// - Throws: `ModelError.invalidConfig` naming the key.
    func validate(for config: some StructuredConfig, path: String) throws {
        let check = ConfigCheck(path: path)
        let limit = 1 << 16
        try check.require(
            layers.count == config.layerCount, "structure.layers",
            "\(config.layerCount) as num_hidden_layers says", layers.count)
        try check.positive("structure.head_width", headWidth)
        try check.require(
            (1...64).contains(timeReduction), "structure.time_reduction", "1 to 64",
            timeReduction)
        try check.require(
            timeReduction == 1 || config.outputLength(frames: 1000) == 1000,
            "structure.time_reduction", "1 before an adapter (add_adapter)", timeReduction)
        try check.require(
            !scalesFrontEnd || config.featureExtractor == .wav2vec2, "structure.scales_front_end",
            "false without a convolutional front end", scalesFrontEnd)
        var given: Int?  // heads of the last layer with queries and keys
        for (index, layer) in layers.enumerated() {
            func require(
                _ holds: Bool, _ key: String, _ expected: String, _ found: some Any
            ) throws {
                try check.require(holds, "structure.layers.\(index).\(key)", expected, found)
            }
            func size(_ key: String, _ value: Int) throws {
                try require((0...limit).contains(value), key, "0 to \(limit)", value)
            }
            func conformerSize(_ key: String, _ value: Int?) throws {
                guard config.hasConformerLayers else {
                    return try require(
                        value == nil, key, "nothing in a Transformer layer", value ?? 0)
                }
                guard let value else {
                    return try require(false, key, "0 to \(limit)", "nothing")
                }
                try size(key, value)
            }
            try require(
                (0...limit / headWidth).contains(layer.heads), "heads",
                "0 to \(limit / headWidth)", layer.heads)
            try size("feed_forward", layer.feedForward)
            try conformerSize("first_feed_forward", layer.firstFeedForward)
            try conformerSize("convolution_channels", layer.convolutionChannels)
            if layer.reusesAttention {
                try require(
                    !config.hasConformerLayers, "reuses_attention", "false in a conformer layer",
                    true)
                try require(
                    given != nil, "reuses_attention", "a layer before it that attends", "none")
                try require(
                    layer.heads == given, "heads",
                    "\(given ?? 0) as the layer whose attention "
                        + "it reuses", layer.heads)
            } else if layer.heads > 0 {
                given = layer.heads
            }
            try validateKeptHeads(of: layer, config, require)
        }
    }

    private func validateKeptHeads(
        of layer: Layer, _ config: some StructuredConfig,
        _ require: (Bool, String, String, any Sendable) throws -> Void
    ) throws {
        let hasGate = config.sharesPositionBias && !layer.reusesAttention && layer.heads > 0
        guard let kept = layer.keptHeads else {
            return try require(
                !hasGate || layer.heads == config.headCount, "kept_heads",
                "the numbers of \(layer.heads) of \(config.headCount) heads", "nothing")
        }
        try require(
            hasGate, "kept_heads", "nothing where no position bias is shared", kept.description)
        let isRising = zip(kept, kept.dropFirst()).allSatisfy { $0 < $1 }
        try require(
            kept.count == layer.heads && isRising
                && kept.allSatisfy { (0..<config.headCount).contains($0) },
            "kept_heads", "\(layer.heads) rising numbers from 0 to \(config.headCount - 1)",
            kept.description)
    }
}

extension EncoderStructure {
    /// Multiply-accumulate operations of all Transformer layers and what joins frames before them.
    ///
    /// * `frames`: at the rate of the layers.
    func transformerProducts(width d: Int, frames: Int) -> [(part: String, count: Int)] {
        let attention = layers.reduce(0) { sum, layer in
            let inner = layer.heads * headWidth
            return sum
                + (layer.reusesAttention
                    ? 2 * d * inner + frames * inner : 4 * d * inner + 2 * frames * inner)
        }
        let units = layers.reduce(0) { $0 + $1.feedForward }
        return timeReductionProducts(width: d, frames: frames) + [
            ("feed-forward", frames * 2 * d * units), ("attention", frames * attention),
        ]
    }

    /// Of what joins frames before the first layer; nothing where nothing does.
    func timeReductionProducts(width d: Int, frames: Int) -> [(part: String, count: Int)] {
        timeReduction == 1 ? [] : [("time reduction", frames * timeReduction * d * d)]
    }
}

extension Decoder {
    /// Refuses keys that nobody reads: a model may not have parts that its reader does not know.
    ///
    /// - Throws: `DecodingError.dataCorrupted`.
    func requireKnown(_ keys: [String]) throws {
        let given = try container(keyedBy: ConfigKey.self).allKeys.map(\.stringValue).sorted()
        if let unknown = given.first(where: { !keys.contains($0) }) {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: codingPath,
                    debugDescription:
                        "expected the keys \(keys.joined(separator: ", ")); found '\(unknown)'"))
        }
    }
}
