import Foundation
import SpeechCore
import SpeechModels

/// `encode.json`: what the results in a folder were made with.
///
/// A folder holds results of the same settings only; what differs in nothing but speed (device,
/// threads, size of batches) is not among them.
struct EncodeSettings: Codable, Equatable {
    /// The version of this file's layout.
    var version = 1
    /// The model as it was named; the fingerprint decides.
    var model: String
    /// Of configuration, weights and preprocessing.
    var modelFingerprint: String
    /// `all`, `last` or numbers.
    var layers: String
    /// Whether feed-forward features are written.
    var ffn: Bool
    /// Whether a recogniser's logits are written.
    var logits: Bool
    /// The language whose adapter was used; empty for the checkpoint's own.
    var language: String
    /// `fp32`, `bf16` or `fp16`.
    var precision: String
    /// `safetensors` or `npy`.
    var format: String
    /// The type of stored values.
    var dtype: String
    /// Of the samples that the index counts, in hertz.
    var samplingRate: Int

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case version, model, layers, ffn, logits, language, precision, format, dtype
        case modelFingerprint = "model_fingerprint"
        case samplingRate = "sampling_rate"
    }

    /// Reads a folder's settings.
    ///
    /// - Throws: `EncodeError.foreignSettings` for a file that holds something else.
    static func read(from url: URL) throws -> EncodeSettings {
        do {
            return try JSONDecoder().decode(Self.self, from: Data(contentsOf: url))
        } catch {
            throw EncodeError.foreignSettings(path: url.path, reason: "\(error)")
        }
    }

    func write(to url: URL) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try AtomicFile.write(encoder.encode(self) + Data("\n".utf8), to: url)
    }

    /// What is different in other settings, each with its name; a model is what its fingerprint says.
    func differences(to other: EncodeSettings) -> [String] {
        var changes: [String] = []
        func compare(_ key: CodingKeys, _ stored: some Equatable, _ found: some Equatable) {
            let (stored, found) = ("\(stored)", "\(found)")
            if stored != found {
                changes.append("\(key.rawValue): expected \(stored); found \(found)")
            }
        }
        compare(.version, version, other.version)
        if modelFingerprint != other.modelFingerprint {
            changes.append(
                "model: expected '\(model)' with the fingerprint \(modelFingerprint); found "
                    + "'\(other.model)' with \(other.modelFingerprint)")
        }
        compare(.layers, layers, other.layers)
        compare(.ffn, ffn, other.ffn)
        compare(.logits, logits, other.logits)
        compare(.language, language, other.language)
        compare(.precision, precision, other.precision)
        compare(.format, format, other.format)
        compare(.dtype, dtype, other.dtype)
        compare(.samplingRate, samplingRate, other.samplingRate)
        return changes
    }
}

extension Fingerprint {
    /// Of everything that outputs depend on: configuration, weights and preprocessing.
    static func ofOutputs(_ model: LoadedModel) -> String {
        var fingerprint = Fingerprint()
        fingerprint.add(Fingerprint.of(model).utf8)
        fingerprint.add(model.directory.preprocessorData ?? Data())
        return fingerprint.text
    }
}
