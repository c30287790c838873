import Foundation
import SpeechCore
import SpeechModels

/// `results.json` of a probe: which encoder it was trained on, what it reached, and how much it takes of
/// each layer.
struct ProbeResults: Encodable {
    /// The encoder, which is not copied.
    struct Encoder: Encodable {
        /// As the command named it.
        let name: String
        /// Of configuration and weights, as in `run.json`.
        let fingerprint: String
        let modelType: String
        let layers: Int
        let width: Int

        private enum CodingKeys: String, CodingKey {
            case name, fingerprint, layers, width
            case modelType = "model_type"
        }
    }

    let encoder: Encoder
    let probe: ProbeDesign
    let vocabularySize: Int
    let updates: Int
    /// Of the validation after these updates, over all languages, by name.
    let overall: [String: Double]
    /// The same by language.
    let languages: [String: [String: Double]]
    /// The share of each hidden state, that which the first layer hears at first.
    let layerShares: [Double]

    private enum CodingKeys: String, CodingKey {
        case encoder, probe, updates, overall, languages
        case vocabularySize = "vocabulary_size"
        case layerShares = "layer_shares"
    }

    /// * `figures`: by the names of `metrics/valid.jsonl`; empty without a validation.
    init(
        encoder: Encoder, probe: ProbeDesign, vocabularySize: Int, updates: Int,
        figures: [String: Double], layerShares: [Double]
    ) {
        self.encoder = encoder
        self.probe = probe
        self.vocabularySize = vocabularySize
        self.updates = updates
        self.layerShares = layerShares
        var overall: [String: Double] = [:]
        var languages: [String: [String: Double]] = [:]
        for (name, value) in figures where name != "step" && !name.hasPrefix("layer_share/") {
            let parts = name.split(separator: "/", maxSplits: 1).map { String($0) }
            if parts.count == 2 {
                languages[parts[1], default: [:]][parts[0]] = value
            } else {
                overall[name] = value
            }
        }
        self.overall = overall
        self.languages = languages
    }

    /// The file, keys sorted.
    func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self) + Data("\n".utf8)
    }
}
