import Foundation
public import Torch

/// The decoder of NLLB, M2M-100 or mBART: scores the next token of a text that translates speech
/// (`M2M100Decoder`, `MBartDecoder` and their `lm_head`).
///
/// Parameters carry the names of `MBartForCausalLM`: `model.decoder.…` and, where the embeddings do not
/// score the tokens, `lm_head.weight`.
public final class TextDecoder {
    /// The configuration.
    public let config: TextDecoderConfig
    /// All parameters.
    public let parameters: ParameterStore
    /// The type that layers compute in.
    public var precision: DType
    /// Whether dropout is active.
    public var isTraining = false

    private let embedding: Embedding
    private let positions: Embedding?
    private let embeddingNorm: LayerNorm?
    private let layers: [TextDecoderLayer]
    private let norm: LayerNorm
    private let head: Linear?
    private let packed = PackedWeight()

    /// What mBART counts positions from, whatever its padding token is.
    private static let learnedOffset = 2

    /// Builds the network in a store, which reads or initialises the parameters.
    public init(_ config: TextDecoderConfig, in store: ParameterStore) {
        self.config = config
        parameters = store
        precision = store.dtype
        let root = store.root["model"]["decoder"]
        let initializer = Initializer.normal(standardDeviation: config.initializerRange)
        let table = Embedding(
            root["embed_tokens"], count: config.vocabularySize, width: config.width,
            initializer: initializer)
        if root.isInitializing {
            withoutGradients { table.weight.select(0, config.padding).fill(0) }
        }
        embedding = table
        let isMBart = config.kind == .mbart
        positions =
            isMBart
            ? Embedding(
                root["embed_positions"], count: config.maximumPositions + Self.learnedOffset,
                width: config.width, initializer: initializer) : nil
        if root.isInitializing, let places = positions?.weight, config.hasSinusoids {
            // Learned they are, too, but a small corpus takes long to teach them from noise.
            withoutGradients {
                places.assign(Self.sinusoids(0..<places.size(0), of: config, places.device))
            }
        }
        embeddingNorm =
            isMBart
            ? LayerNorm(root["layernorm_embedding"], config.width, epsilon: 1e-5) : nil
        layers = (0..<config.layerCount).map { TextDecoderLayer(root["layers"][$0], config) }
        norm = LayerNorm(root["layer_norm"], config.width, epsilon: 1e-5)
        head =
            config.tiesEmbeddings
            ? nil
            : Linear(
                store.root["lm_head"], config.width, config.vocabularySize, bias: false,
                initializer: initializer)
    }

    /// An empty cache for this decoder.
    public func makeCache() -> DecoderCache { DecoderCache(layers: config.layerCount) }

    /// The last hidden states [R, L, D] of tokens [R, L], `int64`.
    ///
    /// A token sees itself, those before it and all valid frames of the speech. Padding is to stand
    /// behind the text, where nothing sees it.
    ///
    /// * `speech`: of R clips, or of fewer, each of which then has R / B rows one behind the other.
    /// * `cache`: holds what came before these tokens, and them afterwards.
    public func decode(
        _ tokens: Tensor, _ speech: EncodedSpeech, cache: DecoderCache? = nil
    ) -> Tensor {
        run(tokens, speech, cache: cache) { _ in }
    }

    /// What every layer makes of tokens [R, L]: 0 is the input of the first one, i the output of layer
    /// i, each [R, L, D]; the last one is before the final norm.
    public func hiddenStates(_ tokens: Tensor, _ speech: EncodedSpeech) -> [Tensor] {
        var states: [Tensor] = []
        _ = run(tokens, speech, cache: nil) { states.append($0) }
        return states
    }

    /// Hidden states [..., D] to scores of all tokens [..., V].
    public func logits(_ hidden: Tensor) -> Tensor {
        if let head { return head(hidden) }
        let weight = embedding.weight
        return hidden.linear(
            weight.to(hidden.dtype), packed: weight.dtype == hidden.dtype ? packed : nil)
    }

    private func run(
        _ tokens: Tensor, _ speech: EncodedSpeech, cache: DecoderCache?, visit: (Tensor) -> Void
    ) -> Tensor {
        let cache = cache ?? makeCache()
        let (past, length) = (cache.length, tokens.size(1))
        precondition(
            past + length <= config.maximumLength ?? .max,
            "\(past + length) tokens; the decoder has \(config.maximumPositions) positions")
        var x = embedding(tokens).to(precision)  // [R, L, D]
        if config.scalesEmbeddings { x = x * Double(config.width).squareRoot() }
        x = x + positions(from: past, of: tokens).to(precision)
        if let embeddingNorm { x = embeddingNorm(x) }
        if isTraining { x = x.dropout(config.dropout) }
        visit(x)
        let causal = Self.causalMask(length, past: past, tokens.device)
        for (index, layer) in layers.enumerated() {
            x = layer(
                x, speech, causal: causal, cache: &cache.layers[index], isTraining: isTraining)
            visit(x)
        }
        cache.length = past + length
        return norm(x)
    }

    /// [L, past + L] `bool`, true for each token and what is before it; nil for a single token.
    private static func causalMask(_ length: Int, past: Int, _ device: Device) -> Tensor? {
        guard length > 1 else { return nil }
        let queries = Tensor.arange(past, past + length, device: device)
        let keys = Tensor.arange(0, past + length, device: device)
        return queries.unsqueeze(1).isAtLeast(keys.unsqueeze(0))
    }

    /// [L, D], or [R, L, D] where padding has no position.
    private func positions(from past: Int, of tokens: Tensor) -> Tensor {
        let length = tokens.size(1)
        if let positions {
            return positions.weight.narrow(0, past + Self.learnedOffset, length)
        }
        let start = past + config.padding + 1
        return Self.sinusoids(start..<start + length, of: config, tokens.device).unsqueeze(0)
            .filled(where: tokens.isEqual(to: config.padding).unsqueeze(2), 0)
    }

    /// [N, D] of N places: `M2M100SinusoidalPositionalEmbedding`, in the order of its operations.
    private static func sinusoids(
        _ places: Range<Int>, of config: TextDecoderConfig, _ device: Device
    ) -> Tensor {
        let half = config.width / 2
        let rate = -Foundation.log(10000.0) / Double(half - 1)
        let frequencies = (Tensor.arange(0, half, dtype: .float32, device: device) * rate).exp()
        let times = Tensor.arange(
            places.lowerBound, places.upperBound, dtype: .float32, device: device)
        let angles = times.unsqueeze(1) * frequencies.unsqueeze(0)
        return Tensor.concatenate([angles.sin(), angles.cos()], 1)
    }
}
