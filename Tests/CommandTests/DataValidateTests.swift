import Foundation
import SpeechCore
import TestSupport
import Testing

extension Commands {
    @Suite("data validate, data stats") struct DataValidateTests {
        /// A corpus of clips of a second, with one of each kind that is not fit.
        private func writeCorpus(_ folder: URL) throws -> URL {
            func file(_ name: String) -> URL { folder.appendingPathComponent(name) }
            for number in 1...3 {
                var noise = SeededGenerator(seed: UInt64(number), stream: 8)
                let samples = (0..<16_000).map { _ in Int16(10_000 * (noise.uniform() - 0.5)) }
                try ModelFiles.writeWave(samples, to: file("\(number).wav"))
            }
            try ModelFiles.writeWave([Int16](repeating: 0, count: 16_000), to: file("silent.wav"))
            try Data().write(to: file("empty.wav"))
            func line(_ name: String, _ text: String, _ more: String = "") -> Data {
                Data(
                    (#"{"audio_filepath": "\#(name).wav", "duration": 1.0, "lang": "de", "#
                        + #""text": "\#(text)", "id": "\#(name)", "mine": 1.50\#(more)}"#
                        + "\r\n").utf8)
            }
            var data = Data([0xEF, 0xBB, 0xBF])
            data += line("1", "GUTEN TAG") + line("2", "GRÜSSE") + line("silent", "JA")
            data += line("empty", "JA") + line("3", "добрый")
            data += Data("{\"audio_filepath\": \"".utf8) + Data([0xFF, 0xFE]) + Data("\"}\n".utf8)
            try data.write(to: file("m.jsonl"))
            return file("m.jsonl")
        }

        private func text(_ url: URL) throws -> String {
            try String(contentsOf: url, encoding: .utf8)
        }

        @Test("the table, the cleaned manifest and the report")
        func outputs() throws {
            try withTemporaryDirectory { folder in
                let manifest = try writeCorpus(folder)
                let cleaned = folder.appendingPathComponent("clean.jsonl")
                let report = folder.appendingPathComponent("report.json")
                let result = try expectColld(
                    [
                        "data", "validate", manifest.path, "--output", cleaned.path, "--report",
                        report.path, "--threads", "2",
                    ], exits: 0, saying: ["6/6 lines"])
                let rows = result.output.split(separator: "\n").map {
                    $0.split(separator: " ").map(String.init)
                }
                #expect(
                    rows.first == [
                        "language", "utterances", "hours", "kept", "hours", "bad-line", "hours",
                        "unreadable", "hours", "silence", "hours", "foreign-script", "hours",
                    ])
                #expect(rows[2].prefix(5) == ["de", "5", "0.0014", "2", "0.0006"])
                #expect(rows[3].prefix(5) == ["-", "1", "0.0000", "0", "0.0000"])
                #expect(rows.last?.prefix(6) == ["total", "6", "0.0014", "2", "0.0006", "1"])
                let kept = try text(cleaned)
                #expect(kept.split(separator: "\n").count == 2)
                #expect(try JSONLinesManifest.read(cleaned).map(\.id) == ["1", "2"])
                #expect(kept.contains(#""mine": 1.50"#) && !kept.contains("\r"))
                let json = try #require(
                    JSONSerialization.jsonObject(with: Data(contentsOf: report)) as? [String: Any])
                let unfit = try #require(json["unfit_lines"] as? [[String: Any]])
                let reasons = unfit.map { line in
                    (line["findings"] as? [[String: String]])?.compactMap { $0["reason"] } ?? []
                }
                #expect(
                    reasons == [["silence"], ["unreadable"], ["foreign-script"], ["bad-line"]])
                #expect(unfit.map { $0["line"] as? Int } == [3, 4, 5, 6])
                // What is fit loses nothing more.
                let again = try expectColld(
                    ["data", "validate", cleaned.path, "--strict", "--no-progress", "--json"],
                    exits: 0)
                #expect(again.errors.isEmpty)
                let total = try #require(again.json()["total"] as? [String: Any])
                #expect((total["kept"] as? [String: Any])?["utterances"] as? Int == 2)
                #expect((total["lost"] as? [String: Any])?.isEmpty == true)
            }
        }

        @Test("texts are held against a model's vocabulary and frames, without its weights")
        func model() throws {
            try withTemporaryDirectory { folder in
                let manifest = try writeCorpus(folder)
                let model = try ModelFiles.copy("wav2vec2_ctc", into: folder)
                for name in ["model.safetensors", "expected.safetensors"] {
                    try FileManager.default.removeItem(at: model.appendingPathComponent(name))
                }
                // 49 frames a second: 25 letters fit in half of one, 60 do not.
                let long = String(repeating: "AB", count: 30)
                let line =
                    #"{"audio_filepath": "1.wav", "duration": 1, "lang": "en", "id": "l", "text": "\#(long)"}"#
                let data = try Data(contentsOf: manifest) + Data(line.utf8)
                try data.write(to: manifest)
                let report = folder.appendingPathComponent("r.json")
                for (flag, reasons) in [
                    ("--model", ["too-many-targets", "unknown-symbol"]),
                    ("--vocabulary", ["unknown-symbol"]),
                ] {
                    let result = try expectColld(
                        [
                            "data", "validate", manifest.path, "--no-audio", "--no-progress", flag,
                            model.path, "--report", report.path,
                        ], exits: 0)
                    #expect(result.output.contains("Ü (U+00DC) 1"))
                    let words = Set(
                        try text(report).split { !$0.isLetter && $0 != "-" }.map(String.init))
                    for reason in reasons { #expect(words.contains(reason), "\(reason)") }
                    #expect(words.contains("too-many-targets") == (flag == "--model"))
                }
                try expectColld(
                    ["data", "validate", manifest.path, "--vocabulary", folder.path], exits: 2,
                    saying: ["vocab.json"])
                try expectColld(
                    ["data", "validate", manifest.path, "--model", folder.path], exits: 2,
                    saying: ["config.json"])
            }
        }

        @Test("exit codes: nothing fit, not all fit, no manifest")
        func exitCodes() throws {
            try withTemporaryDirectory { folder in
                let manifest = try writeCorpus(folder)
                let cleaned = folder.appendingPathComponent("clean.jsonl")
                let quiet = ["--no-progress", "--output", cleaned.path]
                try expectColld(
                    ["data", "validate", manifest.path, "--strict"] + quiet, exits: 3,
                    saying: ["4 of 6 unfit"])
                #expect(FileManager.default.fileExists(atPath: cleaned.path))
                try FileManager.default.removeItem(at: cleaned)
                let report = folder.appendingPathComponent("r.json")
                let none = try expectColld(
                    [
                        "data", "validate", manifest.path, "--min-duration", "5", "--report",
                        report.path,
                    ] + quiet, exits: 2, saying: ["none in 6", "m.jsonl"])
                #expect(none.output.contains("too-short"))
                #expect(FileManager.default.fileExists(atPath: report.path))
                #expect(!FileManager.default.fileExists(atPath: cleaned.path))
                let ignored = try expectColld(
                    [
                        "data", "validate", manifest.path, "--ignore",
                        "silence,foreign-script,unreadable", "--silence-level", "-50", "--json",
                    ] + quiet, exits: 0)
                let total = try #require(ignored.json()["total"] as? [String: Any])
                #expect((total["kept"] as? [String: Any])?["utterances"] as? Int == 5)
                let empty = folder.appendingPathComponent("empty.jsonl")
                try Data("\n \n".utf8).write(to: empty)
                for command in ["validate", "stats"] {
                    try expectColld(
                        ["data", command, folder.appendingPathComponent("no.jsonl").path],
                        exits: 2, saying: ["no.jsonl"])
                    try expectColld(
                        ["data", command, empty.path], exits: 2, saying: ["empty.jsonl"])
                }
            }
        }

        @Test("statistics as a table with histograms, and as JSON")
        func stats() throws {
            try withTemporaryDirectory { folder in
                let manifest = try writeCorpus(folder)
                let table = try expectColld(
                    ["data", "stats", manifest.path], exits: 0, saying: ["1 line(s) cannot be read"]
                )
                let rows = table.output.split(separator: "\n").map {
                    $0.split(separator: " ").map(String.init)
                }
                #expect(rows.first?.prefix(4) == ["language", "utterances", "hours", "min"])
                #expect(
                    rows[2] == [
                        "de", "5", "0.0014", "1.00", "1.00", "1.00", "1.00", "1.00", "24", "16",
                        "4.8", "0", "100", "%", "0.0", "%", "█",
                    ])
                #expect(rows.contains { $0.first == "total" && $0.last == "█" })
                #expect(
                    rows.contains {
                        $0 == ["from", "0.95", "s", "5", String(repeating: "█", count: 40)]
                    })
                let json = try expectColld(
                    ["data", "stats", manifest.path, manifest.path, "--json"], exits: 0
                ).json()
                #expect((json["manifests"] as? [String])?.count == 2)
                let total = try #require(json["total"] as? [String: Any])
                #expect(total["utterances"] as? Int == 10)
                #expect((total["durations"] as? [String: Any])?["p95"] as? Double == 1)
                #expect((total["histogram"] as? [Int])?.reduce(0, +) == 10)
                #expect(json["bad_lines"] as? Int == 2)
            }
        }
    }
}
