import Foundation
import SpeechCore
import TestSupport
import Testing

extension Commands {
    @Suite("benchmark load, features and checkpoint") struct LoadBenchmarkTests {
        @Test("every format is measured")
        func formats() throws {
            let run = try runColld(
                ["benchmark", "load", "--seconds-of-audio", "1", "--threads", "2", "--json"])
            try #require(run.status == 0, "\(run.errors)")
            let values = try run.json()
            #expect(values["extractor"] as? String == "SeamlessM4TFeatureExtractor")
            #expect(values["clips"] as? Int == 1 && values["threads"] as? Int == 2)
            #expect(try #require(values["features_alone"] as? Double) > 1)
            let rows = try #require(values["rows"] as? [[String: Any]])
            var found: Set<String> = []
            for row in rows {
                let rate = try #require(row["sampling_rate"] as? Int)
                let isSharded = row["sharded"] as? Bool == true
                found.insert("\(row["format"] ?? "") \(rate)\(isSharded ? " shard" : "")")
                for key in ["decode", "features", "loader"] + (rate == 16_000 ? [] : ["resample"]) {
                    let pace = try #require(row[key] as? Double, "\(key) in \(row)")
                    #expect(pace > 1 && pace.isFinite, "\(key) in \(row)")
                }
                #expect((row["resample"] == nil) == (rate == 16_000))
            }
            let expected: Set = [
                "wav 16000", "flac 16000", "flac 16000 shard", "mp3 16000", "opus 16000",
                "wav 44100", "flac 44100", "mp3 44100", "opus 48000",
            ]
            // A libsndfile without an encoder says so.
            let unavailable = try #require(values["unavailable"] as? [String])
            #expect(found.isSubset(of: expected))
            #expect(found.count + unavailable.count == expected.count, "\(unavailable)")
        }

        @Test("clips of a manifest, features of a model")
        func manifest() throws {
            let folder = try DistillFolder()
            let run = try runColld([
                "benchmark", "load", "--data", folder.train.path, "--model",
                Fixtures.model("w2vbert").path, "--seconds-of-audio", "1",
            ])
            try #require(run.status == 0, "\(run.errors)")
            for said in ["+ resample", "flac shard", "48000", "features alone", "loader"] {
                #expect(run.output.contains(said), "\(run.output)")
            }
            try expectColld(
                ["benchmark", "load", "--data", "none.jsonl"], exits: 2,
                saying: ["none.jsonl"])
            try expectColld(
                ["benchmark", "load", "--seconds-of-audio", "0"], exits: 64,
                saying: ["--seconds-of-audio"])
        }

        @Test("the features of recordings, and their values")
        func features() throws {
            let folder = try DistillFolder()
            let output = folder.url.appendingPathComponent("features.npy")
            let arguments = ["benchmark", "features", "--repeats", "3", "--output", output.path]
            let audio = ["--audio", folder.recording(0).path, folder.recording(1).path]
            let run = try runColld(arguments + ["--json"] + audio)
            try #require(run.status == 0, "\(run.errors)")
            let values = try run.json()
            #expect(values["seconds"] as? Double == 4.25)
            let median = try #require(values["median_ms"] as? Double)
            #expect(try #require(values["minimum_ms"] as? Double) <= median)
            let pace = try #require(values["audio_seconds_per_second"] as? Double)
            #expect(abs(pace - 4.25 / median * 1000) < 1e-6 * pace)
            let header = String(decoding: try Data(contentsOf: output).prefix(128), as: UTF8.self)
            #expect(header.contains("'<f4'") && header.contains("(2, 112, 160)"), "\(header)")
            let text = try runColld(["benchmark", "features"] + audio)
            #expect(text.status == 0 && text.output.contains("seconds of audio per second"))
            try expectColld(
                ["benchmark", "features", "--audio", "none.wav"], exits: 2, saying: ["none.wav"])
        }

        @Test("the loading of a checkpoint")
        func checkpoint() throws {
            let run = try runColld([
                "benchmark", "checkpoint", "--model", Fixtures.model("w2vbert").path, "--json",
            ])
            try #require(run.status == 0, "\(run.errors)")
            let values = try run.json()
            for key in ["file_mb", "read_s", "load_s", "load_over_read", "peak_over_file"] {
                #expect(try #require(values[key] as? Double) > 0, "\(key) in \(values)")
            }
        }
    }
}
