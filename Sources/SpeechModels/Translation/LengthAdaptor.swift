public import SpeechCore
public import Torch

/// The sizes of a length adaptor of CoLLD's own.
public struct LengthAdaptorConfig: Codable, Equatable, Sendable {
    /// The two designs, both eight times shorter.
    public enum Kind: String, ConfigChoice {
        /// Three gated convolutions of stride 2 (XLS-R, arXiv 2111.09296; fairseq's
        /// `xm_transformer.py`).
        case convolutions
        /// Half a feed-forward network, and a Transformer layer that gated convolutions of stride 8
        /// shorten (UnitY and SeamlessM4T, arXiv 2308.11596; `adaptor_block.py`).
        case transformer
    }

    /// The design.
    public var kind: Kind
    /// The number of layers.
    public var layers: Int
    /// Frames that a convolution sees.
    public var kernel: Int
    /// Frames that become one in a layer.
    public var stride: Int
    /// Attention heads of the Transformer layer.
    public var heads: Int
    /// Units of the feed-forward networks; nil for four times the width.
    public var feedForward: Int?
    /// Dropout of the Transformer layer.
    public var dropout: Double

    private enum CodingKeys: String, CodingKey {
        case kind, layers, kernel, stride, heads, dropout
        case feedForward = "feed_forward"
    }

    /// The design as its source has it.
    public init(_ kind: Kind) {
        self.kind = kind
        let isTransformer = kind == .transformer
        layers = isTransformer ? 1 : 3
        kernel = isTransformer ? 8 : 3
        stride = isTransformer ? 8 : 2
        heads = 16
        dropout = isTransformer ? 0.1 : 0
    }

    /// Reads a section of a configuration; missing keys are as the design's source has them.
    public init(from decoder: any Decoder) throws {
        let c = try decoder.container(keyedBy: CodingKeys.self)
        self.init(try c.decode(Kind.self, forKey: .kind))
        layers = try c.decodeIfPresent(Int.self, forKey: .layers) ?? layers
        kernel = try c.decodeIfPresent(Int.self, forKey: .kernel) ?? kernel
        stride = try c.decodeIfPresent(Int.self, forKey: .stride) ?? stride
        heads = try c.decodeIfPresent(Int.self, forKey: .heads) ?? heads
        feedForward = try c.decodeIfPresent(Int.self, forKey: .feedForward)
        dropout = try c.decodeIfPresent(Double.self, forKey: .dropout) ?? dropout
    }

    /// Checks the sizes for an adaptor of that width.
    ///
    /// - Throws: `ModelError.invalidConfig` naming the key.
    public func validate(width: Int, path: String) throws {
        let check = ConfigCheck(path: path)
        try check.positive("adaptor.layers", layers, limit: 64)
        try check.positive("adaptor.stride", stride, limit: 1 << 10)
        // A clip of one frame must give one.
        let limit = kind == .transformer ? 1 + 2 * (stride / 2) : 3
        try check.positive("adaptor.kernel", kernel, limit: limit)
        try check.fraction("adaptor.dropout", dropout)
        guard kind == .transformer else { return }
        try check.positive("adaptor.heads", heads)
        try check.require(
            width.isMultiple(of: heads), "adaptor.heads",
            "a divisor of the decoder's width \(width)",
            heads)
        if let feedForward { try check.positive("adaptor.feed_forward", feedForward) }
    }
}

/// Shortens what a speech encoder says to the rate of a text, in the width of the decoder.
///
/// Where widths differ a linear map and a norm come first. Padded frames are zeroed before every
/// convolution and never attended to, so that a clip is adapted as if alone.
public final class LengthAdaptor {
    private struct Transformer {
        let innerNorm, norm: LayerNorm
        let feedForward: FeedForward
        let layers: [W2VBertAdapterLayer]
    }

    /// The sizes.
    public let config: LengthAdaptorConfig
    /// Whether dropout is active.
    public var isTraining = false
    private let projection: (linear: Linear, norm: LayerNorm)?
    private let convolutions: Wav2Vec2Adapter?
    private let transformer: Transformer?
    private let shorten: (Int) -> Int

    /// * `inputs`: D, the width of the encoder's output.
    /// * `width`: O, the width of the decoder.
    public init(_ scope: ParameterScope, _ config: LengthAdaptorConfig, inputs: Int, width: Int) {
        self.config = config
        switch config.kind {
        case .convolutions:
            let shape = Wav2Vec2Adapter.Shape(
                inputs: inputs, width: width, layers: config.layers, kernel: config.kernel,
                stride: config.stride)
            projection = nil
            convolutions = Wav2Vec2Adapter(scope, shape)
            transformer = nil
            shorten = shape.shortened
        case .transformer:
            let units = config.feedForward ?? 4 * width
            let shape = W2VBertAdapterLayer.Shape(
                width: width, heads: config.heads, kernel: config.kernel, stride: config.stride,
                feedForward: units, activation: .relu, attentionDropout: config.dropout,
                dropout: config.dropout, epsilon: 1e-5)
            func norm(_ name: String) -> LayerNorm {
                LayerNorm(scope[name], width, epsilon: 1e-5)
            }
            projection =
                inputs == width
                ? nil : (Linear(scope["proj"], inputs, width), norm("proj_layer_norm"))
            transformer = Transformer(
                innerNorm: norm("inner_layer_norm"), norm: norm("layer_norm"),
                feedForward: FeedForward(
                    scope["intermediate_ffn"], width: width, units: units, activation: .relu,
                    dropout: config.dropout),
                layers: (0..<config.layers).map {
                    W2VBertAdapterLayer(scope["layers"][$0], shape)
                })
            convolutions = nil
            shorten = shape.shortened
        }
    }

    /// The frames that become of `frames`.
    public func outputLength(_ frames: Int) -> Int {
        (0..<config.layers).reduce(frames) { length, _ in shorten(length) }
    }

    /// [B, T, D] to [B, T', O].
    ///
    /// * `lengths`: valid frames of each clip.
    public func callAsFunction(_ x: Tensor, lengths: [Int]) -> EncodedSpeech {
        let outputLengths = lengths.map(outputLength)
        if let convolutions {
            return EncodedSpeech(
                states: convolutions(x, lengths: lengths), lengths: outputLengths)
        }
        guard let transformer else { preconditionFailure("an adaptor without layers") }
        var x = x
        var lengths = lengths
        if let projection { x = projection.norm(projection.linear(x)) }
        x = transformer.innerNorm(x)
        x = x.adding(transformer.feedForward(x, isTraining: isTraining), scale: 0.5)
        for layer in transformer.layers {
            let shortened = lengths.map(shorten)
            x = layer(x, inputLengths: lengths, lengths: shortened, isTraining: isTraining)
            lengths = shortened
        }
        return EncodedSpeech(states: transformer.norm(x), lengths: outputLengths)
    }
}
