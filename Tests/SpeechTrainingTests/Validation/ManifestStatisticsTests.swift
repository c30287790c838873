import Foundation
import SpeechCore
import SpeechTraining
import TestSupport
import Testing

@Suite("Statistics of manifests") struct ManifestStatisticsTests {
    private func line(_ duration: Double, _ keys: ValidationFolder.Line = [:]) -> String {
        ValidationFolder.json(["audio_filepath": "\"a.wav\"", "duration": "\(duration)"], keys)
    }

    @Test("lengths, characters, speakers and shares by language")
    func values() throws {
        let folder = try ValidationFolder()
        let german = (1...20).map {
            line(Double($0), ["lang": "\"de\"", "speaker": "\"s\($0 % 3)\""])
        }
        let first = try folder.manifest(
            german + [
                line(2, ["lang": "\"ru\"", "text": "\"да, да \"", "target_text": "\"yes\""]),
                line(3, ["lang": "\"ru\"", "text": "\"нет\""]), line(5, ["lang": "\"ru\""]),
                "bad", "{}",
            ])
        let second = try folder.manifest([line(0.5), line(4, ["lang": "\"de\""])], as: "n.jsonl")
        let statistics = try ManifestStatistics(of: [first, second])
        #expect(statistics.languages.map(\.language) == ["de", "ru", nil])
        #expect(statistics.badLines == 2)
        let de = statistics.languages[0]
        #expect(de.utterances == 21)
        expectClose(de.hours, 214.0 / 3600, within: 1e-12)
        let lengths = de.lengths
        #expect([lengths.minimum, lengths.median, lengths.maximum] == [1, 10, 20])
        #expect(lengths.percentile95 == 19)
        expectClose(lengths.mean, 214.0 / 21, within: 1e-12)
        #expect(de.speakers == 3)
        #expect(de.textShare == 0)
        #expect(de.characters.total == 0 && de.characters.perSecond == 0)
        let ru = statistics.languages[1]
        #expect(ru.characters.total == 8)
        #expect(ru.characters.distinct == 6)
        #expect(ru.characters.perSecond == 8.0 / 5)
        expectClose(ru.textShare, 2.0 / 3, within: 1e-12)
        expectClose(ru.targetTextShare, 1.0 / 3, within: 1e-12)
        #expect(statistics.total.utterances == 25)
        #expect(statistics.total.lengths.minimum == 0.5)
        #expect(statistics.histogramSeconds == 1)
        #expect(statistics.total.histogram.reduce(0, +) == 25)
        #expect(statistics.languages[2].histogram[0] == 1)
        #expect(ru.histogram.prefix(6) == [0, 0, 1, 1, 0, 1])
        // 20 s lie in the last step with everything longer.
        #expect(de.histogram.suffix(2) == [1, 2])
    }

    @Test("the number of threads changes nothing")
    func threads() throws {
        let folder = try ValidationFolder()
        let lines = (0..<5000).map {
            line(
                1 + Double($0 % 97) / 10,
                [
                    "lang": "\"l\($0 % 3)\"", "text": "\"text \($0 % 89)\"",
                    "speaker": "\"\($0 % 7)\"",
                ])
        }
        let manifest = try folder.manifest(lines)
        func json(_ threads: Int) throws -> Data {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            return try encoder.encode(ManifestStatistics(of: [manifest], threads: threads))
        }
        let one = try json(1)
        #expect(try json(2) == one)
        #expect(try json(4) == one)
    }

    @Test("steps of histograms are round", arguments: [(0.9, 0.05), (7, 0.5), (19, 1), (25, 2)])
    func steps(_ longest: Double, _ step: Double) throws {
        let folder = try ValidationFolder()
        let manifest = try folder.manifest([line(longest)])
        #expect(try ManifestStatistics(of: [manifest]).histogramSeconds == step)
    }

    @Test("a manifest without a line that can be read is an error")
    func nothing() throws {
        let folder = try ValidationFolder()
        expectError(ManifestError.self, containing: ["m.jsonl:1", "m.jsonl:2"]) {
            try ManifestStatistics(of: [try folder.manifest(["bad", "{}"])])
        }
        expectError(ManifestError.self, containing: ["empty"]) {
            try ManifestStatistics(of: [try folder.manifest([""])])
        }
    }
}
