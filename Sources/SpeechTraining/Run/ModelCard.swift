import Foundation
import SpeechCore
import SpeechModels

/// `README.md` of a distilled student.
struct ModelCard {
    let teacher: ModelDirectory
    let teacherName: String
    let student: any EncoderConfig
    let parameters: Int
    let step: Int
    let validationLoss: Double?

    /// The card: front matter, sizes, where it came from.
    ///
    /// The licence is the teacher's.
    var text: String {
        let front = Self.frontMatter(of: teacher)
        var lines = ["---", "library_name: transformers"]
        if let licence = front["license"] { lines.append("license: \(licence)") }
        lines += [
            "base_model: \(baseModel)", "tags:", "- colld", "- distillation", "- speech", "---", "",
            "# \(student.modelType) student, \(student.layerCount)x\(student.width)", "",
            "A speech encoder distilled from `\(baseModel)` by contrastive layer-to-layer "
                + "distillation (CoLLD, arXiv 2309.07707). It is a feature extractor: fine-tune it "
                + "for recognition or translation.", "",
        ]
        lines += Self.table(
            of: student, parameters: parameters, step: step, validationLoss: validationLoss)
        if front["license"] == nil {
            lines += [
                "", "The teacher's directory states no licence; the teacher's licence holds.",
            ]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private var baseModel: String { Self.publicName(of: teacherName) }

    /// A path says nothing to others: its last part does.
    static func publicName(of reference: String) -> String {
        FileManager.default.fileExists(atPath: reference)
            ? URL(fileURLWithPath: reference).lastPathComponent : reference
    }

    /// The sizes of a trained encoder and what its training reached.
    static func table(
        of encoder: any EncoderConfig, parameters: Int, step: Int, validationLoss: Double?
    ) -> [String] {
        let rows = [
            "| | |", "|---|---|",
            "| layers | \(encoder.layerCount) |", "| width | \(encoder.width) |",
            "| attention heads | \(encoder.headCount) |",
            "| feed-forward units | \(encoder.feedForwardWidth) |",
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
