import Foundation
import SpeechCore
import SpeechObjectives
import SpeechTraining
import Testing

/// The code points of a text; without a text there is no target.
private struct CodePoints: TargetSource {
    struct NoText: ReportedError {
        var description: String { "no text" }
        var exitStatus: SpeechCore.ExitStatus { .badInput }
    }

    func target(of utterance: Utterance) throws -> ClipTarget {
        guard let text = utterance.text else { throw NoText() }
        return ClipTarget(
            id: utterance.id, language: utterance.lang, text: text,
            labels: text.unicodeScalars.map { Int($0.value) })
    }

    func objection(to utterance: Utterance, isValidation: Bool) throws -> String? {
        utterance.text == "" && !isValidation ? "nothing said" : nil
    }
}

@Suite struct TargetSourceTests {
    private func index(_ folder: SpeechFolder, _ texts: [String?]) -> UtteranceIndex {
        let utterances = zip(folder.utterances, texts).map { utterance, text in
            var utterance = utterance
            utterance.text = text
            return utterance
        }
        return UtteranceIndex(
            utterances, of: folder.url.appendingPathComponent("texts.jsonl"))
    }

    @Test func labelsStandBesideTheirClips() throws {
        let durations = [0.9, 0.6, 0.8, 0.7, 1.0]
        let folder = try SpeechFolder(durations)
        var config = DatasetConfig()
        config.maxSeconds = 2
        let texts: [String?] = ["a", "bb", nil, "ccc", "é"]
        let dataset = try Dataset([index(folder, texts)], config: config)
        let sampler = BatchSampler(dataset.table, config: config, seed: 3)
        let loader = BatchLoader(
            dataset, sampler: sampler, extractors: [waveforms], targets: CodePoints(),
            endBatch: sampler.batchesPerEpoch, config: config)
        var labels: [String: [Int]] = [:]
        while let batch = try loader.next() {
            #expect(batch.targets.map(\.id) == batch.ids)
            #expect(batch.targets.map(\.language) == batch.utterances.map(\.lang))
            for target in batch.targets { labels[target.id] = target.labels }
        }
        #expect(labels == ["u0": [97], "u1": [98, 98], "u3": [99, 99, 99], "u4": [233]])
        #expect(loader.skipped.map(\.id) == ["u2"] && loader.skipped[0].reason == "no text")
    }

    @Test func withoutASourceThereAreNone() throws {
        let folder = try SpeechFolder([0.6, 0.7])
        let loader = try folder.loader(DatasetConfig(), end: 1)
        #expect(try loader.next()?.targets.isEmpty == true)
    }

    @Test func whatTheSourceObjectsToIsDropped() throws {
        let folder = try SpeechFolder([0.9, 0.2, 0.8, 0.7])
        let corpus = index(folder, ["a", "", "", "b"])
        for (isValidation, kept, dropped) in [
            (false, ["u0", "u3"], ["u2", "u1"]), (true, ["u0", "u2", "u3"], ["u1"]),
        ] {
            let dataset = try Dataset([corpus], config: DatasetConfig()) {
                try CodePoints().objection(to: $0, isValidation: isValidation)
            }
            #expect(try dataset.utterances().map(\.id) == kept)
            #expect(dataset.report.dropped.map(\.id) == dropped)
            #expect(dataset.count == kept.count && dataset.report.utterances == kept.count)
        }
        #expect {
            try Dataset([corpus], config: DatasetConfig()) { _ in "never" }
        } throws: { "\($0)".contains("never") && "\($0)".contains("too short") }
    }
}
