import Foundation
public import SpeechCore
public import Torch

extension TextDecoder {
    /// Makes a decoder with new weights.
    ///
    /// - Throws: `ModelError.invalidConfig` naming the key.
    public convenience init(
        new config: TextDecoderConfig, seed: UInt64, dtype: DType = .float32, device: Device = .cpu
    ) throws {
        try config.validate(path: "decoder")
        self.init(config, in: ParameterStore(seed: seed, dtype: dtype, device: device))
    }

    /// Reads the decoder of an NLLB, M2M-100 or mBART checkpoint; its text encoder is left out.
    ///
    /// * `reference`: a directory, or a repository name in the local Hugging Face cache.
    /// * `dtype`: what weights are converted to; normalisation parameters stay `float32`.
    /// - Throws: `ModelError`, or the errors of `ModelDirectory` and of the weights' format.
    public static func load(
        _ reference: String, dtype: DType = .float32, device: Device = .cpu
    ) throws -> TextDecoder {
        let directory = try ModelDirectory(reference)
        let type = try directory.modelType
        guard TextDecoderKind(rawValue: type) != nil else {
            throw ModelError.unknownModelType(
                path: directory.configPath, found: type,
                known: TextDecoderKind.allCases.map(\.rawValue))
        }
        let config = try TextDecoderConfig(
            data: directory.configData, path: directory.configPath)
        return try read(
            config, from: directory.openWeights(), path: directory.url.path, dtype: dtype,
            device: device)
    }

    /// Reads a decoder strictly.
    ///
    /// * `scope`: what all names of the decoder start with in a larger model.
    static func read(
        _ config: TextDecoderConfig, from weights: TensorShards, scope: String = "", path: String,
        dtype: DType, device: Device
    ) throws -> TextDecoder {
        let names = Names(weights.names, scope: scope, isTied: config.tiesEmbeddings)
        let reader = CheckpointReader(
            weights, naming: TensorNaming(name: names.name, isIgnored: { _ in false }))
        let store = ParameterStore(source: reader, dtype: dtype, device: device)
        let decoder = TextDecoder(config, in: store)
        try reader.finish(store, path: path)
        let bias = scope + "final_logits_bias"
        if weights.entry(bias) != nil, try weights.floats(bias).contains(where: { $0 != 0 }) {
            throw ModelError.weightsDoNotFit(
                path: path, problems: ["\(bias): expected zeros, found other values"])
        }
        return decoder
    }

    /// The tensors of an encoder-decoder checkpoint as `MBartForCausalLM` calls them.
    private struct Names {
        private let scope: String
        private let isTied: Bool
        /// Where the embeddings are, which checkpoints hold under up to four names.
        private let table: String?
        /// Whether the decoder's names lack `model.`, as those of a model without a head.
        private let isBare: Bool

        init(_ all: [String], scope: String, isTied: Bool) {
            self.scope = scope
            self.isTied = isTied
            let known = Set(all)
            isBare =
                known.contains { $0.hasPrefix(scope + "decoder.") }
                && !known.contains { $0.hasPrefix(scope + "model.") }
            let model = scope + (isBare ? "" : "model.")
            var places = ["shared", "decoder.embed_tokens"].map { "\(model)\($0).weight" }
            if isTied { places.append(scope + "lm_head.weight") }
            table = places.first(where: known.contains)
        }

        func name(of stored: String) -> String? {
            guard stored.hasPrefix(scope) else { return nil }
            if stored == table { return "model.decoder.embed_tokens.weight" }
            let own = stored.dropFirst(scope.count)
            if own == "lm_head.weight" { return isTied ? nil : "lm_head.weight" }
            if own == "final_logits_bias" { return nil }
            let inner = isBare ? own : own.hasPrefix("model.") ? own.dropFirst("model.".count) : own
            // The text encoder, other names of the embeddings, and tables that are computed.
            let others = [
                "encoder.", "shared.", "decoder.embed_tokens.", "decoder.embed_positions.weights",
                "decoder.version", "encoder.version",
            ]
            if others.contains(where: inner.hasPrefix) { return nil }
            return "model.\(inner)"
        }
    }
}

/// Which parameters of a decoder training changes.
public enum DecoderTraining: String, ConfigChoice {
    /// None.
    case frozen
    /// Norms and the attention to speech (LNA; Li et al., Multilingual Speech Translation with
    /// Efficient Finetuning of Pretrained Models, 2021, without the attention to the text).
    case normsAndCrossAttention = "lna"
    /// All.
    case full

    /// Whether training changes the parameter of that name.
    public func includes(_ parameter: String) -> Bool {
        switch self {
        case .frozen: false
        case .full: true
        case .normsAndCrossAttention:
            parameter.contains("layer_norm") || parameter.contains("layernorm_embedding")
                || parameter.contains(".encoder_attn.")
        }
    }
}
