import SpeechCore
import SpeechModels

/// `README.md` of an encoder that was trained without a teacher.
struct PretrainCard {
    /// The model that training went on from, and what the command called it.
    let origin: (directory: ModelDirectory, name: String)?
    let objective: PretrainObjectiveConfig.Name
    let encoder: any EncoderConfig
    let parameters: Int
    let step: Int
    let validationLoss: Double?

    /// The card: front matter, where it came from, sizes.
    ///
    /// The licence is that of the model that training went on from; without one there is none to
    /// inherit.
    var text: String {
        let front = origin.map { ModelCard.frontMatter(of: $0.directory) } ?? [:]
        let base = origin.map { ModelCard.publicName(of: $0.name) }
        var lines = ["---", "library_name: transformers"]
        if let licence = front["license"] { lines.append("license: \(licence)") }
        if let base { lines.append("base_model: \(base)") }
        let start = base.map { "from the weights of `\($0)`" } ?? "from random weights"
        lines += [
            "tags:", "- colld", "- pretraining", "- speech", "---", "",
            "# \(encoder.modelType), \(encoder.layerCount)x\(encoder.width)", "",
            "A speech encoder pre-trained without a teacher, \(start), by \(objective.title). It is "
                + "a feature extractor: fine-tune it for recognition or translation.", "",
        ]
        lines += ModelCard.table(
            of: encoder, parameters: parameters, step: step, validationLoss: validationLoss)
        if base != nil && front["license"] == nil {
            lines += [
                "", "The directory of `\(base!)` states no licence; its licence holds.",
            ]
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
