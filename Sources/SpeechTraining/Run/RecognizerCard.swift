import Foundation
import SpeechCore
import SpeechModels

/// `README.md` of a fine-tuned recogniser.
struct RecognizerCard {
    /// The model that was fine-tuned, and what the command called it.
    let directory: ModelDirectory
    let name: String
    let encoder: any EncoderConfig
    let parameters: Int
    let tokens: Int
    /// Those with a tag.
    let languages: [String]
    let step: Int
    let validationLoss: Double?
    /// The mean of the languages' character error rates.
    let errorRate: Double?

    /// The card: front matter, sizes, what it reached.
    ///
    /// The licence is that of the model that was fine-tuned.
    var text: String {
        let front = ModelCard.frontMatter(of: directory)
        let base = ModelCard.publicName(of: name)
        let isOurs = encoder.structure != nil
        var lines = ["---", "library_name: \(isOurs ? "colld" : "transformers")"]
        if let licence = front["license"] { lines.append("license: \(licence)") }
        lines += [
            "base_model: \(base)", "pipeline_tag: automatic-speech-recognition", "tags:", "- colld",
            "- ctc", "- speech", "---", "",
            "# \(encoder.baseModelType) recogniser, \(encoder.layerCount)x\(encoder.width)", "",
            "`\(base)` fine-tuned for recognition with CTC, \(tokens) tokens."
                + (languages.isEmpty
                    ? "" : " Texts begin with a tag of their language: \(tagged)."),
            "",
        ]
        lines += ModelCard.table(
            of: encoder, parameters: parameters, step: step, validationLoss: validationLoss)
        if let errorRate {
            let percent = String(format: "%.2f %%", 100 * errorRate)
            lines.append("| validation CER, mean of languages | \(percent) |")
        }
        if isOurs {
            lines += [
                "",
                "Its layers have sizes that Hugging Face's configurations cannot express: `colld` "
                    + "reads it, `transformers` does not.",
            ]
        }
        if front["license"] == nil {
            lines += ["", "The directory of `\(base)` states no licence; its licence holds."]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private var tagged: String { languages.map { "`[\($0)]`" }.joined(separator: ", ") }
}
