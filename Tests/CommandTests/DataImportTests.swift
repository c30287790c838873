import FileMutation
import Foundation
import SpeechAudio
import SpeechCore
import TestSupport
import Testing

extension Commands {
    @Suite("data import") struct DataImportTests {
        private func write(_ text: String, to url: URL) throws {
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: url)
        }

        private func sound(_ url: URL) throws {
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try FileManager.default.copyItem(
                at: Fixtures.url("features/speech_en.wav"), to: url)
        }

        @Test("Common Voice: a table to read, JSON for programs, a list of what is left out")
        func commonVoice() throws {
            try withTemporaryDirectory { folder in
                for language in ["de", "sw"] {
                    let place = folder.appendingPathComponent("cv/\(language)")
                    try sound(place.appendingPathComponent("clips/\(language)_1.wav"))
                    try write(
                        "client_id\tpath\tsentence\tlocale\n"
                            + "a\t\(language)_1.wav\tgo \"on\t\(language)\n"
                            + "a\tgone.wav\tgone\t\(language)\n",
                        to: place.appendingPathComponent("train.tsv"))
                }
                let output = folder.appendingPathComponent("out")
                let arguments = [
                    "data", "import", "--from", folder.appendingPathComponent("cv").path,
                    "--output", output.path,
                ]
                let text = try expectColld(arguments, exits: 0).output
                let list = output.appendingPathComponent("skipped.jsonl")
                for part in [
                    "layout common-voice", "train  de", "train  sw", "total",
                    "train.jsonl", list.path, "train: 2 × no such file",
                ] {
                    #expect(text.contains(part), "\(part) in \(text)")
                }
                let utterances = try JSONLinesManifest.read(
                    output.appendingPathComponent("train.jsonl"))
                #expect(utterances.map(\.lang) == ["de", "sw"])
                #expect(utterances.map(\.text) == ["go \"on", "go \"on"])
                #expect(utterances.allSatisfy { $0.duration == 1.6 })
                #expect(try String(contentsOf: list, encoding: .utf8).contains("gone.wav"))

                let json = try expectColld(
                    arguments + ["--json", "--language", "xx", "--layout", "common-voice"],
                    exits: 0
                ).json()
                #expect(json["layout"] as? String == "common-voice")
                let splits = try #require(json["splits"] as? [[String: Any]])
                #expect(splits.map { $0["split"] as? String } == ["train"])
                #expect(splits[0]["left_out"] as? [String: Int] == ["missing_file": 2])
                let languages = try #require(splits[0]["languages"] as? [[String: Any]])
                #expect(languages.map { $0["language"] as? String } == ["xx"])
                #expect(languages[0]["seconds"] as? Double == 3.2)
            }
        }

        @Test("bad input ends with 2 and says what was expected") func badInput() throws {
            try withTemporaryDirectory { folder in
                let output = folder.appendingPathComponent("out").path
                func fails(_ from: String, _ more: [String] = [], _ fragments: String...) throws {
                    let place = folder.appendingPathComponent(from).path
                    let result = try expectColld(
                        ["data", "import", "--from", place, "--output", output] + more,
                        exits: 2, saying: fragments)
                    #expect(result.output.isEmpty)
                }
                try fails("nowhere", [], "nowhere", "No such file")
                let empty = folder.appendingPathComponent("empty")
                try FileManager.default.createDirectory(
                    at: empty, withIntermediateDirectories: true)
                try fails("empty", [], "librispeech", "found nothing")
                try fails("empty", ["--layout", "kaldi"], "wav.scp")
                let scp = folder.appendingPathComponent("k/wav.scp")
                try write("a touch \(folder.path)/ran |\n", to: scp)
                try fails("k", [], "--allow-pipes", "'a'")
                try fails("k", ["--allow-pipes"], "none in 1", "touch")
                #expect(
                    FileManager.default.fileExists(
                        atPath: folder.appendingPathComponent("ran").path))
                try write("a gone.wav\n", to: scp)
                try fails("k", ["--split", "dev"], "'dev'", "k")
                try fails("k", [], "none in 1", "gone.wav")
            }
        }

        @Test("shards are encoded where they lie") func shards() throws {
            try withTemporaryDirectory { folder in
                var tar = TarBytes()
                for (key, name) in [("a", "speech_en.flac"), ("b", "speech_es.wav")] {
                    let sound = try Data(contentsOf: Fixtures.url("features/\(name)"))
                    let ending = name.split(separator: ".")[1]
                    tar.add("\(key).\(ending)", [UInt8](sound))
                    tar.add("\(key).txt", Array("said".utf8))
                }
                let shard = folder.appendingPathComponent("dev-000000.tar")
                try Data(tar.finished()).write(to: shard)
                let manifest = folder.appendingPathComponent("all.jsonl")
                try expectColld(
                    [
                        "data", "import", "--from", "\(folder.path)/dev-{000000..000000}.tar",
                        "--output", manifest.path,
                    ], exits: 0)
                let output = folder.appendingPathComponent("encoded")
                let json = try expectColld(
                    [
                        "encode", "--model", Fixtures.model("w2vbert").path, "--manifest",
                        manifest.path, "--output", output.path, "--json",
                    ], exits: 0
                ).json()
                #expect(json["encoded"] as? Int == 2)
                let seconds = try #require(json["audio_seconds"] as? Double)
                #expect(abs(seconds - 2.515) < 0.01, "\(seconds)")
            }
        }
    }
}
