public import Foundation
public import SpeechCore
import Torch

/// Writes encoders as Hugging Face model directories.
public enum ModelWriter {
    /// Writes `config.json`, `model.safetensors`, `preprocessor_config.json` and the model card.
    ///
    /// The directory is filled beside its final place and renamed, so that it is whole or absent.
    ///
    /// - Throws: `FileSystemError` where something cannot be written.
    public static func write(
        _ encoder: any SpeechEncoder, featureExtractor: any FeatureExtractor, card: String,
        to url: URL
    ) throws {
        try AtomicDirectory.write(to: url) { folder in
            try fill(folder, encoder, featureExtractor: featureExtractor)
            try AtomicFile.write(card, to: folder.appendingPathComponent("README.md"))
        }
    }

    /// Writes the files that `transformers` loads into an existing folder.
    ///
    /// - Throws: `FileSystemError` where something cannot be written.
    public static func fill(
        _ folder: URL, _ encoder: any SpeechEncoder, featureExtractor: any FeatureExtractor
    ) throws {
        try AtomicFile.write(
            configData(encoder.config), to: folder.appendingPathComponent("config.json"))
        try AtomicFile.write(
            featureExtractor.config.jsonText,
            to: folder.appendingPathComponent("preprocessor_config.json"))
        try writeWeights(encoder, to: folder.appendingPathComponent("model.safetensors"))
    }

    /// Writes all parameters and buffers under Hugging Face's names.
    ///
    /// - Throws: `FileSystemError` where the file cannot be written.
    public static func writeWeights(_ encoder: any SpeechEncoder, to url: URL) throws {
        try SafetensorsWriter.write(
            encoder.parameters.all.map { SafetensorsEntry(name: $0.name, tensor: $0.tensor) },
            to: url)
    }

    /// `config.json` with sorted keys.
    ///
    /// - Throws: nothing in practice; every value of a configuration can be encoded.
    public static func configData(_ config: any EncoderConfig) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(config) + Data("\n".utf8)
    }
}
