import Foundation
import SpeechAudio
import SpeechCore
import SpeechTraining
import TestSupport
import Testing

@Suite struct ShardTests {
    private func write(
        _ folder: SpeechFolder, to name: String,
        _ change: (inout ShardTask.Settings) -> Void = { _ in }
    ) throws -> ShardTask.Summary {
        let manifest = folder.url.appendingPathComponent("m.jsonl")
        try JSONLinesManifest.write(folder.utterances, to: manifest)
        var settings = ShardTask.Settings(output: folder.url.appendingPathComponent(name))
        settings.shardBytes = 60_000
        change(&settings)
        return try ShardTask(settings, reporter: RunReporter(showsProgress: false)).run(manifest)
    }

    private func files(_ folder: SpeechFolder, _ name: String) throws -> [String: Data] {
        let url = folder.url.appendingPathComponent(name)
        let names = try FileManager.default.contentsOfDirectory(atPath: url.path)
        return try Dictionary(
            uniqueKeysWithValues: names.map {
                ($0, try Data(contentsOf: url.appendingPathComponent($0)))
            })
    }

    @Test func shardsHoldTheClipsAndAreReadLikeFiles() throws {
        let folder = try SpeechFolder([0.5, 1.25, 0.75, 1, 0.6])
        let summary = try write(folder, to: "s")
        #expect(summary.utterances == 5 && summary.skipped == 0)
        #expect(summary.shards > 1)
        expectClose(summary.hours, 4.1 / 3600, within: 1e-9)
        let packed = try JSONLinesManifest.read(URL(fileURLWithPath: summary.manifest))
        #expect(packed.map(\.id).sorted() == folder.utterances.map(\.id))
        #expect(packed.map(\.id) != folder.utterances.map(\.id))
        for utterance in packed {
            let original = try #require(folder.utterances.first { $0.id == utterance.id })
            #expect(utterance.lang == original.lang)
            #expect(utterance.duration == original.duration)
            #expect(utterance.audioPath.hasSuffix(".tar"))
            let samples = try AudioReader.read(utterance.audioPath, bytes: utterance.byteRange)
            #expect(try samples == AudioReader.read(original.audioPath))
        }
        // Every recording is a member of its archive, with what is known of it beside it.
        let shards = Set(packed.map(\.audioPath)).sorted()
        #expect(shards.count == summary.shards)
        for shard in shards {
            let members = try TarArchive(path: shard).members
            let own = packed.filter { $0.audioPath == shard }
            #expect(
                members.filter { $0.name.hasSuffix(".flac") }.map(\.range)
                    == own.compactMap(\.byteRange))
            for (number, utterance) in own.enumerated() {
                let json = members[2 * number + 1]
                #expect(
                    json.name
                        == members[2 * number].name.replacingOccurrences(of: ".flac", with: ".json")
                )
                let bytes = try Data(contentsOf: URL(fileURLWithPath: shard))[json.range]
                let object = try JSONSerialization.jsonObject(with: bytes) as? [String: Any]
                #expect(object?["id"] as? String == utterance.id)
                #expect(object?["duration"] as? Double == utterance.duration)
            }
        }
        // Training from shards hears what training from files hears.
        var config = DatasetConfig()
        config.shuffle = false
        func rows(_ utterances: [Utterance]) throws -> [String: [Float]] {
            let index = UtteranceIndex(utterances, of: folder.url)
            let dataset = try Dataset([index], config: config)
            let sampler = BatchSampler(dataset.table, config: config, seed: 1)
            let loader = BatchLoader(
                dataset, sampler: sampler, extractors: [waveforms],
                endBatch: sampler.batchesPerEpoch, config: config)
            var rows: [String: [Float]] = [:]
            while let batch = try loader.next() {
                let length = batch.features[0].shape[1]
                for (row, id) in batch.ids.enumerated() {
                    let valid = batch.features[0].lengths[row]
                    rows[id] = Array(
                        batch.features[0].values[row * length..<row * length + valid])
                }
            }
            return rows
        }
        #expect(try rows(packed) == rows(folder.utterances))
    }

    @Test func theSameSettingsGiveTheSameBytes() throws {
        let folder = try SpeechFolder([0.5, 1.25, 0.75, 1, 0.6, 0.9])
        _ = try write(folder, to: "one") { $0.threads = 1 }
        _ = try write(folder, to: "two") { $0.threads = 3 }
        #expect(try files(folder, "one") == files(folder, "two"))
        _ = try write(folder, to: "other") { $0.seed = 5 }
        #expect(try files(folder, "one") != files(folder, "other"))
        let kept = try write(folder, to: "kept") { $0.seed = nil }
        let ids = try JSONLinesManifest.read(URL(fileURLWithPath: kept.manifest)).map(\.id)
        #expect(ids == folder.utterances.map(\.id))
    }

    @Test func segmentsBecomeClips() throws {
        let folder = try SpeechFolder([3])
        let path = folder.utterances[0].audioPath
        let manifest = folder.url.appendingPathComponent("p.jsonl")
        try JSONLinesManifest.write(
            (0..<3).map {
                Utterance(
                    id: "a/b.c \($0)", audioPath: path, offset: Double($0) * 0.75, duration: 0.5,
                    text: "größer", targetText: "bigger", targetLang: "en")
            }, to: manifest)
        var settings = ShardTask.Settings(output: folder.url.appendingPathComponent("s"))
        settings.samplingRate = 8000
        settings.prefix = "p"
        let summary = try ShardTask(settings, reporter: RunReporter(showsProgress: false))
            .run(manifest)
        #expect(summary.shards == 1)
        let packed = try JSONLinesManifest.read(URL(fileURLWithPath: summary.manifest))
        #expect(packed.map(\.id).sorted() == ["a/b.c 0", "a/b.c 1", "a/b.c 2"])
        #expect(packed.allSatisfy { $0.offset == 0 && $0.duration == 0.5 && $0.samples == 4000 })
        #expect(packed.allSatisfy { $0.text == "größer" && $0.targetText == "bigger" })
        let info = try AudioReader.info(packed[0].audioPath, bytes: packed[0].byteRange)
        #expect(info == AudioInfo(format: .flac, samplingRate: 8000, channels: 1, frames: 4000))
        // Readers of WebDataset take a name up to its first dot for the key.
        let names = try TarArchive(path: packed[0].audioPath).members.map(\.name)
        #expect(names.allSatisfy { $0.split(separator: ".").count == 2 && !$0.contains("/") })
        #expect(Set(names).count == 6)
    }

    @Test func brokenClipsAreLeftOutAndListed() throws {
        let folder = try SpeechFolder([0.5, 0.6, 0.7])
        try folder.overwrite(1, with: [UInt8]())
        let summary = try write(folder, to: "s")
        #expect(summary.utterances == 2 && summary.skipped == 1)
        let log = try String(
            contentsOf: folder.url.appendingPathComponent("s/train.skipped.jsonl"), encoding: .utf8)
        #expect(log.contains(#""id":"u1""#) && log.contains("empty"))
        for index in [0, 2] { try folder.remove(index) }
        let error = expectError(DatasetError.self, containing: ["u0", "does not exist"]) {
            try write(folder, to: "none")
        }
        #expect(error?.exitStatus == .badInput)
        #expect(try files(folder, "none").keys.sorted() == ["train.skipped.jsonl"])
    }

    @Test func otherShardsAreNotMixedWithNewOnes() throws {
        let folder = try SpeechFolder([0.5, 1, 0.7])
        _ = try write(folder, to: "s") { $0.shardBytes = 1 }
        let error = expectError(ShardError.self, containing: ["train-*.tar", "--overwrite"]) {
            try write(folder, to: "s")
        }
        #expect(error?.exitStatus == .badInput)
        #expect(try files(folder, "s").count == 4)
        _ = try write(folder, to: "s") { $0.prefix = "valid" }
        let summary = try write(folder, to: "s") {
            $0.overwrites = true
            $0.shardBytes = 1 << 30
        }
        #expect(summary.shards == 1)
        #expect(
            try files(folder, "s").keys.sorted()
                == ["train-000000.tar", "train.jsonl", "valid-000000.tar", "valid.jsonl"])
    }

    @Test func theManifestThatShardsAreMadeFromStays() throws {
        let folder = try SpeechFolder([0.5, 1])
        let manifest = folder.url.appendingPathComponent("m.jsonl")
        for overwrites in [false, true] {
            let error = expectError(ShardError.self, containing: [manifest.path, "--prefix"]) {
                try write(folder, to: ".") {
                    $0.prefix = "m"
                    $0.overwrites = overwrites
                }
            }
            #expect(error?.exitStatus == .badInput)
        }
        #expect(try JSONLinesManifest.read(manifest) == folder.utterances)
        #expect(try write(folder, to: ".") { $0.prefix = "n" }.utterances == 2)
    }
}
