import Foundation
import TestSupport
import Testing

/// A temporary folder with recordings that have transcripts, for runs of `colld finetune`.
final class FinetuneFolder {
    /// Recordings and their folder.
    let recordings: DistillFolder
    let train: URL
    let valid: URL
    var url: URL { recordings.url }
    var output: URL { recordings.output }

    /// Small and fast; whatever a machine's processor can do, it computes the same way.
    static let settings = [
        "trainer.precision=fp32", "dataset.max_seconds=6", "dataset.threads=1",
        "optimizer.lr=2e-3", "trainer.log_every=1",
        "objective.masking={time_length: 4, channel_length: 4}",
    ]

    /// What is said, by the number of the recording.
    static let texts = ["Ja ja", "nein", "eins zwei", "Öl", "ja"]

    /// Recordings of 2 to 3 s, every other one in Swahili.
    init(training: Int = 8, validation: Int = 3) throws {
        recordings = try DistillFolder(training: training, validation: validation)
        train = recordings.url.appendingPathComponent("train-text.jsonl")
        valid = recordings.url.appendingPathComponent("valid-text.jsonl")
        try write(Array(0..<training), to: train)
        try write(Array(training..<(training + validation)), to: valid)
    }

    /// Writes a manifest of some recordings, with other values where `changes` has them for one.
    func write(
        _ indices: [Int], to manifest: URL, changes: [Int: [String: Any]] = [:]
    ) throws {
        let lines = try indices.map { index in
            let text = ["text": Self.texts[index % Self.texts.count]] as [String: Any]
            return try recordings.line(index, text.merging(changes[index] ?? [:]) { $1 })
        }
        try Data(lines.joined().utf8).write(to: manifest)
    }

    /// A folder with a vocabulary of these tokens, in their order, and `tokenizer_config.json`.
    func vocabulary(
        _ tokens: [String], _ config: [String: Any] = [:], named name: String = "vocabulary"
    ) throws -> URL {
        let folder = url.appendingPathComponent(name)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let ids = Dictionary(uniqueKeysWithValues: tokens.enumerated().map { ($1, $0) })
        for (file, object) in [
            ("vocab.json", ids as [String: Any]), ("tokenizer_config.json", config),
        ] {
            try JSONSerialization.data(withJSONObject: object)
                .write(to: folder.appendingPathComponent(file))
        }
        return folder
    }

    /// The arguments of a run; later settings win.
    func arguments(
        _ settings: [String] = [], model: URL = Fixtures.model("w2vbert"), tokenizer: URL? = nil,
        validates: Bool = false, resumes: Bool = false, output: URL? = nil
    ) -> [String] {
        var arguments = [
            "finetune", "--model", model.path, "--task", "ctc", "--train", train.path, "--output",
            (output ?? self.output).path,
        ]
        if let tokenizer { arguments += ["--tokenizer", tokenizer.path] }
        if validates { arguments += ["--valid", valid.path] }
        if resumes { arguments.append("--resume") }
        return arguments + Self.settings + settings
    }
}
