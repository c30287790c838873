import Foundation

/// What a relative of wav2vec 2.0 is called, and which of its keys the relative's class has.
///
/// Keys of another relative are neither read nor written: old files carry dead ones along.
public struct Wav2Vec2Dialect: Equatable, Sendable {
    /// Keys of `config.json` that only some relatives have.
    struct Keys: OptionSet, Sendable {
        let rawValue: Int

        /// `feat_extract_norm`.
        static let frontEndNorm = Keys(rawValue: 1)
        /// `do_stable_layer_norm`.
        static let normOrder = Keys(rawValue: 2)
        /// `add_adapter` and what belongs to it.
        static let adapter = Keys(rawValue: 4)
        /// `adapter_attn_dim`.
        static let languageAdapters = Keys(rawValue: 8)
        /// `feat_proj_layer_norm` and `conv_pos_batch_norm`.
        static let optionalNorms = Keys(rawValue: 16)
    }

    /// Hugging Face's `model_type`.
    public let modelType: String
    /// The class of the bare encoder.
    public let architecture: String
    let keys: Keys
    /// The key of the taps of the positional convolution.
    var positionalKernelKey: ConfigKey = "num_conv_pos_embeddings"

    /// wav2vec 2.0, XLS-R and MMS.
    public static let wav2Vec2 = Wav2Vec2Dialect(
        modelType: "wav2vec2", architecture: "Wav2Vec2Model",
        keys: [.frontEndNorm, .normOrder, .adapter, .languageAdapters])

    /// HuBERT.
    public static let hubert = Wav2Vec2Dialect(
        modelType: "hubert", architecture: "HubertModel",
        keys: [.frontEndNorm, .normOrder, .optionalNorms])
}

extension CodingUserInfoKey {
    /// The dialect that a `Wav2Vec2Config` is read in.
    static let wav2Vec2Dialect = CodingUserInfoKey(rawValue: "wav2Vec2Dialect")!
}

extension EncoderFamily {
    /// A family whose network and configuration are wav2vec 2.0's.
    static func wav2Vec2(
        _ dialect: Wav2Vec2Dialect, prefixes: [String], ignored: [String]
    ) -> EncoderFamily {
        EncoderFamily(
            modelType: dialect.modelType, prefixes: prefixes, ignored: heads + ignored,
            renamedSuffixes: weightNormNames
        ) { decoder, data in
            decoder.userInfo[.wav2Vec2Dialect] = dialect
            return try decoder.decode(Wav2Vec2Config.self, from: data)
        }
    }
}
