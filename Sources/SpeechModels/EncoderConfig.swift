public import SpeechCore
public import Torch

/// The configuration of an encoder, read from and written as Hugging Face's `config.json`.
public protocol EncoderConfig: Codable, Equatable, Sendable {
    /// `model_type`: Hugging Face's name of the family, or `colld` with a structure.
    var modelType: String { get }
    /// Hugging Face's name of the family.
    var baseModelType: String { get }
    /// The class that `transformers` loads the bare encoder as.
    var architecture: String { get }
    /// The extractor that makes this family's input.
    var featureExtractor: FeatureExtractorConfig.Kind { get }
    /// The extractor's settings where a model directory says nothing about it.
    var standardExtractor: FeatureExtractorConfig { get }
    /// Values of one position of the input: 1 for samples, else those of a feature frame.
    var inputWidth: Int { get }
    /// Values of one frame in front of the projection: the input's own, or those of a front end.
    var featureWidth: Int { get }
    /// The start of the names of all layers' parameters, before the number.
    var layerPrefix: String { get }
    /// Starts of the names of parameters behind the layers, which the first hidden state does not need.
    var modulesBehindLayers: [String] { get }
    /// The number of layers.
    var layerCount: Int { get }
    /// The width D of the hidden states.
    var width: Int { get }
    /// Attention heads of each layer.
    var headCount: Int { get }
    /// Units of each feed-forward network.
    var feedForwardWidth: Int { get }
    /// The sizes of layers that differ from these; nil where none do.
    var structure: EncoderStructure? { get }
    /// The width of `lastHiddenState`.
    var outputWidth: Int { get }

    /// Checks that the family can build this.
    ///
    /// - Throws: `ModelError.invalidConfig` naming the key.
    func validate(path: String) throws
    /// Builds the network in a store, which reads or initialises the parameters.
    func makeEncoder(in store: ParameterStore) -> any SpeechEncoder
    /// The same family with another depth and width, everything else but a structure kept.
    func resized(layers: Int, width: Int, heads: Int, feedForward: Int) -> Self
    /// The same configuration without an adapter behind the encoder and without dropout, as a
    /// student of distillation needs it.
    func asStudent() -> Self
    /// The number of frames that an input of `length` samples or feature frames gives.
    func frameCount(inputLength length: Int) -> Int
    /// The number of frames of `lastHiddenState` for `frames` encoder frames (fewer behind an
    /// adapter).
    func outputLength(frames: Int) -> Int
    /// The number of frames of `lastHiddenState` for an input of `length` samples or feature frames.
    func outputLength(inputLength length: Int) -> Int
    /// Multiply-accumulate operations for `frames` encoder frames, by part.
    func multiplyAccumulates(inputLength: Int) -> [(part: String, count: Int)]
}

extension EncoderConfig {
    /// The defaults of the extractor's class.
    public var standardExtractor: FeatureExtractorConfig {
        FeatureExtractorConfig(kind: featureExtractor)
    }
    /// `model_type`.
    public var baseModelType: String { modelType }
    /// All layers have the same sizes.
    public var structure: EncoderStructure? { nil }
    /// The input's own.
    public var featureWidth: Int { inputWidth }
    /// `encoder.layers.`.
    public var layerPrefix: String { "encoder.layers." }
    /// Through the adapter, if there is one.
    public func outputLength(inputLength length: Int) -> Int {
        outputLength(frames: frameCount(inputLength: length))
    }
}

/// A key of `config.json`, by its own spelling.
struct ConfigKey: CodingKey, ExpressibleByStringLiteral, Equatable {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringLiteral value: String) { stringValue = value }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

extension KeyedDecodingContainer<ConfigKey> {
    /// The value of a key, or the class default where it is missing or null.
    func value<Value: Decodable>(_ key: ConfigKey, default standard: Value) throws -> Value {
        do {
            return try decodeIfPresent(Value.self, forKey: key) ?? standard
        } catch let error where !(error is DecodingError) {
            // Of a number that is not whole where one must be, the decoder says no more than that
            // the file is not valid.
            throw DecodingError.typeMismatch(
                Value.self, .init(codingPath: [key], debugDescription: "\(error)"))
        }
    }
}

/// The activation functions that configurations name.
public enum Activation: String, ConfigChoice {
    case gelu
    case geluNew = "gelu_new"
    case geluTanh = "gelu_pytorch_tanh"
    case swish
    case silu
    case relu

    /// What a matrix product can apply to its result.
    var fused: FusedActivation {
        switch self {
        case .gelu: .gelu(.exact)
        case .geluNew, .geluTanh: .gelu(.tanh)
        case .swish, .silu: .silu
        case .relu: .relu
        }
    }

    /// Element-wise.
    public func callAsFunction(_ x: Tensor) -> Tensor {
        switch self {
        case .gelu: x.gelu()
        case .geluNew, .geluTanh: x.gelu(.tanh)
        case .swish, .silu: x.silu()
        case .relu: x.relu()
        }
    }
}

/// Collects the checks that several families share.
struct ConfigCheck {
    let path: String

    func require(_ holds: Bool, _ key: String, _ expected: String, _ found: some Any) throws {
        if !holds {
            throw ModelError.invalidConfig(
                path: path, key: key, expected: expected, found: "\(found)")
        }
    }

    /// Checks a size; larger ones than any model has would not even fit into products of sizes.
    func positive(_ key: String, _ value: Int, limit: Int = 1 << 16) throws {
        try require(
            (1...limit).contains(value), key, "a positive number up to \(limit)", value)
    }

    func fraction(_ key: String, _ value: Double) throws {
        try require((0...1).contains(value), key, "a number from 0 to 1", value)
    }

    func notNegative(_ key: String, _ value: Double) throws {
        try require(value >= 0, key, "0 or more", value)
    }

    /// What the families call the dimensions that every one has.
    struct DimensionKeys {
        var layers = "num_hidden_layers"
        var width = "hidden_size"
        var heads = "num_attention_heads"
        var feedForward = "intermediate_size"
    }

    /// Layers, widths and heads, which every family has.
    func dimensions(
        of config: some EncoderConfig, keys: DimensionKeys = DimensionKeys()
    ) throws {
        try positive(keys.layers, config.layerCount, limit: 1 << 10)
        try positive(keys.width, config.width)
        try positive(keys.heads, config.headCount)
        try positive(keys.feedForward, config.feedForwardWidth)
        try require(
            config.width.isMultiple(of: config.headCount), keys.heads,
            "a divisor of \(keys.width) \(config.width)", config.headCount)
    }
}
