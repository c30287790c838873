import Foundation
import SpeechCore
public import Torch

/// A speech encoder and a text decoder that translates what it hears: the parts of Hugging Face's
/// `SpeechEncoderDecoderModel`, or others like them.
public final class SpeechTranslator {
    /// The encoder, with an adapter of its family where it has one.
    public let encoder: any SpeechEncoder
    /// CoLLD's own adaptor between encoder and decoder, if there is one.
    public let adaptor: LengthAdaptor?
    /// The decoder.
    public let decoder: TextDecoder
    /// All parameters: `encoder.…`, `decoder.…`, and `adaptor.…` or `enc_to_dec_proj.…`.
    public let parameters: ParameterStore
    /// How texts are searched for unless something else is asked for; written with the model.
    public var search = BeamSearch()
    /// The target language's token that texts begin with unless another one is asked for
    /// (`forced_bos_token_id`); written with the model.
    public var forcedBegin: Int?
    private let projection: Linear?

    /// Joins an encoder and a decoder by new parts: the adaptor, and without one a linear map where
    /// the widths differ.
    ///
    /// * `seed`: of the new parts' first values.
    /// - Throws: `ModelError.invalidConfig` for an adaptor that cannot be built.
    public convenience init(
        encoder: any SpeechEncoder, adaptor: LengthAdaptorConfig? = nil, decoder: TextDecoder,
        seed: UInt64
    ) throws {
        try adaptor?.validate(width: decoder.config.width, path: "translation")
        let store = decoder.parameters
        self.init(
            encoder: encoder, adaptor: adaptor, decoder: decoder,
            between: ParameterStore(seed: seed, dtype: store.dtype, device: store.device))
        search.forcedEnd = decoder.config.forcedEnd
    }

    /// * `between`: reads or initialises what stands between encoder and decoder.
    init(
        encoder: any SpeechEncoder, adaptor: LengthAdaptorConfig?, decoder: TextDecoder,
        between store: ParameterStore
    ) {
        self.encoder = encoder
        self.decoder = decoder
        let (inputs, width) = (encoder.config.outputWidth, decoder.config.width)
        self.adaptor = adaptor.map {
            LengthAdaptor(store.root["adaptor"], $0, inputs: inputs, width: width)
        }
        projection =
            adaptor == nil && inputs != width
            ? Linear(store.root["enc_to_dec_proj"], inputs, width) : nil
        parameters = ParameterStore(joining: [
            (prefix: "encoder.", store: encoder.parameters),
            (prefix: "", store: store),
            (prefix: "decoder.", store: decoder.parameters),
        ])
    }

    /// Whether dropout is active.
    public var isTraining = false {
        didSet {
            encoder.isTraining = isTraining
            adaptor?.isTraining = isTraining
            decoder.isTraining = isTraining
        }
    }

    /// The type that layers compute in; parameters keep their own.
    public var precision: DType {
        get { decoder.precision }
        set {
            encoder.precision = newValue
            decoder.precision = newValue
        }
    }

    /// The start token of texts that no target language starts: `decoder_start_token_id`, or the end
    /// token, as fairseq's decoders start with.
    public var startToken: Int { decoder.config.start ?? decoder.config.end }

    /// What the decoder hears of a batch.
    ///
    /// * `masked`: [B, T] `bool`, frames that are hidden from the encoder (SpecAugment).
    /// * `request`: what else is kept from it; asks for the last hidden state.
    public func encode(
        _ input: EncoderInput, masked: Tensor? = nil, request: LayerRequest = .last
    ) -> EncodedSpeech {
        let output = encoder.encode(input, masked: masked, request: request)
        guard let states = output.lastHiddenState else {
            preconditionFailure("an encoder that leaves out its last hidden state")
        }
        if let adaptor { return adaptor(states, lengths: output.outputLengths) }
        return EncodedSpeech(
            states: projection?(states) ?? states, lengths: output.outputLengths)
    }

    /// Scores [B, L, V] of the token behind each of `tokens` [B, L], `int64`.
    public func logits(_ tokens: Tensor, _ speech: EncodedSpeech) -> Tensor {
        decoder.logits(decoder.decode(tokens, speech))
    }

    /// The best texts of each clip, the best first.
    ///
    /// * `prefixes`: what the text of each clip starts with; nil for the start token, and `forcedBegin`.
    /// * `search`: nil for the model's own.
    public func translate(
        _ input: EncoderInput, prefixes: [TargetPrefix]? = nil, search: BeamSearch? = nil
    ) -> [[TranslationHypothesis]] {
        let standard = TargetPrefix(start: [startToken], forced: forcedBegin)
        let prefixes = prefixes ?? Array(repeating: standard, count: input.batchSize)
        return withoutGradients {
            let wasTraining = isTraining
            isTraining = false
            defer { isTraining = wasTraining }
            return (search ?? self.search)(decoder, encode(input), prefixes: prefixes)
        }
    }

    /// Why the model cannot be written as Hugging Face's `SpeechEncoderDecoderModel`; nil where it can.
    public var ownFormReason: String? {
        Self.ownFormReason(
            encoder: encoder.config, hasAdaptor: adaptor != nil, decoder: decoder.config)
    }

    static func ownFormReason(
        encoder: any EncoderConfig, hasAdaptor: Bool, decoder: TextDecoderConfig
    ) -> String? {
        if hasAdaptor { return "it has a length adaptor that no class of transformers has" }
        if decoder.architecture == nil {
            return "transformers has no class for the decoder of a \(decoder.kind.rawValue) alone"
        }
        if encoder.structure != nil { return "its encoder has sizes of its own for every layer" }
        if ["whisper", "seamless_m4t_v2"].contains(encoder.baseModelType) {
            return "transformers has a \(encoder.baseModelType) encoder only in a larger model"
        }
        if encoder.outputWidth != encoder.width && encoder.outputWidth != decoder.width {
            return "transformers projects from the encoder's width \(encoder.width) only, not from "
                + "the \(encoder.outputWidth) behind its adapter"
        }
        return nil
    }
}
