import Foundation
import SpeechAudio
public import SpeechCore
public import SpeechModels
public import Torch

/// A recogniser on its PyTorch weights: speech in, log-probabilities of tokens out.
public final class Recognizer {
    /// The model.
    public let model: LoadedModel
    /// Turns characters and tokens into each other.
    public let tokenizer: CTCTokenizer
    /// The tokens, as decoders take them.
    public let vocabulary: DecoderVocabulary
    let geometry: FrameGeometry
    let extractor: any FeatureExtractor
    private let head: CTCHead
    private let device: Device

    /// Reads a model with its head and its tokenizer.
    ///
    /// * `reference`: a directory, or a repository name in the local Hugging Face cache.
    /// * `language`: whose adapter and vocabulary to use (MMS).
    /// * `dtype`: what the encoder computes in.
    /// - Throws: `RecognitionError`, or what `ModelLoader` and `loadHead` throw.
    public init(
        _ reference: String, language: String? = nil, dtype: DType = .float32, device: Device = .cpu
    ) throws {
        guard try !Translator.canRead(reference) else {
            throw RecognitionError.translates(path: reference)
        }
        model = try RunEnvironment.building("model") {
            try ModelLoader.load(reference, language: language, dtype: dtype, device: device)
        }
        head = try model.loadHead()
        guard let tokenizer = head.tokenizer else {
            throw RecognitionError.noText(path: model.directory.url.path)
        }
        self.tokenizer = tokenizer
        self.device = device
        vocabulary = DecoderVocabulary(
            tokenizer, size: head.vocabularySize, tags: Set(tokenizer.languageTags.values))
        extractor = model.featureExtractor.independentOfBatch()
        geometry = FrameGeometry(model.encoder.config, extractor)
    }

    /// Frames of log-probabilities in a second.
    public var framesPerSecond: Double {
        Double(geometry.samplingRate) / Double(geometry.outputHop)
    }

    /// The log-probabilities of each clip, [T, V] row by row, in `float32`.
    ///
    /// - Throws: `RunError.cannotBuild` where they do not fit into memory, `EncodeError.notFinite`.
    func logProbabilities(_ clips: [ClipFeatures]) throws -> [[Float]] {
        try RunEnvironment.building("output") {
            try withoutGradients {
                let input = EncoderInput(try extractor.collate(clips), device: device)
                let output = model.encoder.encode(input)
                let logits = head(output.lastHiddenState!).to(.float32).logSoftmax(-1)
                let values = logits.floats()
                guard values.allSatisfy(\.isFinite) else {
                    throw EncodeError.notFinite(
                        tensor: "logits", precision: "\(model.encoder.precision)")
                }
                let size = logits.size(1) * logits.size(2)
                return output.outputLengths.enumerated().map { clip, frames in
                    Array(values[clip * size..<clip * size + frames * logits.size(2)])
                }
            }
        }
    }
}
