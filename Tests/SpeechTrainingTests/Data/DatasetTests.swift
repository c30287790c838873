import Foundation
import SpeechCore
import SpeechTraining
import TestSupport
import Testing

@Suite struct DatasetTests {
    private func manifest(_ folder: SpeechFolder) throws -> URL {
        let url = folder.url.appendingPathComponent("train.jsonl")
        try JSONLinesManifest.write(folder.utterances, to: url)
        return url
    }

    @Test func shortUtterancesAreDroppedAndTheRestIsCounted() throws {
        let folder = try SpeechFolder([0.3, 0.9, 1.5, 0.4, 3.6])
        let dataset = try Dataset(manifests: [manifest(folder)], config: DatasetConfig())
        #expect(try dataset.utterances().map(\.id) == ["u1", "u2", "u4"])
        #expect(dataset.count == 3)
        let report = dataset.report
        #expect(report.utterances == 3)
        expectClose(report.hours, 6.0 / 3600, within: 1e-12)
        #expect(report.languages.map(\.code) == ["de", "pl"])
        #expect(report.languages.map(\.utterances) == [2, 1])
        expectClose(report.languages.map(\.hours), [5.1 / 3600, 0.9 / 3600], within: 1e-12)
        #expect(report.dropped.map(\.id) == ["u0", "u3"])
        let reason = try #require(report.dropped.first?.reason)
        #expect(reason.contains("at least 0.5 s (dataset.min_duration)"))
        #expect(reason.contains("found 0.3 s"))
    }

    @Test func modelsCanNeedLongerUtterances() throws {
        let folder = try SpeechFolder([0.3, 0.9, 1.5])
        let dataset = try Dataset(
            manifests: [manifest(folder)], config: DatasetConfig(), minimumSamples: 16_000)
        #expect(try dataset.utterances().map(\.id) == ["u2"])
        #expect(dataset.report.dropped.count == 2)
        #expect(dataset.report.dropped.last?.reason.contains("1.0 s (what the models") == true)
    }

    @Test func nothingLongEnoughIsAnError() throws {
        let folder = try SpeechFolder([0.3, 0.4])
        let url = try manifest(folder)
        let error = expectError(DatasetError.self, containing: [url.path, "u0", "0.5", "0.3"]) {
            try Dataset(manifests: [url], config: DatasetConfig())
        }
        #expect(error?.exitStatus == .badInput)
    }

    @Test func missingFilesAreAnErrorWhenAllAreMissing() throws {
        let folder = try SpeechFolder([1, 1, 1, 1, 1])
        let url = try manifest(folder)
        for index in 0..<4 { try folder.remove(index) }
        #expect(try Dataset(manifests: [url], config: DatasetConfig()).count == 5)
        try folder.remove(4)
        let first = folder.utterances[0].audioPath
        let error = expectError(DatasetError.self, containing: [url.path, "the 5", first]) {
            try Dataset(manifests: [url], config: DatasetConfig())
        }
        #expect(error?.exitStatus == .badInput)
    }

    @Test func anEmptyOrMissingManifestIsAnError() throws {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("empty.jsonl")
            try Data("\n".utf8).write(to: url)
            expectError(ManifestError.self, containing: [url.path, "empty"]) {
                try Dataset(manifests: [url], config: DatasetConfig())
            }
            let missing = folder.appendingPathComponent("missing.jsonl")
            expectError(FileSystemError.self, containing: [missing.path]) {
                try Dataset(manifests: [missing], config: DatasetConfig())
            }
        }
    }
}

@Suite struct DatasetConfigTests {
    private func decode(_ json: String) throws -> DatasetConfig {
        try JSONDecoder().decode(DatasetConfig.self, from: Data(json.utf8))
    }

    @Test func everyKeyIsWrittenAndReadBack() throws {
        let data = try JSONEncoder().encode(DatasetConfig())
        let keys = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any]).keys
        #expect(
            Set(keys) == [
                "max_seconds", "min_duration", "max_duration", "buckets", "shuffle", "threads",
                "prefetch", "max_skipped", "max_utterances", "language_temperature",
                "corpus_weights", "shuffle_shards",
            ])
        let changed = try decode(
            """
            {"max_seconds": 12.5, "min_duration": 1, "max_duration": 9, "buckets": 3,
             "shuffle": false, "threads": 2, "prefetch": 4, "max_skipped": 0, "max_utterances": 6,
             "language_temperature": 2, "corpus_weights": [1, 0.5], "shuffle_shards": 3}
            """)
        var expected = DatasetConfig()
        expected.maxSeconds = 12.5
        expected.minDuration = 1
        expected.maxDuration = 9
        expected.buckets = 3
        expected.shuffle = false
        expected.threads = 2
        expected.prefetch = 4
        expected.maxSkipped = 0
        expected.maxUtterances = 6
        expected.languageTemperature = 2
        expected.corpusWeights = [1, 0.5]
        expected.shuffleShards = 3
        #expect(changed == expected)
        #expect(
            try JSONDecoder().decode(
                DatasetConfig.self, from: JSONEncoder().encode(changed)) == changed)
    }

    @Test func missingKeysTakeTheDefaults() throws {
        #expect(try decode("{}") == DatasetConfig())
        #expect(try decode(#"{"buckets": 4}"#).buckets == 4)
        #expect(try decode(#"{"buckets": 4}"#).maxSeconds == 60)
        #expect(throws: DecodingError.self) { try decode(#"{"max_seconds": "long"}"#) }
        try DatasetConfig().validate()
    }

    @Test(arguments: [
        ("max_seconds", "0"), ("max_seconds", "-1"), ("min_duration", "-0.1"),
        ("max_duration", "0"), ("max_duration", "0.25"), ("buckets", "0"), ("buckets", "1001"),
        ("threads", "-1"), ("threads", "1025"), ("prefetch", "0"), ("max_skipped", "-1"),
        ("max_utterances", "-1"), ("language_temperature", "0"), ("shuffle_shards", "0"),
        ("corpus_weights", "[0.0, 0.0]"), ("corpus_weights", "[1.0, -1.0]"),
    ])
    func aWrongValueIsNamed(_ key: String, _ value: String) throws {
        let config = try decode("{\"\(key)\": \(value)}")
        let error = expectError(
            DatasetError.self, containing: ["dataset.\(key): expected ", "found \(value)"]
        ) { try config.validate() }
        #expect(error?.exitStatus == .badInput)
    }

    @Test func secondsThatAreNoNumberAreRefused() {
        for value in [Double.nan, .infinity] {
            var config = DatasetConfig()
            config.maxSeconds = value
            #expect(throws: DatasetError.self) { try config.validate() }
            config = DatasetConfig()
            config.maxDuration = value
            #expect(throws: DatasetError.self) { try config.validate() }
        }
    }
}
