extension Wav2Vec2Dialect {
    /// UniSpeech-SAT.
    public static let uniSpeechSAT = Wav2Vec2Dialect(
        modelType: "unispeech-sat", architecture: "UniSpeechSatModel",
        keys: [.frontEndNorm, .normOrder])
}

extension EncoderFamily {
    /// UniSpeech-SAT: wav2vec 2.0's network, trained to tell speakers apart, too.
    public static let uniSpeechSAT = wav2Vec2(
        .uniSpeechSAT, prefixes: ["unispeech_sat."],
        ignored: [
            "quantizer.", "project_hid.", "project_q.", "speaker_proj.",
            "label_embeddings_concat", "masked_spec_embed",
        ])
}
