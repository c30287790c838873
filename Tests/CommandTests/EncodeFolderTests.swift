import Foundation
import SpeechCore
import TestSupport
import Testing

/// What the system of this machine can do.
enum Platform {
    /// Whether `ulimit -d` holds for all memory, as on Linux.
    static let limitsMemory: Bool = {
        #if os(Linux)
            true
        #else
            false
        #endif
    }()
}

/// What `encode` left in a folder.
struct EncodedFolder {
    let url: URL

    init(_ url: URL) { self.url = url }

    /// The lines of a file of JSON objects.
    func lines(_ name: String) throws -> [[String: Any]] {
        try String(contentsOf: url.appendingPathComponent(name), encoding: .utf8)
            .split(separator: "\n").map {
                try #require(
                    try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
            }
    }

    /// The file of a clip, by its id in `index.jsonl`.
    func file(_ id: String) throws -> SafetensorsFile {
        let line = try #require(try lines("index.jsonl").first { $0["id"] as? String == id })
        let name = try #require(line["file"] as? String)
        return try SafetensorsFile(path: url.appendingPathComponent(name).path)
    }

    /// Every file below the folder, sorted.
    func files() throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: url.path).filter {
            var isFolder: ObjCBool = false
            let path = url.appendingPathComponent($0).path
            return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
                && !isFolder.boolValue
        }
        .sorted()
    }

    /// The bytes of all results, by file.
    func results() throws -> [String: Data] {
        try Dictionary(
            uniqueKeysWithValues: files().filter { $0.hasSuffix(".safetensors") }.map {
                ($0, try Data(contentsOf: url.appendingPathComponent($0)))
            })
    }
}

extension Commands {
    @Suite("encode into a folder") struct EncodeFolderTests {
        private static let everything = ["--layers", "all", "--ffn"]

        /// A model of every kind that computes in a way of its own.
        private static let models: [String] = [
            "data2vec_audio", "hubert_base", "hubert_large", "hubert_posbn", "sew",
            "unispeech_sat_base", "w2vbert", "w2vbert_adapter_ctc", "wav2vec2_adapter",
            "wav2vec2_base", "wav2vec2_conformer_relative", "wav2vec2_conformer_rotary",
            "wav2vec2_mms_ctc", "wav2vec2_xlsr", "wavlm_base", "wavlm_large",
        ]

        private func arguments(
            _ source: [String], to output: URL, model: String = "w2vbert"
        ) -> [String] {
            ["encode", "--model", Fixtures.model(model).path, "--output", output.path] + source
        }

        /// A corpus with folders in it, and what it is written to.
        private func withCorpus(_ body: (_ audio: URL, _ output: URL) throws -> Void) throws {
            try withTemporaryDirectory { folder in
                let audio = folder.appendingPathComponent("audio")
                let deep = audio.appendingPathComponent("b/deep")
                try FileManager.default.createDirectory(
                    at: deep, withIntermediateDirectories: true)
                for (name, file) in [
                    ("z.wav", "features/speech_en.wav"), ("b/es.wav", "features/speech_es.wav"),
                    ("b/es.flac", "features/speech_en.flac"),
                    ("b/deep/fast.WAV", "features/speech_en_48000.wav"),
                ] {
                    try FileManager.default.copyItem(
                        at: Fixtures.url(file), to: audio.appendingPathComponent(name))
                }
                try Data("no audio".utf8).write(to: audio.appendingPathComponent("b/readme.txt"))
                try body(audio, folder.appendingPathComponent("out"))
            }
        }

        @Test(
            "every clip of a folder is what it is alone",
            arguments: Self.models)
        func folder(_ model: String) throws {
            try withCorpus { audio, output in
                try expectColld(
                    arguments(
                        ["--audio", audio.path] + Self.everything, to: output, model: model),
                    exits: 0)
                let folder = EncodedFolder(output)
                let index = try folder.lines("index.jsonl")
                let ids = ["b/deep/fast.WAV", "b/es.flac", "b/es.wav", "z.wav"]
                #expect(index.map { $0["id"] as? String } == ids)
                #expect(
                    index.map { $0["file"] as? String } == [
                        "b/deep/fast.safetensors", "b/es.flac.safetensors",
                        "b/es.wav.safetensors", "z.safetensors",
                    ])
                let written = index.compactMap { $0["file"] as? String }
                #expect(
                    try folder.files() == (written + ["encode.json", "index.jsonl"]).sorted())
                for (id, line) in zip(ids, index) {
                    let path = audio.appendingPathComponent(id).path
                    #expect(line["source"] as? String == path)
                    let frames = try expectAlone(path, model, equals: folder.file(id), in: output)
                    #expect(line["frames"] as? Int == frames)
                }
                let samples = try ModelFiles.speech(0).count
                #expect(index[3]["samples"] as? Int == samples)
            }
        }

        /// Encodes a clip alone and compares; the number of its frames.
        private func expectAlone(
            _ path: String, _ model: String, equals found: SafetensorsFile, in folder: URL
        ) throws -> Int {
            let single = folder.appendingPathComponent("../alone.safetensors")
            try expectColld(
                arguments(["--audio", path] + Self.everything, to: single, model: model),
                exits: 0)
            let alone = try SafetensorsFile(path: single.path)
            #expect(found.names == alone.names)
            let frames = try alone.integers("lengths")[0]
            for name in alone.names {
                if name.hasSuffix("lengths") {
                    let counts = try found.integers(name)
                    #expect(try counts == alone.integers(name), "\(name)")
                    continue
                }
                let shape = try #require(found.entry(name)).shape
                #expect(shape[0] == 1)
                if name.hasPrefix("hidden_states.") { #expect(shape[1] == frames, "\(name)") }
                let valid = try alone.floats(name).prefix(shape[1] * shape[2])
                expectClose(try found.floats(name), Array(valid), within: 1e-5, name)
            }
            return frames
        }

        @Test("a manifest gives parts of files, and names that stay in the folder")
        func manifest() throws {
            try withTemporaryDirectory { folder in
                let manifest = folder.appendingPathComponent("clips.jsonl")
                let speech = ModelFiles.speechFiles[0]
                let lines = [
                    #""id": "first", "offset": 0.25, "duration": 0.75, "lang": "en""#,
                    #""id": "../up/second", "duration": 0.5"#,
                    #""id": "FIRST", "duration": 1.0"#,
                ].map { #"{"audio_filepath": "\#(speech)", \#($0)}"# }
                try Data(lines.joined(separator: "\n").utf8).write(to: manifest)
                let output = folder.appendingPathComponent("out")
                let result = try expectColld(
                    arguments(["--manifest", manifest.path, "--json"], to: output), exits: 0)
                let summary = try result.json()
                #expect(summary["clips"] as? Int == 3 && summary["encoded"] as? Int == 3)
                #expect(summary["skipped"] as? Int == 0 && summary["kept"] as? Int == 0)
                #expect(summary["audio_seconds"] as? Double == 2.25)
                let index = try EncodedFolder(output).lines("index.jsonl")
                #expect(
                    index.map { $0["file"] as? String } == [
                        "first.safetensors", "up/second.safetensors", "FIRST-2.safetensors",
                    ])
                #expect(index.map { $0["samples"] as? Int } == [12_000, 8_000, 16_000])
                #expect(index[0]["lang"] as? String == "en")
                #expect(index[0]["offset"] as? Double == 0.25)
                // The same part, cut by hand.
                let part = folder.appendingPathComponent("part.wav")
                let samples = try ModelFiles.speech(0)[4_000..<16_000]
                try ModelFiles.writeWave(samples.map { Int16($0 * 32_768) }, to: part)
                let single = folder.appendingPathComponent("part.safetensors")
                try expectColld(arguments(["--audio", part.path], to: single), exits: 0)
                let expected = try SafetensorsFile(path: single.path).floats("last_hidden_state")
                let found = try EncodedFolder(output).file("first").floats("last_hidden_state")
                expectClose(found, Array(expected.prefix(found.count)), within: 1e-5)
                // One file from a manifest joins its clips.
                try expectColld(arguments(["--manifest", manifest.path], to: single), exits: 0)
                let joined = try SafetensorsFile(path: single.path)
                #expect(
                    try joined.integers("lengths")
                        == index.map { try #require($0["frames"] as? Int) })
            }
        }

        @Test("a TSV manifest and a folder with an odd name")
        func fairseq() throws {
            try withTemporaryDirectory { folder in
                let manifest = folder.appendingPathComponent("train.tsv")
                let count = try ModelFiles.speech(1).count
                let root = Fixtures.url("features").path
                try Data("\(root)\nspeech_es.wav\t\(count)\n".utf8).write(to: manifest)
                let output = folder.appendingPathComponent("out.v1")
                try expectColld(arguments(["--manifest", manifest.path], to: output), exits: 0)
                #expect(
                    try EncodedFolder(output).files()
                        == ["encode.json", "index.jsonl", "speech_es.safetensors"])
            }
        }

        @Test("what cannot be used is passed over, counted and listed")
        func skipped() throws {
            try withCorpus { audio, output in
                func write(_ data: Data, _ name: String) throws {
                    try data.write(to: audio.appendingPathComponent(name))
                }
                try write(Data("hello".utf8), "text.wav")
                try write(Data(), "empty.mp3")
                let flac = try Data(contentsOf: Fixtures.url("features/speech_en.flac"))
                try write(flac.prefix(flac.count / 2), "half.flac")
                let short = audio.appendingPathComponent("short.wav")
                try ModelFiles.writeWave(Array(repeating: 100, count: 300), to: short)
                let bad = ["empty.mp3", "half.flac", "short.wav", "text.wav"]

                let strict = try expectColld(
                    arguments(["--audio", audio.path, "--strict"], to: output), exits: 2)
                #expect(bad.contains { strict.errors.contains($0) }, "\(strict.errors)")
                let source = ["--audio", audio.path, audio.path + "/missing.wav", "--json"]
                let result = try expectColld(
                    arguments(source, to: output), exits: 0,
                    saying: bad + ["too short", "missing.wav", "5 skipped"])
                let summary = try result.json()
                #expect(summary["clips"] as? Int == 9 && summary["skipped"] as? Int == 5)
                let folder = EncodedFolder(output)
                let listed = try folder.lines("skipped.jsonl")
                #expect(
                    listed.map { $0["id"] as? String } == bad + ["missing.wav"])
                #expect((listed[2]["reason"] as? String)?.contains("found 300") == true)
                #expect(try folder.lines("index.jsonl").count == 4)

                // Once they are repaired, the same command adds them.
                for name in bad {
                    let url = audio.appendingPathComponent(name)
                    try FileManager.default.removeItem(at: url)
                    try FileManager.default.copyItem(
                        at: Fixtures.url("features/speech_es.wav"), to: url)
                }
                let again = try expectColld(
                    arguments(["--audio", audio.path, "--json"], to: output), exits: 0
                ).json()
                #expect(again["kept"] as? Int == 4 && again["encoded"] as? Int == 4)
                #expect(try folder.lines("index.jsonl").count == 8)
                #expect(try !folder.files().contains("skipped.jsonl"))
            }
        }

        @Test("nothing but bad clips is an error")
        func allSkipped() throws {
            try withTemporaryDirectory { folder in
                let audio = folder.appendingPathComponent("audio")
                try FileManager.default.createDirectory(
                    at: audio, withIntermediateDirectories: true)
                let output = folder.appendingPathComponent("out")
                try expectColld(
                    arguments(["--audio", audio.path], to: output), exits: 2,
                    saying: [audio.path, "wav", "none"])
                try Data("hello".utf8).write(to: audio.appendingPathComponent("a.wav"))
                try expectColld(
                    arguments(["--audio", audio.path], to: output), exits: 2,
                    saying: ["a.wav", "no utterance"])
                let manifest = folder.appendingPathComponent("m.jsonl")
                try Data("{\"audio_filepath\": 3}".utf8).write(to: manifest)
                try expectColld(
                    arguments(["--manifest", manifest.path], to: output), exits: 2,
                    saying: ["m.jsonl", "audio_filepath"])
            }
        }

        /// The norm of the difference over the norm.
        private func relativeDistance(_ values: [Float], _ exact: [Float]) -> Double {
            let difference = zip(values, exact).reduce(0) {
                $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1))
            }
            return (difference / exact.reduce(0) { $0 + Double($1 * $1) }).squareRoot()
        }

        @Test("half precision of every family stays near", arguments: ["bf16", "fp16"])
        func precision(_ name: String) throws {
            for model in Self.models {
                try withCorpus { audio, output in
                    let source = ["--audio", audio.path]
                    try expectColld(arguments(source, to: output, model: model), exits: 0)
                    let half = output.appendingPathComponent("../half")
                    try expectColld(
                        arguments(source + ["--precision", name], to: half, model: model),
                        exits: 0)
                    for id in ["z.wav", "b/es.wav"] {
                        let exact = try EncodedFolder(output).file(id)
                            .floats("last_hidden_state")
                        let values = try EncodedFolder(half).file(id).floats("last_hidden_state")
                        #expect(values != exact, "\(model)")
                        let distance = relativeDistance(values, exact)
                        #expect(distance < (name == "bf16" ? 0.08 : 0.01), "\(model) \(id)")
                    }
                }
            }
        }

        @Test("stored values may be half as long")
        func elementTypes() throws {
            try withCorpus { audio, output in
                let source = ["--audio", audio.path]
                try expectColld(arguments(source, to: output), exits: 0)
                for (name, dtype, tolerance) in [
                    ("float16", SafetensorsDType.float16, 2e-3), ("bfloat16", .bfloat16, 2e-2),
                ] {
                    let half = output.appendingPathComponent("../\(name)")
                    try expectColld(arguments(source + ["--dtype", name], to: half), exits: 0)
                    let file = try EncodedFolder(half).file("z.wav")
                    #expect(file.entry("last_hidden_state")?.dtype == dtype)
                    #expect(file.entry("lengths")?.dtype == .int64)
                    expectClose(
                        try file.floats("last_hidden_state"),
                        try EncodedFolder(output).file("z.wav").floats("last_hidden_state"),
                        within: tolerance)
                    let single = output.appendingPathComponent("../one.safetensors")
                    try expectColld(
                        arguments(
                            ["--audio", ModelFiles.speechFiles[0], "--dtype", name], to: single),
                        exits: 0)
                    #expect(
                        try SafetensorsFile(path: single.path).entry("last_hidden_state")?.dtype
                            == dtype)
                }
            }
        }

        @Test(
            "a clip that is too long for the memory is passed over, or an error that names it",
            .enabled(if: Platform.limitsMemory))
        func tooLong() throws {
            try withTemporaryDirectory { folder in
                let audio = folder.appendingPathComponent("audio")
                try FileManager.default.createDirectory(
                    at: audio, withIntermediateDirectories: true)
                let noise = (0..<32_000).map { Int16(truncatingIfNeeded: $0 &* 7919 % 6007) }
                let short = audio.appendingPathComponent("short.wav")
                let long = audio.appendingPathComponent("long.wav")
                try ModelFiles.writeWave(noise, to: short)
                try ModelFiles.writeWave((0..<60).flatMap { _ in noise }, to: long)
                // The front end of real models: half a minute of its first layer takes 200 MB.
                let model = folder.appendingPathComponent("model").path
                try expectColld(
                    [
                        "initialize", "--family", "wav2vec2", "--design", "1x128", "--output",
                        model,
                    ], exits: 0)
                // A shell limits the memory of what it starts.
                func limited(_ arguments: [String]) throws -> CommandResult {
                    try Colld.run(
                        URL(fileURLWithPath: "/bin/sh"),
                        ["-c", "ulimit -d 600000 && exec \"$0\" \"$@\"", Colld.binary.path]
                            + arguments)
                }
                let output = folder.appendingPathComponent("out")
                let result = try limited([
                    "encode", "--model", model, "--audio", audio.path, "--output", output.path,
                    "--json",
                ])
                try #require(result.status == 0, "\(result.errors)")
                #expect(try result.json()["encoded"] as? Int == 1)
                let listed = try EncodedFolder(output).lines("skipped.jsonl")
                #expect(listed.map { $0["id"] as? String } == ["long.wav"])
                let reason = try #require(listed[0]["reason"] as? String)
                #expect(reason.contains("120.0 s") && reason.contains("memory"), "\(reason)")
                let single = folder.appendingPathComponent("one.safetensors")
                let failed = try limited([
                    "encode", "--model", model, "--audio", long.path, "--output", single.path,
                ])
                #expect(failed.status == 1, "\(failed.errors)")
                #expect(failed.errors.contains(long.path), "\(failed.errors)")
                #expect(!FileManager.default.fileExists(atPath: single.path))
            }
        }
    }
}
