import Foundation
import SpeechCore
import TestSupport
import Testing

extension Commands {
    /// Encoders of larger models, and a window of fixed length, from end to end.
    @Suite("Whisper and SeamlessM4T") struct WhisperCommandTests {
        private func encode(
            _ model: String, _ arguments: [String], in folder: URL
        ) throws -> SafetensorsFile {
            let output = folder.appendingPathComponent("\(UUID().uuidString).safetensors")
            try expectColld(
                ["encode", "--model", Fixtures.model(model).path, "--output", output.path]
                    + arguments, exits: 0)
            return try SafetensorsFile(path: output.path)
        }

        @Test("a student learns", arguments: ["whisper_full", "seamless_m4t_v2"])
        func distil(_ teacher: String) throws {
            // Recordings of up to 3 s, of which this Whisper hears 2 s at a time.
            let folder = try DistillFolder()
            let run = RunFiles(folder.output)
            let settings = [
                "regime.steps=40", "trainer.log_every=8", "trainer.validate_every=20",
                "student.initialization=front_end_only", "common.threads=1",
            ]
            try expectColld(
                folder.arguments(
                    settings, teacher: Fixtures.model(teacher), validates: true), exits: 0)
            let losses = try run.losses("train")
            #expect(losses.count == 5)
            #expect(try #require(losses.last) < #require(losses.first) - 0.3, "\(losses)")
            #expect(try run.losses("valid").count == 3)
            #expect(!run.exists("skipped.jsonl"))
            let json = try expectColld(
                ["inspect", run("model").path, "--json"], exits: 0
            ).json()
            #expect(json["layers"] as? Int == 2 && json["problems"] as? [String] == [])
            let architectures = [
                "whisper_full": "WhisperEncoder",
                "seamless_m4t_v2": "SeamlessM4Tv2SpeechEncoder",
            ]
            #expect(json["architecture"] as? String == architectures[teacher])
            // The student's extractor is the teacher's.
            #expect(
                try run.text("model/preprocessor_config.json")
                    == String(
                        contentsOf: Fixtures.model(teacher)
                            .appendingPathComponent("preprocessor_config.json"), encoding: .utf8))
        }

        @Test("short utterances count as much as the window that they take up")
        func batches() throws {
            let folder = try DistillFolder()
            let lines = try (0..<10).map { try folder.line($0, ["duration": 0.5]) }
            try Data(lines.joined().utf8).write(to: folder.train)
            let settings = ["regime.steps=1", "dataset.max_seconds=4"]
            for (teacher, batches) in [("whisper_full", 5), ("w2vbert", 2)] {
                let output = folder.url.appendingPathComponent(teacher)
                try expectColld(
                    folder.arguments(settings, teacher: Fixtures.model(teacher), output: output),
                    exits: 0)
                #expect(
                    try RunFiles(output).text("log.txt").contains("\(batches) batches an epoch"))
            }
        }

        @Test("audio fills the window, and its lengths tell how far it goes")
        func audio() throws {
            try withTemporaryDirectory { folder in
                let speech = ModelFiles.speechFiles
                let found = try encode("whisper_full", ["--audio"] + speech, in: folder)
                #expect(found.entry("last_hidden_state")?.shape == [2, 100, 32])
                // 1.6 s and 0.915 s, 20 ms a frame.
                #expect(try found.integers("lengths") == [80, 46])
                let input = folder.appendingPathComponent("input.safetensors")
                let extractor = try ModelFiles.extractor("whisper_full")
                try ModelFiles.write(
                    extractor.extract([ModelFiles.speech(0), ModelFiles.speech(1)]),
                    framesLast: true, to: input)
                let prepared = try encode("whisper_full", ["--input", input.path], in: folder)
                #expect(try prepared.integers("lengths") == [80, 46])
                expectClose(
                    try prepared.floats("last_hidden_state"),
                    try found.floats("last_hidden_state"), within: 1e-4)
            }
        }

        @Test("audio and input that do not fit the window")
        func misfits() throws {
            try withTemporaryDirectory { folder in
                let model = Fixtures.model("whisper_encoder").path
                let output = folder.appendingPathComponent("output.safetensors")
                let long = folder.appendingPathComponent("long.wav")
                try ModelFiles.writeWave(Array(repeating: 100, count: 32_001), to: long)
                try expectColld(
                    ["encode", "--model", model, "--audio", long.path, "--output", output.path],
                    exits: 2, saying: [long.path, "32000", "2.0 s", "32001"])
                let input = folder.appendingPathComponent("input.safetensors")
                for shape in [[1, 200, 80], [1, 80, 199], [80, 200]] {
                    try SafetensorsWriter.write(
                        [
                            SafetensorsEntry(
                                name: "input_features", shape: shape,
                                floats: Array(repeating: 0, count: shape.reduce(1, *)))
                        ], to: input)
                    try expectColld(
                        [
                            "encode", "--model", model, "--input", input.path, "--output",
                            output.path,
                        ], exits: 2, saying: [input.path, "[B, 80, 200]", "\(shape)"])
                }
                #expect(!FileManager.default.fileExists(atPath: output.path))
            }
        }

        @Test("the parts of encoders that stand in larger models")
        func parts() throws {
            func inspect(_ model: String) throws -> ([String: Any], [String: [String: Any]]) {
                let json = try expectColld(
                    ["inspect", Fixtures.model(model).path, "--json", "--seconds", "1,2,3"],
                    exits: 0
                ).json()
                let parts = try #require(json["parts"] as? [[String: Any]])
                return (
                    json,
                    try Dictionary(
                        uniqueKeysWithValues: parts.map {
                            (try #require($0["name"] as? String), $0)
                        })
                )
            }
            let (whisper, parts) = try inspect("whisper_full")
            #expect(
                parts.keys.sorted() == [
                    "attention", "encoder norm", "feed-forward", "front end", "layer norms",
                ])
            #expect(whisper["architecture"] as? String == "WhisperForConditionalGeneration")
            #expect(whisper["maximum_samples"] as? Int == 32_000)
            #expect(whisper["receptive_field"] as? Int == 1040)
            // Sinusoids are saved and not trained.
            #expect(whisper["buffers"] as? Int == 3200)
            #expect(parts["front end"]?["parameters"] as? Int == 10_816)
            // One window for 1 s and 2 s, two for 3 s.
            let values = try #require(parts["feed-forward"]?["macs_per_second"] as? [Any])
            let macs: [Double] = try values.map { try #require(Double("\($0)")) }
            let window: Double = 100 * 3 * 2 * 32 * 64
            let expected: [Double] = [window, window / 2, window * 2 / 3]
            #expect(macs == expected)
            let text = try expectColld(
                ["inspect", Fixtures.model("whisper_full").path], exits: 0
            ).output
            #expect(text.contains("at most 2 s at a time"))

            let (seamless, names) = try inspect("seamless_m4t_v2")
            for name in ["encoder norm", "output norm", "adapter", "intermediate feed-forward"] {
                #expect(names[name] != nil, "\(name)")
            }
            #expect(seamless["maximum_samples"] == nil)
        }
    }
}
