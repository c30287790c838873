/// What fairseq's tensors are called in Hugging Face's models.
///
/// The correspondence is that of the conversion scripts of `transformers`
/// (`convert_wav2vec2_…`, `convert_hubert_…` and `convert_data2vec_audio_original_pytorch_checkpoint_…`),
/// with today's names of weight normalisation.
struct FairseqNames {
    /// Where a tensor goes.
    enum Place: Equatable {
        /// Part of the encoder, under this name.
        case encoder(String)
        /// Part of the head for recognition, under this name.
        case head(String)
        /// Needed for training only; the group it belongs to.
        case leftOut(String)
        /// Nothing that the family has.
        case unknown
    }

    /// The encoder inside a model for recognition.
    static let recognizerPrefix = "w2v_encoder.w2v_model."
    private static let headPrefix = "w2v_encoder.proj."

    /// Tensors that pre-training alone needs, by the first part of their names.
    private static let pretraining: Set<Substring> = [
        "quantizer", "project_q", "final_proj", "target_glu", "label_embs_concat", "_ema",
    ]

    let kind: FairseqKind
    /// Whether the encoder is part of a model for recognition.
    let isRecognizer: Bool
    /// Whether the positional convolution has batch normalisation instead of weight normalisation.
    let hasPositionalBatchNorm: Bool
    /// Whether masked frames have a vector of their own, which the configuration decides.
    let keepsMaskEmbedding: Bool

    /// The name of fairseq's tensor inside the encoder; nil outside it.
    func encoderName(of stored: String) -> Substring? {
        guard isRecognizer else { return stored[...] }
        guard stored.hasPrefix(Self.recognizerPrefix) else { return nil }
        return stored.dropFirst(Self.recognizerPrefix.count)
    }

    /// Where a tensor goes.
    func place(of stored: String) -> Place {
        if isRecognizer, stored.hasPrefix(Self.headPrefix) {
            return .head("lm_head." + stored.dropFirst(Self.headPrefix.count))
        }
        guard let name = encoderName(of: stored) else { return .unknown }
        if name == "mask_emb" {
            return keepsMaskEmbedding ? .encoder("masked_spec_embed") : .leftOut("mask_emb")
        }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        if Self.pretraining.contains(parts[0]) { return .leftOut(String(parts[0])) }
        return encoder(parts).map { .encoder($0) } ?? .unknown
    }

    private func encoder(_ parts: [Substring]) -> String? {
        let rest = parts.dropFirst().joined(separator: ".")
        switch parts[0] {
        case "post_extract_proj": return "feature_projection.projection.\(rest)"
        case "layer_norm": return "feature_projection.layer_norm.\(rest)"
        case "feature_extractor": return frontEnd(parts)
        case "encoder" where parts.count == 3 && parts[1] == "layer_norm":
            return "encoder.layer_norm.\(parts[2])"
        case "encoder" where parts.count > 3 && parts[1] == "pos_conv":
            return positions(Array(parts[2...]))
        case "encoder" where parts.count > 4 && parts[1] == "layers":
            return layer(parts[2], Array(parts[3...]))
        default: return nil
        }
    }

    /// `feature_extractor.conv_layers.<i>.0` is a convolution; its norm is `.2`, and `.2.1` between two
    /// transpositions where it is LayerNorm.
    private func frontEnd(_ parts: [Substring]) -> String? {
        guard parts.count > 4, parts[1] == "conv_layers", Int(parts[2]) != nil else { return nil }
        let layer = "feature_extractor.conv_layers.\(parts[2])"
        switch Array(parts[3...]) {
        case ["0", parts.last!]: return "\(layer).conv.\(parts.last!)"
        case ["2", parts.last!], ["2", "1", parts.last!]:
            return "\(layer).layer_norm.\(parts.last!)"
        default: return nil
        }
    }

    private func positions(_ parts: [Substring]) -> String? {
        let scope = "encoder.pos_conv_embed"
        let rest = parts.dropFirst().joined(separator: ".")
        if kind == .data2Vec {
            guard parts.count == 3, Int(parts[0]) != nil, parts[1] == "0" else { return nil }
            return "\(scope).layers.\(parts[0]).conv.\(parts[2])"
        }
        if hasPositionalBatchNorm {
            switch parts[0] {
            case "0": return "\(scope).batch_norm.\(rest)"
            case "1": return "\(scope).conv.\(rest)"
            default: return nil
            }
        }
        guard parts[0] == "0" else { return nil }
        switch rest {
        case "weight_g": return "\(scope).conv.parametrizations.weight.original0"
        case "weight_v": return "\(scope).conv.parametrizations.weight.original1"
        default: return "\(scope).conv.\(rest)"
        }
    }

    private func layer(_ index: Substring, _ parts: [Substring]) -> String? {
        guard Int(index) != nil else { return nil }
        let scope = "encoder.layers.\(index)"
        let rest = parts.dropFirst().joined(separator: ".")
        switch parts[0] {
        case "self_attn": return "\(scope).attention.\(rest)"
        case "self_attn_layer_norm": return "\(scope).layer_norm.\(rest)"
        case "fc1": return "\(scope).feed_forward.intermediate_dense.\(rest)"
        case "fc2": return "\(scope).feed_forward.output_dense.\(rest)"
        case "final_layer_norm": return "\(scope).final_layer_norm.\(rest)"
        default: return nil
        }
    }
}
