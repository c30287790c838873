import Foundation
import SpeechCore
import TestSupport
import Testing

extension Commands {
    @Suite("distill with bad input") struct DistillErrorTests {
        private let short = ["regime.steps=3"]

        @Test("recordings that cannot be used are left out and listed")
        func skipped() throws {
            let folder = try DistillFolder(training: 10, validation: 3)
            let run = RunFiles(folder.output)
            try Data("no sound".utf8).write(to: folder.recording(1))
            try FileManager.default.removeItem(at: folder.recording(3))
            // Cut short: the header promises more.
            let whole = try Data(contentsOf: folder.recording(5))
            try whole.prefix(600).write(to: folder.recording(5))
            try Data("no sound either".utf8).write(to: folder.recording(11))
            var lines = try (0..<10).map { try folder.line($0) }
            lines.append(try folder.line(0, ["id": "tiny", "duration": 0.2]))
            try Data(lines.joined().utf8).write(to: folder.train)
            // Two epochs, so that each is met twice.
            let settings = ["regime.steps=12", "dataset.max_seconds=6", "trainer.validate_every=6"]
            let result = try expectColld(folder.arguments(settings, validates: true), exits: 0)
            let reasons = try run.lines("skipped.jsonl").reduce(into: [String: String]()) {
                let id = try #require($1["id"] as? String)
                #expect($0[id] == nil, "\(id) is listed twice")
                $0[id] = try #require($1["reason"] as? String)
                #expect($1["path"] as? String != nil)
            }
            #expect(Set(reasons.keys) == ["u1", "u3", "u5", "u11", "tiny"])
            #expect(reasons["tiny"]?.contains("too short") == true)
            for (id, file) in [
                ("u1", "1.wav"), ("u3", "3.wav"), ("u5", "5.wav"), ("u11", "11.wav"),
            ] {
                #expect(reasons[id]?.contains(file) == true, "\(id): \(reasons[id] ?? "")")
                #expect(result.errors.contains("skipped \(id): "), "\(result.errors)")
            }
            #expect(result.errors.contains("1 left out"))
            #expect(try run.lines("metrics/train.jsonl").last?["skipped"] as? Int == 4)
            #expect(try run.steps("train") == Array(1...12))
        }

        @Test("what was skipped does not change what is computed after resuming")
        func skippedAndResumed() throws {
            let folder = try DistillFolder()
            for index in [1, 4] { try Data("no sound".utf8).write(to: folder.recording(index)) }
            let endless = ["regime.steps=1_000_000", "trainer.save_every=7"]
            let run = RunFiles(folder.output)
            try killColld(folder.arguments(endless), in: folder) { run.linked("last") != nil }
            let step = try #require(run.linked("last")) + 7
            try killColld(folder.arguments(endless, resumes: true), in: folder) {
                run.linked("last") == step
            }
            let other = RunFiles(folder.url.appendingPathComponent("other"))
            try killColld(folder.arguments(endless, output: other.url), in: folder) {
                other.linked("last") == step
            }
            expectSame(try run.checkpoint(step), try other.checkpoint(step))
            #expect(try run.lines("skipped.jsonl").count == 2)
        }

        @Test("a batch of nothing else counts as a step without a loss")
        func emptyBatch() throws {
            let folder = try DistillFolder(training: 4, validation: 1)
            let run = RunFiles(folder.output)
            try Data("no sound".utf8).write(to: folder.recording(2))
            try expectColld(
                folder.arguments(["regime.steps=8", "dataset.max_utterances=1"]), exits: 0)
            let lines = try run.lines("metrics/train.jsonl")
            #expect(lines.compactMap { $0["step"] as? Int } == Array(1...8))
            let empty = lines.filter { $0["frames"] as? Int == 0 }
            // Once in each of two epochs.
            #expect(empty.count == 2)
            #expect(empty.allSatisfy { $0["loss"] is NSNull })
            #expect(lines.filter { $0["loss"] is Double }.count == 6)
        }

        /// Whether the command starts at all where the tests of memory let it.
        private static let startsInLittleMemory: Bool = {
            let result = try? Colld.run(
                URL(fileURLWithPath: "/bin/bash"),
                ["-c", "ulimit -v 4000000; exec \"$@\"", "bash", Colld.binary.path, "--version"])
            return result?.status == 0
        }()

        @Test("models that do not fit into memory", .enabled(if: startsInLittleMemory))
        func memory() throws {
            let folder = try DistillFolder(training: 2, validation: 1)
            // One of its matrices has 4 GiB.
            let design = "1x16384"
            for (arguments, name) in [
                (["initialize", "--design", design, "--output", folder.output.path], "encoder"),
                (["benchmark", "distill", "--teacher", design], "models"),
                (folder.arguments(short + ["student.design=\(design)"]), "student"),
            ] {
                let result = try Colld.run(
                    URL(fileURLWithPath: "/bin/bash"),
                    ["-c", "ulimit -v 4000000; exec \"$@\"", "bash", Colld.binary.path] + arguments)
                #expect(result.status == 1, "\(result.errors)")
                let said = ["the \(name) cannot be built here", "allocate memory"]
                for said in said { #expect(result.errors.contains(said), "\(result.errors)") }
            }
            #expect(!RunFiles(folder.url).exists("run"))
        }

        @Test("too many of them are an error")
        func tooMany() throws {
            let folder = try DistillFolder()
            for index in 0..<3 { try Data("no sound".utf8).write(to: folder.recording(index)) }
            try expectColld(
                folder.arguments(["regime.steps=30", "dataset.max_skipped=2"]), exits: 2,
                saying: ["dataset.max_skipped", "at most 2", "found 3", "0.wav"])
            for index in 3..<10 { try Data("no sound".utf8).write(to: folder.recording(index)) }
            try expectColld(
                folder.arguments(
                    ["regime.steps=30"], output: folder.url.appendingPathComponent("other")),
                exits: 2, saying: ["no utterance can be used", "0.wav"])
        }

        @Test("manifests at fault are refused before anything is written")
        func manifests() throws {
            let folder = try DistillFolder(training: 2, validation: 1)
            let manifest = folder.url.appendingPathComponent("bad.jsonl")
            func expectRefused(
                _ text: String, saying: [String], sourceLocation: SourceLocation = #_sourceLocation
            ) throws {
                try Data(text.utf8).write(to: manifest)
                try expectColld(
                    folder.arguments(short, train: manifest), exits: 2,
                    saying: ["bad.jsonl"] + saying, sourceLocation: sourceLocation)
            }
            try expectRefused("", saying: ["empty", "at least one utterance"])
            try expectRefused(
                folder.line(0) + folder.line(1) + folder.line(0),
                saying: ["duplicate", "'u0'", "1, 3"])
            try expectRefused(
                folder.line(0) + folder.line(1, ["text": ""]),
                saying: [":2:", "'text'", "zero length"])
            try expectRefused(folder.line(0, ["duration": 0]), saying: [":1:", "'duration'"])
            try expectRefused("{\"audio_filepath\": \n", saying: [":1:", "JSON"])
            try expectRefused(
                folder.line(0, ["audio_filepath": "gone.wav"]), saying: ["gone.wav"])
            try expectRefused(
                folder.line(0, ["duration": 0.01]), saying: ["usable utterance", "'u0'", "0.01"])
            try FileManager.default.removeItem(at: manifest)
            try expectColld(
                folder.arguments(short, train: manifest), exits: 2, saying: ["bad.jsonl"])
            try Data().write(to: folder.valid)
            try expectColld(
                folder.arguments(short, validates: true), exits: 2,
                saying: ["valid.jsonl", "empty"])
            #expect(!RunFiles(folder.url).exists("run"))
        }

        @Test("teachers and students that cannot be are refused before anything is written")
        func models() throws {
            let folder = try DistillFolder(training: 2, validation: 1)
            try expectColld(
                folder.arguments(short, teacher: folder.url.appendingPathComponent("none")),
                exits: 2, saying: ["none"])
            let teacher = try ModelFiles.copy("w2vbert", into: folder.url)
            try ModelFiles.rewriteWeights(teacher) { $0[0].floats[0] = .nan }
            try expectColld(
                folder.arguments(short, teacher: teacher), exits: 2, saying: ["not all finite"])
            for (design, said) in [
                ("{layers: 2, width: 100, heads: 3}", ["student 2x100", "num_attention_heads"]),
                ("{layers: 0, width: 64}", ["student.layers", "found 0"]),
                ("{layers: 2, width: 64, feed_forward: -1}", ["student.feed_forward", "found -1"]),
            ] {
                try expectColld(
                    folder.arguments(short + ["student.design=\(design)"]), exits: 2, saying: said)
            }
            try expectColld(
                folder.arguments(
                    short + ["student.design=2x64", "student.initialization=copy_every"]),
                exits: 2, saying: ["student.initialization", "copy_every", "[64"])
            try expectColld(
                folder.arguments(short + ["objective.layer_mapping=1:9"]), exits: 2,
                saying: ["objective.layer_mapping", "found 1:9"])
            try expectColld(
                folder.arguments(short) + ["--device", "tpu"], exits: 2,
                saying: ["--device", "cpu", "'tpu'"])
            #expect(!RunFiles(folder.url).exists("run"))
        }

        @Test("a clip that is too short for the objective is left out")
        func shortForTheObjective() throws {
            let folder = try DistillFolder()
            // 125 frames are 2.5 s: only the longer recordings can have two spans of 60.
            try expectColld(
                folder.arguments(short + ["objective.masking.length=60"]), exits: 0,
                saying: ["left out"])
            let reasons = try RunFiles(folder.output).lines("skipped.jsonl").map { $0["reason"] }
            #expect(!reasons.isEmpty)
            for reason in reasons {
                #expect((reason as? String)?.contains("the models and the objective") == true)
            }
        }

        @Test("gradients that stay infinite end the run")
        func notFinite() throws {
            let folder = try DistillFolder()
            let run = RunFiles(folder.output)
            let settings = [
                "regime.steps=50", "optimizer.lr=1e9", "trainer.max_nonfinite=3",
                "trainer.save_every=1",
            ]
            let result = try expectColld(
                folder.arguments(settings), exits: 1,
                saying: ["not finite for 3 updates in a row", "optimizer.lr", "update left out"])
            #expect(result.errors.contains("error: step "))
            #expect(!run.exists("model"))
            // Values that are not numbers are null, so that every line stays JSON.
            let last = try #require(try run.lines("metrics/train.jsonl").last)
            #expect(last["loss"] is NSNull)
        }

        @Test("outputs that cannot be written")
        func outputs() throws {
            let folder = try DistillFolder(training: 2, validation: 1)
            let file = folder.url.appendingPathComponent("file")
            try Data("mine".utf8).write(to: file)
            try expectColld(
                folder.arguments(short, output: file), exits: 1, saying: [file.path])
            try expectColld(
                folder.arguments(short, output: file.appendingPathComponent("run")), exits: 1,
                saying: [file.path])
            #expect(try String(contentsOf: file, encoding: .utf8) == "mine")
            // A folder with a model that no run wrote: it would be replaced at the end.
            let mine = folder.url.appendingPathComponent("mine/model")
            try FileManager.default.createDirectory(at: mine, withIntermediateDirectories: true)
            let precious = mine.appendingPathComponent("precious")
            try Data("mine".utf8).write(to: precious)
            try expectColld(
                folder.arguments(short, output: mine.deletingLastPathComponent()), exits: 2,
                saying: [mine.path, "new or empty"])
            #expect(try String(contentsOf: precious, encoding: .utf8) == "mine")
        }

        @Test("a full disk ends the run; its last checkpoint stays")
        func fullDisk() throws {
            let folder = try DistillFolder()
            let run = RunFiles(folder.output)
            let endless = [
                "regime.steps=1_000_000", "trainer.save_every=10", "trainer.keep_last=1000",
            ]
            try killColld(folder.arguments(endless), in: folder) { run.linked("last") != nil }
            let step = try #require(run.linked("last"))
            let before = try run.checkpoint(step)
            let size = try #require(before["model.safetensors"]).count
            #expect(try #require(before["optimizer.safetensors"]).count > size + 4096)

            // Files may have a little more than the model's size, so the optimiser's does not fit.
            let arguments = [Colld.binary.path] + folder.arguments(endless, resumes: true)
            let result = try Colld.run(
                URL(fileURLWithPath: "/bin/bash"),
                ["-c", "ulimit -f \(size / 1024 + 2); exec \"$@\"", "bash"] + arguments)
            #expect(result.status == 1, "\(result.errors)")
            #expect(result.errors.contains("step_\(step + 10)"), "\(result.errors)")
            #expect(result.errors.contains("optimizer.safetensors"), "\(result.errors)")
            #expect(result.errors.contains("File too large"), "\(result.errors)")
            #expect(run.linked("last") == step)
            #expect(!run.checkpoints.contains { $0.hasPrefix("step_\(step + 10)") })
            expectSame(try run.checkpoint(step), before)
            try expectColld(["inspect", run("checkpoints/last").path], exits: 0)

            try killColld(folder.arguments(endless, resumes: true), in: folder) {
                run.linked("last").map { $0 > step } ?? false
            }
            let other = RunFiles(folder.url.appendingPathComponent("other"))
            try killColld(folder.arguments(endless, output: other.url), in: folder) {
                other.linked("last").map { $0 > step } ?? false
            }
            expectSame(try run.checkpoint(step + 10), try other.checkpoint(step + 10))
        }
    }
}
