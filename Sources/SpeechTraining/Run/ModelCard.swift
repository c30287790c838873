import Foundation
import SpeechCore
import SpeechModels

/// `README.md` of a distilled student.
struct ModelCard {
    let teacher: ModelDirectory
    let teacherName: String
    let objective: ObjectiveConfig.Name
    let student: any EncoderConfig
    let parameters: Int
    let step: Int
    let validationLoss: Double?

    /// The card: front matter, sizes, where it came from.
    ///
    /// The licence is the teacher's.
    var text: String {
        let front = Self.frontMatter(of: teacher)
        var lines = ["---", "library_name: \(student.structure == nil ? "transformers" : "colld")"]
        if let licence = front["license"] { lines.append("license: \(licence)") }
        lines += [
            "base_model: \(baseModel)", "tags:", "- colld", "- distillation", "- speech", "---", "",
            "# \(student.baseModelType) student, \(student.layerCount)x\(student.width)", "",
            "A speech encoder distilled from `\(baseModel)` by \(objective.citation). It is a feature "
                + "extractor: fine-tune it for recognition or translation.", "",
        ]
        lines += Self.table(
            of: student, parameters: parameters, step: step, validationLoss: validationLoss)
        if student.structure != nil {
            lines += [
                "",
                "Its layers have sizes that Hugging Face's configurations cannot express: `colld` "
                    + "reads it, `transformers` does not.",
            ]
        }
        if front["license"] == nil {
            lines += [
                "", "The teacher's directory states no licence; the teacher's licence holds.",
            ]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private var baseModel: String { Self.publicName(of: teacherName) }

    private static func range(_ values: [Int]) -> String {
        let (least, most) = (values.min() ?? 0, values.max() ?? 0)
        return least == most ? "\(least)" : "\(least) to \(most)"
    }

    /// A path says nothing to others: its last part does.
    static func publicName(of reference: String) -> String {
        FileManager.default.fileExists(atPath: reference)
            ? URL(fileURLWithPath: reference).lastPathComponent : reference
    }

    /// The sizes of a trained encoder and what its training reached.
    static func table(
        of encoder: any EncoderConfig, parameters: Int, step: Int, validationLoss: Double?
    ) -> [String] {
        let sizes = encoder.structure?.layers
        let heads = sizes?.map(\.heads) ?? [encoder.headCount]
        let units = sizes?.map(\.feedForward) ?? [encoder.feedForwardWidth]
        let rows = [
            "| | |", "|---|---|",
            "| layers | \(encoder.layerCount) |", "| width | \(encoder.width) |",
            "| attention heads | \(range(heads)) |",
            "| feed-forward units | \(range(units)) |",
            "| parameters | \(String(format: "%.2f M", Double(parameters) / 1e6)) |",
            "| updates | \(step) |",
        ]
        guard let validationLoss else { return rows }
        return rows + ["| validation loss | \(String(format: "%.4f", validationLoss)) |"]
    }

    /// The simple keys between the first two `---` lines of a model's card.
    static func frontMatter(of directory: ModelDirectory) -> [String: String] {
        let url = directory.url.appendingPathComponent("README.md")
        guard let text = try? String(contentsOf: url, encoding: .utf8) else { return [:] }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.first == "---", let end = lines.dropFirst().firstIndex(of: "---") else {
            return [:]
        }
        var keys: [String: String] = [:]
        for line in lines[1..<end] {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2, !line.hasPrefix(" ") {
                keys[String(parts[0])] = parts[1].trimmingCharacters(in: .whitespaces)
            }
        }
        return keys
    }
}
