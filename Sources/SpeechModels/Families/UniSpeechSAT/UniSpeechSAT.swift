import Foundation

extension EncoderFamily {
    /// UniSpeech-SAT: wav2vec 2.0's network, trained to tell speakers apart, too.
    public static let uniSpeechSAT = EncoderFamily(
        modelType: "unispeech-sat", prefixes: ["unispeech_sat."],
        ignored: heads + [
            "quantizer.", "project_hid.", "project_q.", "speaker_proj.",
            "label_embeddings_concat", "masked_spec_embed",
        ],
        renamedSuffixes: weightNormNames
    ) { try $0.decode(Wav2Vec2Config.self, from: $1) }
}
