public import Foundation
import SpeechCore

/// One family of encoders: how its configuration is read and its checkpoints name tensors.
public struct EncoderFamily: Sendable {
    /// Hugging Face's `model_type`, or `colld`.
    public let modelType: String
    /// The family whose layers it has: Hugging Face's `model_type`.
    public internal(set) var baseModelType: String
    /// Prefixes that the encoder's tensors carry in larger models, such as `wav2vec2.` under a head.
    ///
    /// A name loses the first that it starts with; those of a bare encoder stay as they are.
    public let prefixes: [String]
    /// Tensors that checkpoints may hold and the encoder does not use, by the start of their names
    /// (after the prefix is gone).
    public let ignored: [String]
    /// Old spellings and what they are called today, as suffixes.
    public let renamedSuffixes: [(old: String, new: String)]
    /// Whether `lm_head` of its checkpoints is the head of a recogniser (`ForCTC`).
    var hasRecognizers = true
    let decode: @Sendable (JSONDecoder, Data) throws -> any EncoderConfig

    init(
        modelType: String, prefixes: [String], ignored: [String],
        renamedSuffixes: [(old: String, new: String)], hasRecognizers: Bool = true,
        decode: @escaping @Sendable (JSONDecoder, Data) throws -> any EncoderConfig
    ) {
        self.modelType = modelType
        baseModelType = modelType
        self.prefixes = prefixes
        self.ignored = ignored
        self.renamedSuffixes = renamedSuffixes
        self.hasRecognizers = hasRecognizers
        self.decode = decode
    }

    /// The heads that `transformers` puts on any of these encoders: recognition, classification,
    /// weighted layers, speaker vectors.
    static let heads = [
        "lm_head.", "classifier.", "projector.", "layer_weights", "tdnn.", "objective.",
        "feature_extractor.weight", "feature_extractor.bias",
    ]

    /// Every family that can be read; a new one adds its line here.
    public static let all: [EncoderFamily] = [
        .w2vBert, .wav2Vec2, .hubert, .wavLM, .uniSpeechSAT, .data2Vec,
        .wav2Vec2Conformer, .sew, .whisper, .seamlessM4Tv2,
    ]

    /// The family of a `model_type`.
    ///
    /// - Throws: `ModelError.unknownModelType`.
    public static func named(_ modelType: String, path: String) throws -> EncoderFamily {
        guard let family = all.first(where: { $0.modelType == modelType }) else {
            throw ModelError.unknownModelType(
                path: path, found: modelType, known: all.map(\.modelType) + [structuredType])
        }
        return family
    }

    /// Names that people say for a `model_type`.
    private static let spoken = [
        "w2v-bert": "wav2vec2-bert", "xls-r": "wav2vec2", "mms": "wav2vec2",
    ]

    /// The family of a `model_type`, or of what people call it; nil if there is none.
    public static func called(_ word: String) -> EncoderFamily? {
        all.first { $0.modelType == spoken[word] ?? word }
    }

    /// Reads and checks a configuration.
    ///
    /// - Throws: `ModelError.invalidConfig` naming the key.
    public func config(from data: Data, path: String) throws -> any EncoderConfig {
        do {
            let config = try decode(JSONDecoder(), data)
            try config.validate(path: path)
            return config
        } catch let error as DecodingError {
            throw Self.invalidConfig(error, path: path)
        }
    }

    static func invalidConfig(_ error: DecodingError, path: String) -> ModelError {
        func key(_ context: DecodingError.Context) -> String {
            context.codingPath.map(\.stringValue).joined(separator: ".")
        }
        switch error {
        case .typeMismatch(let type, let context):
            return .invalidConfig(
                path: path, key: key(context), expected: "\(type)", found: "another type")
        case .dataCorrupted(let context):
            return .invalidConfig(
                path: path, key: key(context), expected: "a value that this family knows",
                found: context.debugDescription)
        case .keyNotFound(let missing, _):
            return .invalidConfig(
                path: path, key: missing.stringValue, expected: "a value", found: "nothing")
        case .valueNotFound(let type, let context):
            return .invalidConfig(
                path: path, key: key(context), expected: "\(type)", found: "null")
        @unknown default:
            return .invalidConfig(
                path: path, key: "", expected: "a valid configuration", found: "\(error)")
        }
    }
}

extension EncoderFamily {
    /// The family's configuration with layer norm in the front end and before the layers, as its
    /// large public models have it.
    ///
    /// - Throws: nothing in practice; the text is complete.
    public func largeConfig() throws -> any EncoderConfig {
        let text = """
            {"model_type": "\(modelType)", "feat_extract_norm": "layer", "conv_bias": true,
             "do_stable_layer_norm": true}
            """
        return try config(from: Data(text.utf8), path: "large configuration")
    }
}
