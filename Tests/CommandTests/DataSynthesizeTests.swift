import Foundation
import SpeechCore
import TestSupport
import Testing

extension Commands {
    @Suite("data synthesize") struct DataSynthesizeTests {
        private func synthesize(_ folder: URL, _ arguments: [String]) -> [String] {
            ["data", "synthesize", "--output", folder.path] + arguments
        }

        private let tiny = [
            "--languages", "de,es", "--minutes-per-language", "0.1", "--voices", "3",
            "--seed", "7", "--no-progress",
        ]

        /// All files below a folder with their bytes.
        private func contents(_ folder: URL) throws -> [String: Data] {
            let paths = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
            return try paths.reduce(into: [:]) { files, path in
                let url = folder.appendingPathComponent(path)
                let isFolder = try url.resourceValues(forKeys: [.isDirectoryKey]).isDirectory
                if isFolder == false { files[path] = try Data(contentsOf: url) }
            }
        }

        @Test("the same flags give the same bytes, whatever the threads")
        func repeatable() throws {
            try withTemporaryDirectory { folder in
                let first = folder.appendingPathComponent("first")
                let second = folder.appendingPathComponent("second")
                let json = try expectColld(
                    synthesize(first, tiny + ["--threads", "1", "--json"]), exits: 0
                ).json()
                try expectColld(synthesize(second, tiny + ["--threads", "3"]), exits: 0)
                let files = try contents(first)
                #expect(files == (try contents(second)))
                #expect(files.keys.contains { $0.hasPrefix("audio/de/") && $0.hasSuffix(".flac") })

                let manifest = first.appendingPathComponent("train.jsonl")
                let train = try JSONLinesManifest.read(manifest)
                #expect(Set(train.compactMap(\.lang)) == ["de", "es"])
                #expect(train.allSatisfy { $0.text != nil && $0.targetText != nil })
                let languages = try #require(json["languages"] as? [[String: Any]])
                #expect(languages.compactMap { $0["language"] as? String } == ["de", "es"])
                let splits = try #require(languages[0]["splits"] as? [String: [String: Any]])
                #expect(
                    splits["train"]?["utterances"] as? Int
                        == train.filter { $0.lang == "de" }.count)
                let clips = files.keys.filter { $0.hasSuffix(".flac") }
                #expect(json["utterances"] as? Int == clips.count)
                #expect(json["seconds"] as? Double ?? 0 >= 12)
            }
        }

        @Test("noise, rooms and shares: no speaker and no sentence is in two parts")
        func parts() throws {
            try withTemporaryDirectory { folder in
                let corpus = folder.appendingPathComponent("corpus")
                let flags = [
                    "--languages", "fi", "--minutes-per-language", "0.3", "--noise", "0.5", "--snr",
                    "10:20", "--rooms", "0.5", "--valid-share", "0.3", "--test-share", "0",
                    "--no-progress",
                ]
                try expectColld(synthesize(corpus, flags), exits: 0)
                let train = try JSONLinesManifest.read(
                    corpus.appendingPathComponent("train.jsonl"))
                let valid = try JSONLinesManifest.read(
                    corpus.appendingPathComponent("valid.jsonl"))
                #expect(
                    !FileManager.default.fileExists(
                        atPath: corpus.appendingPathComponent("test.jsonl").path))
                for key in [\Utterance.speaker, \Utterance.text] {
                    let known = Set(train.map { $0[keyPath: key] })
                    #expect(
                        !known.isEmpty && valid.allSatisfy { !known.contains($0[keyPath: key]) })
                }
                // Other noise is another corpus.
                try expectColld(
                    synthesize(corpus, flags + ["--noise", "0.4"]), exits: 2,
                    saying: ["holds something else", "'noise' 0.4", "0.5"])
            }
        }

        @Test("hours are shared by the languages; a second run keeps what is there")
        func hours() throws {
            try withTemporaryDirectory { folder in
                let corpus = folder.appendingPathComponent("corpus")
                let arguments = synthesize(
                    corpus, ["--languages", "de,es", "--hours", "0.003", "--format", "wav"])
                let result = try expectColld(arguments, exits: 0)
                for word in ["language", "train", "valid", "test", "total", "de", "train.jsonl"] {
                    #expect(result.output.contains(word), "\(word)")
                }
                #expect(result.errors.contains("100 %"))
                let train = try JSONLinesManifest.read(
                    corpus.appendingPathComponent("train.jsonl"))
                #expect(train.allSatisfy { $0.audioPath.hasSuffix(".wav") })
                // 0.003 h of which 80 % are for training, half of it in each language.
                let seconds = train.filter { $0.lang == "de" }.reduce(0) { $0 + $1.duration }
                #expect(seconds >= 4.32 && seconds < 15)
                let again = try expectColld(arguments, exits: 0)
                #expect(again.output.contains("were there already"))
            }
        }

        @Test("no progress is no word on standard error")
        func quiet() throws {
            try withTemporaryDirectory { folder in
                let corpus = folder.appendingPathComponent("corpus")
                let result = try expectColld(synthesize(corpus, tiny), exits: 0)
                #expect(result.errors.isEmpty)
            }
        }

        @Test("designs that cannot be made")
        func designs() throws {
            try withTemporaryDirectory { folder in
                let corpus = folder.appendingPathComponent("corpus")
                func fail(_ arguments: [String], _ status: Int32, _ fragments: [String]) throws {
                    try expectColld(
                        synthesize(corpus, arguments), exits: status, saying: fragments)
                    #expect(!FileManager.default.fileExists(atPath: corpus.path))
                }
                try fail(["--languages", "de,xx"], 2, ["xx", "fr"])
                try fail(["--languages", "de,de"], 2, ["languages", "once"])
                try fail(["--languages", ","], 2, ["languages", "at least one"])
                try fail(["--voices", "0"], 2, ["voices"])
                try fail(["--voices", "2"], 2, ["voices", "from 3", "speakers of its own"])
                try fail(["--noise", "2"], 2, ["noise", "share"])
                try fail(["--rooms", "1.5"], 2, ["rooms", "share"])
                try fail(["--snr", "-50:5"], 2, ["snr", "dB"])
                try fail(["--valid-share", "0.6", "--test-share", "0.4"], 2, ["valid + test"])
                try fail(["--snr", "9:5"], 64, ["--snr"])
                try fail(["--snr", "loud"], 64, ["--snr"])
                try fail(["--hours", "0"], 2, ["minutes"])
                try fail(["--hours", "1", "--minutes-per-language", "1"], 64, ["either"])
                try fail(["--hours", "many"], 64, ["--hours"])
                try fail(["--seed", "-1"], 64, ["--seed"])
                try fail(["--format", "mp3"], 64, ["flac", "wav"])
                try fail(["--threads", "-1"], 64, ["--threads"])
            }
        }

        @Test("without espeak-ng the error says how to get it")
        func noSpeaker() throws {
            try withTemporaryDirectory { folder in
                try expectColld(
                    synthesize(folder.appendingPathComponent("corpus"), tiny), exits: 1,
                    saying: ["espeak-ng was not found", "apt-get install espeak-ng"],
                    environment: ["PATH": ""])
            }
        }

        @Test("a folder with something else is left alone")
        func folderInUse() throws {
            try withTemporaryDirectory { folder in
                try Data("mine".utf8).write(to: folder.appendingPathComponent("notes.txt"))
                try expectColld(
                    synthesize(folder, tiny), exits: 2, saying: ["notes.txt", "empty folder"])
                #expect(try contents(folder).keys.sorted() == ["notes.txt"])
            }
        }
    }
}
