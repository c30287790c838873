public import Foundation
public import SpeechCore
import Torch

extension ModelWriter {
    /// Writes the files of a recogniser that `transformers` loads (`Wav2Vec2BertForCTC` and its
    /// relatives) into an existing folder; those of the tokenizer are left to the caller.
    ///
    /// * `training`: numbers that `transformers` trains with and encoders here do not know, such as
    ///   `final_dropout`, by their keys in `config.json`.
    /// - Throws: `FileSystemError` where something cannot be written.
    public static func fill(
        _ folder: URL, _ encoder: any SpeechEncoder, head: CTCHead,
        training: [(key: String, value: Double)] = [], featureExtractor: any FeatureExtractor
    ) throws {
        try AtomicFile.write(
            configText(encoder.config, head, training),
            to: folder.appendingPathComponent("config.json"))
        try AtomicFile.write(
            featureExtractor.config.jsonText,
            to: folder.appendingPathComponent("preprocessor_config.json"))
        let prefix = encoder.config.recognizerPrefix
        let tensors =
            encoder.parameters.all.map { (prefix + $0.name, $0.tensor) }
            + head.parameters.all.map { ($0.name, $0.tensor) }
        try SafetensorsWriter.write(
            tensors.map { SafetensorsEntry(name: $0.0, tensor: $0.1) },
            to: folder.appendingPathComponent("model.safetensors"))
    }

    private static func configText(
        _ config: any EncoderConfig, _ head: CTCHead, _ training: [(key: String, value: Double)]
    ) throws -> String {
        var object = try config.jsonObject()
        if config.structure == nil {
            object["architectures"] = .array([.string(config.recognizerArchitecture)])
        }
        object["vocab_size"] = .integer(head.vocabularySize)
        object["pad_token_id"] = .integer(head.config.blank)
        object["ctc_loss_reduction"] = .string(head.config.reduction.rawValue)
        object["ctc_zero_infinity"] = .bool(head.config.zeroesInfinity)
        for (key, value) in training {
            object[key] = value == value.rounded() ? .integer(Int(value)) : .number(value)
        }
        return JSONValue.object(object).text(indent: 2) + "\n"
    }
}

extension EncoderConfig {
    /// The class of the encoder with a CTC head: `Wav2Vec2BertForCTC` of `Wav2Vec2BertModel`.
    public var recognizerArchitecture: String {
        let suffix = "Model"
        precondition(architecture.hasSuffix(suffix), "\(architecture) has no recogniser")
        return architecture.dropLast(suffix.count) + "ForCTC"
    }

    /// What names of the encoder's parameters start with under a head.
    fileprivate var recognizerPrefix: String {
        EncoderFamily.all.first { $0.modelType == baseModelType }?.prefixes.first ?? ""
    }

    /// Whether the family has recognisers.
    public var hasRecognizers: Bool {
        EncoderFamily.all.first { $0.modelType == baseModelType }?.hasRecognizers ?? false
    }

    /// `config.json` as an object.
    fileprivate func jsonObject() throws -> JSONObject {
        guard case .object(let object) = try JSONValue(parsing: ModelWriter.configData(self)) else {
            preconditionFailure("a configuration is an object")
        }
        return object
    }

    /// The keys of `config.json` that the family reads, but for those that name it.
    package func keys() throws -> [String] {
        try jsonObject().keys.filter { $0 != "model_type" && $0 != "architectures" }
    }

    /// The same configuration with other values of some keys of `config.json`, such as
    /// `hidden_dropout`; keys that the family has not are passed over.
    ///
    /// - Throws: `ModelError.invalidConfig` for a value that cannot be.
    package func with(
        _ values: [(key: String, value: JSONValue)], path: String
    ) throws -> any EncoderConfig {
        var object = try jsonObject()
        for (key, value) in values where object[key] != nil { object[key] = value }
        let data = Data(JSONValue.object(object).text().utf8)
        return try EncoderFamily.of(configuration: data, path: path).config(from: data, path: path)
    }
}
