import Foundation
import SpeechCore
import SpeechModels

/// `README.md` of a probe.
struct ProbeCard {
    let results: ProbeResults
    /// The model that was probed.
    let directory: ModelDirectory
    /// Of the probe.
    let parameters: Int

    /// The card: front matter, what it reached, the shares of the layers.
    var text: String {
        let base = ModelCard.publicName(of: results.encoder.name)
        var lines = ["---", "library_name: colld"]
        if let licence = ModelCard.frontMatter(of: directory)["license"] {
            lines.append("license: \(licence)")
        }
        lines += [
            "base_model: \(base)", "tags:", "- colld", "- probe", "- ctc", "- speech", "---", "",
            "# \(protocolName) probe of `\(base)`", "",
            "A small network that was trained on the hidden states of `\(base)`, which stayed as it is "
                + "and is not part of this folder: it tells how much of speech they hold. "
                + "`probe.safetensors` has the network, `results.json` the figures.", "",
            "| | |", "|---|---|",
            "| encoder | \(results.encoder.modelType) \(results.encoder.layers)x"
                + "\(results.encoder.width) |",
            "| fingerprint of the encoder | `\(results.encoder.fingerprint)` |",
            "| parameters of the probe | \(String(format: "%.2f M", Double(parameters) / 1e6)) |",
            "| tokens | \(results.vocabularySize) |", "| updates | \(results.updates) |",
        ]
        lines += figures
        lines += ["", "Shares of the hidden states; 0 is what the first layer hears:", ""]
        lines += ["| layer | share |", "|---|---|"]
        lines += results.layerShares.enumerated().map {
            "| \($0.offset) | \(String(format: "%.4f", $0.element)) |"
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private var protocolName: String {
        switch results.probe {
        case .mlSuperb: "ML-SUPERB"
        case .superb: "SUPERB"
        }
    }

    /// A row for each language and one for all, a column for each figure that there is.
    private var figures: [String] {
        let columns = [
            ("cer", "CER"), ("wer", "WER"), ("language_accuracy", "language"), ("loss", "loss"),
        ].filter { results.overall[$0.0] != nil }
        guard !columns.isEmpty else { return [] }
        func row(_ name: String, _ values: [String: Double]) -> String {
            let cells = columns.map { key, _ in
                guard let value = values[key] else { return "" }
                return key == "loss"
                    ? String(format: "%.4f", value) : String(format: "%.2f %%", 100 * value)
            }
            return "| " + ([name] + cells).joined(separator: " | ") + " |"
        }
        var lines = ["", "Validation:", ""]
        lines.append("| | " + columns.map(\.1).joined(separator: " | ") + " |")
        lines.append("|---" + String(repeating: "|---", count: columns.count) + "|")
        for (language, values) in results.languages.sorted(by: { $0.key < $1.key }) {
            lines.append(row(language, values))
        }
        return lines + [row("all", results.overall)]
    }
}
