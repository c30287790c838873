import Foundation
import TestSupport
import Testing

extension Commands {
    /// Runs that end early and go on.
    ///
    /// They have more steps than anybody waits for, so that no test depends on how fast they are: a
    /// run ends when a checkpoint is there, and checkpoints of the same step are compared.
    @Suite("distill, stopped and resumed") struct DistillResumeTests {
        private static let endless = [
            "regime.steps=1_000_000", "trainer.save_every=10", "trainer.keep_last=10_000",
        ]

        /// The files of the checkpoint after `step` updates of a run that nothing interrupted.
        private func uninterrupted(
            _ settings: [String], validates: Bool = false, step: Int, in folder: DistillFolder
        ) throws -> [String: Data] {
            let run = RunFiles(folder.url.appendingPathComponent("uninterrupted"))
            try killColld(
                folder.arguments(settings, validates: validates, output: run.url), in: folder
            ) { run.linked("last").map { $0 >= step } ?? false }
            return try run.checkpoint(step)
        }

        @Test(
            "a run that is killed and resumed computes the same bits",
            arguments: [
                ([], false),
                (["trainer.accumulation=2", "objective.share_distractors=false"], false),
                (["trainer.validate_every=5", "objective.head=mlp"], true),
            ])
        func killed(_ settings: [String], validates: Bool) throws {
            let folder = try DistillFolder()
            let run = RunFiles(folder.output)
            let settings = Self.endless + settings
            // Twice: a resumed run is killed, too.
            for step in [10, 30] {
                let arguments = folder.arguments(
                    settings, validates: validates, resumes: step > 10)
                try killColld(arguments, in: folder) {
                    run.linked("last").map { $0 >= step } ?? false
                }
                #expect(!run.exists("model"))
            }
            let last = try #require(run.linked("last")) + 10
            try killColld(
                folder.arguments(settings, validates: validates, resumes: true), in: folder
            ) { run.linked("last").map { $0 >= last } ?? false }

            let expected = try uninterrupted(
                settings, validates: validates, step: last, in: folder)
            expectSame(try run.checkpoint(last), expected)
            // What was computed twice is told once.
            let steps = try run.steps("train")
            #expect(steps.starts(with: Array(1...last)))
            #expect(Set(steps).count == steps.count)
            if validates {
                let steps = try run.steps("valid")
                #expect(steps.starts(with: stride(from: 0, through: last, by: 5)))
                #expect(Set(steps).count == steps.count)
                let other = RunFiles(folder.url.appendingPathComponent("uninterrupted"))
                let count = last / 5 + 1
                #expect(
                    try run.losses("valid").prefix(count) == other.losses("valid").prefix(count))
            }
        }

        @Test("signals write a checkpoint and have codes of their own")
        func signals() throws {
            let folder = try DistillFolder()
            let run = RunFiles(folder.output)
            // Not at the steps at which checkpoints are due.
            let settings = Self.endless + ["trainer.save_every=1000"]
            var before = 0
            for (signal, status) in [(SIGTERM, 143), (SIGINT, 130), (SIGUSR1, 75)] {
                let process = try RunningColld(
                    folder.arguments(settings, resumes: before > 0), in: folder)
                try process.wait {
                    ((try? run.steps("train").last) ?? nil).map { $0 > before + 5 } ?? false
                }
                let result = try process.end(signal)
                #expect(result.status == Int32(status), "\(result.errors)")
                let step = try #require(run.linked("last"))
                #expect(step > before + 5)
                #expect(try run.steps("train") == Array(1...step))
                for said in ["signal \(signal)", "step \(step)", "--resume"] {
                    #expect(result.errors.contains(said), "\(result.errors)")
                }
                #expect(!run.exists("model"))
                let log = try run.text("log.txt")
                #expect(log.contains("ended: stopped by signal \(signal) after step \(step);"))
                if before > 0 { #expect(log.contains("going on after step \(before) from ")) }
                before = step
            }
            let step = before + 10
            let often = Self.endless + ["trainer.save_every=\(step)"]
            try killColld(folder.arguments(often, resumes: true), in: folder) {
                run.linked("last") == step
            }
            expectSame(
                try run.checkpoint(step), try uninterrupted(often, step: step, in: folder))
        }

        @Test("a run that ended before its first checkpoint starts again")
        func nothingToResume() throws {
            let folder = try DistillFolder()
            let run = RunFiles(folder.output)
            let settings = [
                "regime.steps=30", "trainer.save_every=1000", "trainer.validate_every=10",
            ]
            // --resume starts a run where there is none.
            let arguments = folder.arguments(settings, validates: true, resumes: true)
            let endless = folder.arguments(
                settings + ["regime.steps=1_000_000"], validates: true, resumes: true)
            try killColld(endless, in: folder) {
                ((try? run.steps("train").last) ?? nil).map { $0 > 5 } ?? false
            }
            #expect(run.linked("last") == nil)
            // The same run, as --resume asks for.
            let text = try run.text("config.yaml")
            try text.replacingOccurrences(of: "steps: 1000000", with: "steps: 30")
                .write(to: run("config.yaml"), atomically: true, encoding: .utf8)
            try expectColld(arguments, exits: 0)
            #expect(try run.steps("train") == Array(1...30))
            #expect(try run.steps("valid") == [0, 10, 20, 30])
        }

        @Test("what a killed process left half written is passed over")
        func leftovers() throws {
            let folder = try DistillFolder()
            let run = RunFiles(folder.output)
            try killColld(folder.arguments(Self.endless), in: folder) { run.linked("last") != nil }
            let step = try #require(run.linked("last"))
            let half = run("checkpoints/step_\(step + 10).tmp")
            let other = run("checkpoints/step_999990.tmp")
            for folder in [half, other] {
                try? FileManager.default.createDirectory(
                    at: folder, withIntermediateDirectories: true)
                try Data("half a file".utf8).write(
                    to: folder.appendingPathComponent("model.safetensors"))
            }
            try Data("half".utf8).write(to: run("checkpoints/last.tmp"))
            // Half a line at the end of the metrics.
            let log = try FileHandle(forWritingTo: run("metrics/train.jsonl"))
            try log.seekToEnd()
            try log.write(contentsOf: Data("{\"step\":\(step),\"lo".utf8))
            try log.close()
            try killColld(folder.arguments(Self.endless, resumes: true), in: folder) {
                run.linked("last").map { $0 >= step + 10 } ?? false
            }
            #expect(!FileManager.default.fileExists(atPath: half.path))
            #expect(try run.steps("train").prefix(step + 10) == Array(1...(step + 10))[...])
            expectSame(
                try run.checkpoint(step + 10),
                try uninterrupted(Self.endless, step: step + 10, in: folder))
        }

        @Test("only the same run is resumed")
        func differences() throws {
            let folder = try DistillFolder()
            let run = RunFiles(folder.output)
            let settings = ["regime.steps=4", "trainer.save_every=2"]
            try expectColld(folder.arguments(settings), exits: 0)
            let model = try Data(contentsOf: run("model/model.safetensors"))

            try expectColld(
                folder.arguments(settings), exits: 2, saying: [run.url.path, "--resume"])
            try expectColld(
                folder.arguments(
                    settings + ["optimizer.lr=1e-3", "objective.masking.length=5"], resumes: true),
                exits: 2,
                saying: [
                    "config.yaml", "optimizer.lr: expected 0.002; found 0.001",
                    "objective.masking.length: expected 10; found 5",
                ])
            try expectColld(
                folder.arguments(
                    settings + ["student.design=2x64"], teacher: Fixtures.model("w2vbert"),
                    resumes: true), exits: 2, saying: ["student.design"])
            try expectColld(
                folder.arguments(
                    settings, teacher: Fixtures.model("w2vbert_adapter_ctc"), resumes: true),
                exits: 2, saying: ["run.json", "models", "expected", "found"])
            #expect(try Data(contentsOf: run("model/model.safetensors")) == model)
            // What changes neither data nor weights may differ; a finished run gives its result.
            let free = ["trainer.log_every=3", "trainer.save_every=7", "trainer.keep_last=1"]
            try FileManager.default.removeItem(at: run("model"))
            try expectColld(
                folder.arguments(settings + free + ["dataset.prefetch=2"], resumes: true), exits: 0)
            #expect(try Data(contentsOf: run("model/model.safetensors")) == model)
            #expect(try run.steps("train") == [1, 2, 3, 4])
        }

        @Test("a damaged checkpoint is an error that names the file")
        func damaged() throws {
            let folder = try DistillFolder()
            let run = RunFiles(folder.output)
            let settings = ["regime.steps=4", "trainer.save_every=2"]
            try expectColld(folder.arguments(settings), exits: 0)
            let whole = run("checkpoints/step_4")
            for name in ["model", "heads", "optimizer"] {
                let file = whole.appendingPathComponent("\(name).safetensors")
                let bytes = try Data(contentsOf: file)
                try bytes.prefix(bytes.count - 1).write(to: file)
                try expectColld(
                    folder.arguments(settings, resumes: true), exits: 2, saying: [file.path])
                try bytes.write(to: file)
            }
            let heads = whole.appendingPathComponent("heads.safetensors")
            let model = try Data(contentsOf: whole.appendingPathComponent("model.safetensors"))
            let bytes = try Data(contentsOf: heads)
            try model.write(to: heads)
            try expectColld(
                folder.arguments(settings, resumes: true), exits: 2,
                saying: [heads.path, "heads.", "no such tensor"])
            try bytes.write(to: heads)
            let trainer = whole.appendingPathComponent("trainer.json")
            try Data("{}".utf8).write(to: trainer)
            try expectColld(
                folder.arguments(settings, resumes: true), exits: 2, saying: [trainer.path])
        }
    }
}
