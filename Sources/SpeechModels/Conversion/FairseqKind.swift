/// The families of encoders that fairseq trains and Hugging Face has.
enum FairseqKind: String {
    case wav2Vec2 = "wav2vec2"
    case hubert
    case data2Vec = "data2vec_audio"

    /// The family in Hugging Face's terms.
    var family: EncoderFamily {
        switch self {
        case .wav2Vec2: .wav2Vec2
        case .hubert: .hubert
        case .data2Vec: .data2Vec
        }
    }

    /// The class of the bare encoder and of the one with a head for recognition.
    func architecture(isRecognizer: Bool) -> String {
        switch self {
        case .wav2Vec2: isRecognizer ? "Wav2Vec2ForCTC" : "Wav2Vec2Model"
        case .hubert: isRecognizer ? "HubertForCTC" : "HubertModel"
        case .data2Vec: isRecognizer ? "Data2VecAudioForCTC" : "Data2VecAudioModel"
        }
    }
}
