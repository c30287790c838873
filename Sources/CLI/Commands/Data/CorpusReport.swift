import Foundation
import SpeechAudio
import SpeechCore

/// What was made, by language and split.
struct CorpusReport: Encodable {
    struct Part: Encodable {
        var utterances = 0
        var seconds = 0.0
    }

    struct Language: Encodable {
        let language: String
        /// By the name of the split.
        var splits: [String: Part] = [:]
    }

    let folder: String
    let manifests: [String]
    let languages: [Language]
    let utterances: Int
    let seconds: Double
    let keptUtterances: Int

    private enum CodingKeys: String, CodingKey {
        case folder, manifests, languages, utterances, seconds
        case keptUtterances = "kept_utterances"
    }

    /// Counts what the manifests hold.
    init(_ summary: CorpusSynthesizer.Summary, folder: URL) throws {
        self.folder = folder.path
        let splits = CorpusDesign.Split.allCases.compactMap { split in
            summary.parts[split].map { (split.rawValue, $0) }
        }
        manifests = splits.map(\.1.manifest.path)
        var languages: [Language] = []
        for (split, part) in splits {
            for utterance in try JSONLinesManifest.read(part.manifest) {
                let code = utterance.lang ?? ""
                if !languages.contains(where: { $0.language == code }) {
                    languages.append(Language(language: code))
                }
                guard let index = languages.firstIndex(where: { $0.language == code }) else {
                    continue
                }
                languages[index].splits[split, default: Part()].utterances += 1
                languages[index].splits[split, default: Part()].seconds += utterance.duration
            }
        }
        self.languages = languages
        utterances = splits.reduce(0) { $0 + $1.1.utterances }
        seconds = splits.reduce(0) { $0 + $1.1.seconds }
        keptUtterances = summary.keptUtterances
    }

    var text: String {
        let splits = CorpusDesign.Split.allCases.map(\.rawValue)
        func cells(_ part: Part?) -> [String] {
            part.map { [String($0.utterances), SynthesisDisplay.clock($0.seconds)] } ?? ["-", "-"]
        }
        func sum(_ parts: [Part]) -> Part {
            parts.reduce(into: Part()) { total, part in
                total.utterances += part.utterances
                total.seconds += part.seconds
            }
        }
        var rows = [["language"] + (splits + ["all"]).flatMap { [$0, "length"] }]
        for language in languages {
            rows.append(
                [language.language] + splits.flatMap { cells(language.splits[$0]) }
                    + cells(sum(Array(language.splits.values))))
        }
        rows.append(
            ["total"]
                + splits.flatMap { split in cells(sum(languages.compactMap { $0.splits[split] })) }
                + cells(Part(utterances: utterances, seconds: seconds)))
        let table = TextTable(
            rows, alignment: [.left] + Array(repeating: .right, count: rows[0].count - 1),
            ruledBefore: [1, rows.count - 1])
        let kept = keptUtterances > 0 ? "\n\(keptUtterances) utterances were there already" : ""
        return table.text + "\n\n" + manifests.joined(separator: "\n") + kept
    }
}
