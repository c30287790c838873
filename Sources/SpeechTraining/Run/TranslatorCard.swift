import Foundation
import SpeechCore
import SpeechModels
import Torch

/// `README.md` of a translation model.
struct TranslatorCard {
    /// The model that gave the encoder, and what the command called it.
    let directory: ModelDirectory
    let name: String
    /// The checkpoint of the decoder, if there is one.
    let decoder: (directory: ModelDirectory, name: String)?
    let translator: SpeechTranslator
    /// Target languages of the training's texts.
    let languages: [String]
    let step: Int
    let validationLoss: Double?
    /// The mean of the pairs' BLEU.
    let bleu: Double?

    /// The card: front matter, sizes, what it reached.
    ///
    /// The licence is that of the encoder's model, where the decoder's has the same one.
    var text: String {
        let encoder = translator.encoder.config
        let sizes = translator.decoder.config
        let reason = translator.ownFormReason
        let parts =
            [(directory, ModelCard.publicName(of: name))]
            + (decoder.map { [($0.directory, ModelCard.publicName(of: $0.name))] } ?? [])
        let licences = parts.map { ModelCard.frontMatter(of: $0.0)["license"] }
        var lines = ["---", "library_name: \(reason == nil ? "transformers" : "colld")"]
        if let licence = licences[0] {
            let isOne = licences.allSatisfy { $0 == licence }
            lines.append("license: \(isOne ? licence : "other")")
        }
        lines.append("base_model:")
        lines += parts.map { "- \($0.1)" }
        lines += [
            "tags:", "- colld", "- speech", "- speech-translation", "---", "",
            "# \(encoder.baseModelType) translation model, \(encoder.layerCount)x\(encoder.width)",
            "",
            "The encoder of `\(parts[0].1)` with "
                + (decoder == nil ? "a new decoder" : "the decoder of `\(parts[1].1)`")
                + ", \(sizes.layerCount)x\(sizes.width), fine-tuned to translate speech into "
                + languages.map { "`\($0)`" }.joined(separator: ", ") + ".",
            "",
        ]
        lines += ModelCard.table(
            of: encoder, parameters: translator.parameters.parameterCount, step: step,
            validationLoss: validationLoss)
        if let bleu {
            lines.append(
                "| validation BLEU, mean of pairs | \(String(format: "%.2f", bleu)) |")
        }
        if let reason {
            lines += ["", "`colld` reads it, `transformers` does not: \(reason)."]
        }
        for (part, licence) in zip(parts, licences) where licence == nil {
            lines += ["", "The directory of `\(part.1)` states no licence; its licence holds."]
        }
        if licences.count > 1, let first = licences[0], let second = licences[1], first != second {
            lines += ["", "Encoder and decoder have the licences `\(first)` and `\(second)`."]
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
