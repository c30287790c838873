import Foundation
import SpeechCore
import TestSupport
import Testing

extension Commands {
    @Suite("encode, stopped and resumed") struct EncodeResumeTests {
        /// One clip after another, so that there is time to stop between them.
        private func arguments(
            _ folder: DistillFolder, to output: URL? = nil, _ more: [String] = []
        ) -> [String] {
            [
                "encode", "--model", Fixtures.model("hubert_base").path, "--manifest",
                folder.train.path, "--output", (output ?? folder.output).path, "--batch-seconds",
                "1", "--threads", "1",
            ] + more
        }

        /// A corpus whose few recordings are named often enough to take some seconds.
        private func largeCorpus() throws -> DistillFolder {
            let folder = try DistillFolder(training: 10, validation: 0)
            let lines = try (0..<Self.count).map {
                try folder.line($0 % 10, ["id": "u\($0)", "duration": 1 + Double($0 % 97) / 100])
            }
            try Data(lines.joined().utf8).write(to: folder.train)
            return folder
        }

        private static let count = 400

        /// The clips that are listed so far; a line may be cut off.
        private func encodedCount(_ folder: EncodedFolder) -> Int {
            let url = folder.url.appendingPathComponent("index.jsonl.part")
            let text = (try? String(contentsOf: url, encoding: .utf8)) ?? ""
            return text.split(separator: "\n").count { $0.hasSuffix("}") }
        }

        /// Every file that has its final name can be read and is complete.
        private func expectWhole(_ folder: EncodedFolder) throws {
            for (name, data) in try folder.results() {
                let path = folder.url.appendingPathComponent(name).path
                let file = try SafetensorsFile(path: path)
                #expect(file.entry("lengths") != nil && !data.isEmpty, "\(name)")
            }
        }

        @Test("a process that is killed loses nothing that it wrote")
        func killed() throws {
            let folder = try largeCorpus()
            let output = EncodedFolder(folder.output)
            var count = 0
            for _ in 0..<3 {
                try killColld(arguments(folder), in: folder) {
                    encodedCount(output) >= count + 4
                }
                try expectWhole(output)
                count = encodedCount(output)
                #expect(count < Self.count)
                #expect(try output.results().count >= count)
                // What a kill within a line leaves.
                let list = folder.output.appendingPathComponent("index.jsonl.part")
                let handle = try FileHandle(forWritingTo: list)
                try handle.seekToEnd()
                try handle.write(contentsOf: Data("{\"file\":\"half".utf8))
                try handle.close()
            }
            let summary = try expectColld(arguments(folder, ["--json"]), exits: 0).json()
            let kept = try #require(summary["kept"] as? Int)
            #expect(kept >= 12 && kept < Self.count)
            #expect(summary["encoded"] as? Int == Self.count - kept)

            let whole = EncodedFolder(folder.url.appendingPathComponent("uninterrupted"))
            try expectColld(arguments(folder, to: whole.url), exits: 0)
            #expect(try output.results() == whole.results())
            #expect(try output.files() == whole.files())
            #expect(
                try output.lines("index.jsonl").map { $0["id"] as? String }
                    == (0..<Self.count).map { "u\($0)" })
        }

        @Test("signals end between batches and have codes of their own")
        func signals() throws {
            let folder = try largeCorpus()
            let output = EncodedFolder(folder.output)
            for (signal, status) in [(SIGTERM, 143), (SIGINT, 130), (SIGUSR1, 75)] {
                let before = encodedCount(output)
                let process = try RunningColld(arguments(folder), in: folder)
                try process.wait { encodedCount(output) > before + 2 }
                let result = try process.end(signal)
                #expect(result.status == Int32(status), "\(result.errors)")
                for said in ["signal \(signal)", "of \(Self.count) clips", folder.output.path] {
                    #expect(result.errors.contains(said), "\(result.errors)")
                }
                try expectWhole(output)
                #expect(try output.results().count == encodedCount(output))
            }
            let result = try expectColld(
                arguments(folder), exits: 0, saying: ["of \(Self.count) clips are there already"])
            #expect(result.output.isEmpty)
            #expect(try output.lines("index.jsonl").count == Self.count)
        }

        @Test("a folder keeps to the settings that it was begun with")
        func settings() throws {
            let folder = try DistillFolder(training: 2, validation: 0)
            try expectColld(arguments(folder), exits: 0)
            let before = try EncodedFolder(folder.output).results()
            for (more, said) in [
                (["--layers", "all"], "layers: expected last; found all"),
                (["--layers", "1,0"], "layers: expected last; found 0,1"),
                (["--ffn"], "ffn: expected false; found true"),
                (["--precision", "bf16"], "precision: expected"),
                (["--format", "npy"], "format: expected safetensors; found npy"),
                (["--dtype", "float16"], "dtype: expected float32; found float16"),
                (["--model", Fixtures.model("hubert_large").path], "model: expected"),
            ] {
                try expectColld(
                    arguments(folder, more), exits: 2,
                    saying: [said, "encode.json", "--overwrite"])
            }
            #expect(try EncodedFolder(folder.output).results() == before)
            // The same model by another path is the same model, and speed is no setting.
            let copy = try ModelFiles.copy("hubert_base", into: folder.url)
            let same = ["--model", copy.path, "--threads", "2", "--batch-seconds", "20"]
            try expectColld(arguments(folder, same), exits: 0, saying: ["2 of 2 clips are there"])
            // Preprocessing is a part of the model.
            let config = copy.appendingPathComponent("preprocessor_config.json")
            let text = try String(contentsOf: config, encoding: .utf8)
            let changed = text.replacingOccurrences(
                of: "\"return_attention_mask\": false", with: "\"return_attention_mask\": true")
            try #require(changed != text)
            try Data(changed.utf8).write(to: config)
            try expectColld(
                arguments(folder, ["--model", copy.path]), exits: 2, saying: ["model: expected"])

            try expectColld(arguments(folder, ["--format", "npy", "--overwrite"]), exits: 0)
            #expect(
                try EncodedFolder(folder.output).files()
                    == ["encode.json", "index.jsonl", "u0.npy", "u1.npy"])
        }

        @Test("audio that changed is encoded again, and so is a result that is gone")
        func changed() throws {
            let folder = try DistillFolder(training: 4, validation: 1)
            try expectColld(arguments(folder), exits: 0)
            let output = EncodedFolder(folder.output)
            let before = try output.results()
            let gone = folder.output.appendingPathComponent("u2.safetensors")
            try FileManager.default.removeItem(at: gone)
            try FileManager.default.removeItem(at: folder.recording(1))
            try FileManager.default.copyItem(at: folder.recording(0), to: folder.recording(1))
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSinceNow: 3600)],
                ofItemAtPath: folder.recording(1).path)
            let line = try folder.line(1, ["duration": 2.0])
            let lines = try [0, 2, 3].map { try folder.line($0) } + [line]
            try Data(lines.joined().utf8).write(to: folder.train)
            let summary = try expectColld(arguments(folder, ["--json"]), exits: 0).json()
            #expect(summary["kept"] as? Int == 2 && summary["encoded"] as? Int == 2)
            let after = try output.results()
            for name in ["u0", "u2", "u3"] {
                #expect(after["\(name).safetensors"] == before["\(name).safetensors"])
            }
            #expect(after["u1.safetensors"] != before["u1.safetensors"])
            // What became unusable has no result any more.
            try Data("no audio".utf8).write(to: folder.recording(3))
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSinceNow: 3600)],
                ofItemAtPath: folder.recording(3).path)
            try expectColld(arguments(folder), exits: 0, saying: ["1 skipped", "3.wav"])
            #expect(try output.lines("skipped.jsonl").map { $0["id"] as? String } == ["u3"])
            #expect(try output.lines("index.jsonl").count == 3)
            #expect(try output.results()["u3.safetensors"] == nil)
            // Other clips come in addition.
            try folder.write([4], to: folder.train)
            try expectColld(arguments(folder), exits: 0)
            #expect(
                try output.lines("index.jsonl").map { $0["id"] as? String }
                    == ["u4", "u0", "u2", "u1"])
        }

        @Test("a folder of something else is left alone, and one at work belongs to one process")
        func foreign() throws {
            let folder = try largeCorpus()
            try FileManager.default.createDirectory(
                at: folder.output, withIntermediateDirectories: true)
            let file = folder.output.appendingPathComponent("thesis.txt")
            try Data("all my work".utf8).write(to: file)
            for more in [[], ["--overwrite"]] {
                try expectColld(
                    arguments(folder, more), exits: 2,
                    saying: [folder.output.path, "expected a new or empty folder"])
            }
            #expect(try EncodedFolder(folder.output).files() == ["thesis.txt"])
            try FileManager.default.removeItem(at: file)

            let process = try RunningColld(arguments(folder), in: folder)
            try process.wait { encodedCount(EncodedFolder(folder.output)) > 0 }
            try expectColld(arguments(folder), exits: 1, saying: ["no other process"])
            _ = try process.end(SIGKILL)

            let settings = folder.output.appendingPathComponent("encode.json")
            try Data("{}".utf8).write(to: settings)
            try expectColld(arguments(folder), exits: 2, saying: [settings.path])
        }
    }
}
