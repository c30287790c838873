import Foundation
import SpeechCore

/// Hugging Face's `config.json` for a fairseq model, checked against the tensors.
struct FairseqConfiguration {
    /// The configuration as this package reads it.
    let config: any EncoderConfig
    /// Where each tensor goes.
    let names: FairseqNames
    /// Keys of `config.json` that the encoder itself does not read.
    private let extra: [String: JSONValue]

    /// - Throws: `ConversionError`, `PickleError` or `ModelError` for what cannot be converted.
    init(_ model: FairseqModel, _ tensors: PickleCheckpoint, path: String) throws {
        let masks = try Masks(model)
        let names = FairseqNames(
            kind: model.kind, isRecognizer: model.recognizer != nil,
            hasPositionalBatchNorm: try model.flag("conv_pos_batch_norm"),
            keepsMaskEmbedding: masks.areUsed)
        try FairseqShapes(tensors, names).check(model)
        let object = try Self.keys(model, masks)
        config = try model.kind.family.config(
            from: Data(JSONValue.object(object).text().utf8), path: path)
        self.names = names
        extra = try Self.extra(model, masks, tensors)
    }

    /// `config.json` with sorted keys.
    ///
    /// - Throws: nothing in practice; every value of a configuration can be encoded.
    func object(architecture: String) throws -> JSONObject {
        guard case .object(var object) = try JSONValue(parsing: ModelWriter.configData(config))
        else { return JSONObject() }
        for (key, value) in extra { object[key] = value }
        object["architectures"] = .array([.string(architecture)])
        return object
    }

    /// When frames and channels are masked in training.
    private struct Masks {
        let time: Double
        let channels: Double
        let isApplied: Bool

        /// A recognizer has its own; it may train without any.
        init(_ model: FairseqModel) throws {
            time = try model.number("mask_prob")
            channels = try model.number("mask_channel_prob")
            isApplied = try model.recognizer.map { try $0.bool("apply_mask") ?? false } ?? true
        }

        /// Whether `transformers` makes a vector for masked frames.
        var areUsed: Bool { time > 0 || channels > 0 }
    }

    private static func keys(_ model: FairseqModel, _ masks: Masks) throws -> JSONObject {
        let layers = try model.convolutions().layers
        let hasLayerNorm = try model.hasLayerNormFrontEnd()
        let isPreNorm = try model.isPreNorm()
        let positions = try model.positions()
        func column(_ index: Int) -> JSONValue { .array(layers.map { .integer($0[index]) }) }
        var object = JSONObject()
        object["model_type"] = .string(model.kind.family.modelType)
        object["hidden_size"] = .integer(try model.size("encoder_embed_dim"))
        object["num_hidden_layers"] = .integer(try model.size("encoder_layers"))
        object["num_attention_heads"] = .integer(try model.size("encoder_attention_heads"))
        object["intermediate_size"] = .integer(try model.size("encoder_ffn_embed_dim"))
        object["hidden_act"] = .string(try model.activation())
        object["conv_dim"] = column(0)
        object["conv_kernel"] = column(1)
        object["conv_stride"] = column(2)
        object["conv_bias"] = .bool(try model.flag("conv_bias"))
        object["num_conv_pos_embedding_groups"] = .integer(
            try model.encoder.integer("conv_pos_groups", in: 1...1 << 12) ?? 16)
        switch model.kind {
        case .data2Vec:
            guard hasLayerNorm else {
                throw model.wrong("extractor_mode", "layer_norm as data2vec has", "'default'")
            }
            guard !isPreNorm else {
                throw model.wrong("layer_norm_first", "false as data2vec has", "true")
            }
            object["conv_pos_kernel_size"] = .integer(positions.taps)
            object["num_conv_pos_embeddings"] = .integer(positions.layers)
        case .wav2Vec2, .hubert:
            object["feat_extract_norm"] = .string(hasLayerNorm ? "layer" : "group")
            object["do_stable_layer_norm"] = .bool(isPreNorm)
            object["num_conv_pos_embeddings"] = .integer(positions.taps)
        }
        if model.kind == .hubert {
            object["conv_pos_batch_norm"] = .bool(try model.flag("conv_pos_batch_norm"))
        } else if try model.flag("conv_pos_batch_norm") {
            throw model.wrong("conv_pos_batch_norm", "false but in HuBERT", "true")
        }
        if try model.flag("quantize_input") {
            throw model.wrong("quantize_input", "false: the encoder reads features", "true")
        }
        object["hidden_dropout"] = .number(try model.number("dropout"))
        object["attention_dropout"] = .number(try model.number("attention_dropout"))
        object["activation_dropout"] = .number(try model.number("activation_dropout"))
        object["feat_proj_dropout"] = .number(try model.number("dropout_input"))
        object["apply_spec_augment"] = .bool(masks.isApplied)
        object["mask_time_prob"] = .number(masks.time)
        object["mask_feature_prob"] = .number(masks.channels)
        return object
    }

    private static func extra(
        _ model: FairseqModel, _ masks: Masks, _ tensors: PickleCheckpoint
    ) throws -> [String: JSONValue] {
        var extra: [String: JSONValue] = [
            "layerdrop": .number(
                try model.number("encoder_layerdrop", recognizerKey: "layerdrop")),
            "final_dropout": .number(try model.number("final_dropout")),
        ]
        for (key, stored) in [
            ("mask_time_length", "mask_length"), ("mask_feature_length", "mask_channel_length"),
        ] {
            let length = try model.number(stored)
            extra[key] = .integer((1...1_000_000).contains(length) ? Int(length) : 10)
        }
        if model.recognizer != nil {
            // fairseq's blank is <s>, the first symbol; Hugging Face's is called <pad>.
            for (key, id) in [("pad_token_id", 0), ("bos_token_id", 1), ("eos_token_id", 2)] {
                extra[key] = .integer(id)
            }
            let symbols = tensors.entry("w2v_encoder.proj.bias")?.shape.first
            guard let symbols else {
                throw model.wrong("w2v_encoder.proj", "a head for recognition", "nothing")
            }
            extra["vocab_size"] = .integer(symbols)
        }
        return extra
    }
}

/// The sizes that the tensors have, beside those that the settings tell.
private struct FairseqShapes {
    private let shapes: [String: [Int]]

    init(_ tensors: PickleCheckpoint, _ names: FairseqNames) {
        shapes = tensors.names.reduce(into: [:]) { shapes, stored in
            guard let name = names.encoderName(of: stored), let entry = tensors.entry(stored) else {
                return
            }
            shapes[String(name)] = entry.shape
        }
    }

    /// Compares what both tell; whatever else does not fit is found when the model is built.
    ///
    /// - Throws: `ConversionError.wrongSetting` naming fairseq's key.
    func check(_ model: FairseqModel) throws {
        func compare(_ key: String, _ told: Int, _ found: Int?, _ tensor: String) throws {
            guard let found else { throw model.wrong(key, "the tensor '\(tensor)'", "none") }
            guard told == found else {
                throw model.wrong(key, "\(found) as '\(tensor)' has", "\(told)")
            }
        }
        func compareSize(_ key: String, _ tensor: String, _ dimension: Int, _ told: Int) throws {
            let shape = shapes[tensor] ?? []
            try compare(key, told, dimension < shape.count ? shape[dimension] : nil, tensor)
        }
        let width = try model.size("encoder_embed_dim")
        try compareSize("encoder_embed_dim", "encoder.layer_norm.weight", 0, width)
        try compare(
            "encoder_layers", try model.size("encoder_layers"), count("encoder.layers."),
            "encoder.layers.*")
        try compareSize(
            "encoder_ffn_embed_dim", "encoder.layers.0.fc1.weight", 0,
            try model.size("encoder_ffn_embed_dim"))
        try checkFrontEnd(model, compare, compareSize)
        try checkPositions(model, width, compareSize)
    }

    /// One more than the largest number behind a prefix.
    private func count(_ prefix: String) -> Int {
        let numbers = shapes.keys.lazy.filter { $0.hasPrefix(prefix) }
            .compactMap { Int($0.dropFirst(prefix.count).prefix { $0 != "." }) }
        return (numbers.max() ?? -1) + 1
    }

    private func checkFrontEnd(
        _ model: FairseqModel, _ compare: (String, Int, Int?, String) throws -> Void,
        _ compareSize: (String, String, Int, Int) throws -> Void
    ) throws {
        let key = "conv_feature_layers"
        let scope = "feature_extractor.conv_layers."
        let layers = try model.convolutions().layers
        try compare(key, layers.count, count(scope), "\(scope)*")
        for (index, layer) in layers.enumerated() {
            try compareSize(key, "\(scope)\(index).0.weight", 0, layer[0])
            try compareSize(key, "\(scope)\(index).0.weight", 2, layer[1])
        }
        let hasBias = shapes["\(scope)0.0.bias"] != nil
        guard try model.flag("conv_bias") == hasBias else {
            throw model.wrong("conv_bias", "\(hasBias) as the tensors have", "\(!hasBias)")
        }
        let hasLayerNorm = shapes["\(scope)0.2.1.weight"] != nil
        guard try model.hasLayerNormFrontEnd() == hasLayerNorm else {
            let (expected, found) =
                hasLayerNorm ? ("layer_norm", "default") : ("default", "layer_norm")
            throw model.wrong(
                "extractor_mode", "'\(expected)' as the tensors have", "'\(found)'")
        }
    }

    private func checkPositions(
        _ model: FairseqModel, _ width: Int,
        _ compareSize: (String, String, Int, Int) throws -> Void
    ) throws {
        let scope = "encoder.pos_conv."
        let isBatchNorm = try model.flag("conv_pos_batch_norm")
        let candidates =
            model.kind == .data2Vec
            ? ["0.0.weight"]
            : isBatchNorm
                ? ["1.weight"] : ["0.weight_v", "0.parametrizations.weight.original1"]
        let tensor = scope + (candidates.first { shapes[scope + $0] != nil } ?? candidates[0])
        try compareSize("conv_pos", tensor, 2, try model.positions().taps)
        let groups = try model.encoder.integer("conv_pos_groups", in: 1...1 << 12) ?? 16
        let channels = shapes[tensor]?.dropFirst().first ?? 0
        guard channels > 0, width / channels == groups else {
            throw model.wrong(
                "conv_pos_groups", "\(channels > 0 ? width / channels : 0) as '\(tensor)' has",
                "\(groups)")
        }
        if model.kind == .data2Vec {
            try compareSizeOfStack(model, scope)
        }
    }

    private func compareSizeOfStack(_ model: FairseqModel, _ scope: String) throws {
        let depth = try model.positions().layers
        guard depth == count(scope) else {
            throw model.wrong(
                "pos_conv_depth", "\(count(scope)) as '\(scope)*' has", "\(depth)")
        }
    }
}
