import Foundation
import SpeechCore
import TestSupport
import Testing

extension Commands {
    /// Joint distillation and pruning from the first update to the model that is left.
    @Suite("distill, pruning") struct DistillPruningTests {
        private static let pruning = [
            "objective.name=dphubert", "objective.target_sparsity=0.4",
            "objective.sparsity_ramp=0.25", "objective.gate_rate=100",
            "objective.multiplier_rate=1000",
            "student.design={layers: 3, width: 32, heads: 4, feed_forward: 64}",
            "student.initialization=copy_every", "optimizer.weight_decay=0",
            "trainer.validate_every=10",
        ]

        private func arguments(
            _ folder: DistillFolder, _ teacher: String, _ settings: [String],
            validates: Bool = true, resumes: Bool = false, to name: String = "run"
        ) -> [String] {
            folder.arguments(
                Self.pruning + settings, teacher: Fixtures.model(teacher), validates: validates,
                resumes: resumes, output: folder.url.appendingPathComponent(name))
        }

        /// The parameters that `colld inspect` counts.
        private func parameters(_ model: URL) throws -> Int {
            let report = try runColld(["inspect", model.path, "--json"])
            #expect(report.status == 0, "\(report.errors)")
            let data = Data(report.output.utf8)
            let object = try #require(
                try JSONSerialization.jsonObject(with: data) as? [String: Any])
            return try #require(object["parameters"] as? Int)
        }

        @Test(
            "the pruned model is as small as the run claims", arguments: ["hubert_base", "w2vbert"])
        func prunes(_ teacher: String) throws {
            let folder = try DistillFolder(training: 4, validation: 1)
            let run = RunFiles(folder.output)
            try expectColld(
                arguments(folder, teacher, ["regime.steps=40"]), exits: 0)
            let metrics = try run.lines("metrics/valid.jsonl")
            let last = try #require(metrics.last)
            let full = try parameters(Fixtures.model(teacher))
            let sparsity = try #require(last["sparsity"] as? Double)
            #expect(sparsity > 0.2, "\(sparsity)")
            #expect(try run.losses("valid").allSatisfy { $0 > -1 && $0 < 1 })

            // Nothing was chosen before the ramp had ended.
            let chosen = run.linked("best") ?? 40
            #expect(chosen >= 10)
            let claimed = try #require(metrics.first { $0["step"] as? Int == chosen })
            let size = try parameters(run("model"))
            #expect(claimed["pruned_size"] as? Double == Double(size))
            #expect(Double(size) < 0.85 * Double(full), "\(size) of \(full)")
            #expect(try run.text("log.txt").contains("to \(size) parameters"))
            let config = try #require(
                try JSONSerialization.jsonObject(with: Data(contentsOf: run("model/config.json")))
                    as? [String: Any])
            #expect(config["model_type"] as? String == "colld")
            let heads = try SafetensorsFile(path: run("model/heads.safetensors").path)
            #expect(
                heads.names.sorted() == [
                    "heads.0.bias", "heads.0.weight", "heads.rest.bias", "heads.rest.weight",
                ])
            let output = folder.url.appendingPathComponent("output.safetensors")
            try expectColld(
                [
                    "encode", "--model", run("model").path, "--audio", folder.recording(0).path,
                    "--output", output.path,
                ], exits: 0)
            #expect(FileManager.default.fileExists(atPath: output.path))

            // The second stage goes on from the pruned student and its heads, and keeps its size.
            let second = RunFiles(folder.url.appendingPathComponent("second"))
            let log = try expectColld(
                arguments(
                    folder, teacher, ["regime.steps=20", "objective.prunes=[]"], to: "second")
                    + ["--student", run("model").path], exits: 0,
                saying: ["heads from", "model/heads.safetensors"])
            #expect(!log.errors.contains("heads start anew"), "\(log.errors)")
            #expect(try parameters(second("model")) == size)
            let losses = try second.losses("valid")
            #expect(losses[losses.count - 1] < losses[0], "\(losses)")
        }

        /// Gates and multipliers are among what a checkpoint holds, and what gates draw is a function
        /// of the step.
        @Test("a resumed run computes the same bits")
        func resumes() throws {
            let folder = try DistillFolder(training: 4, validation: 1)
            let endless = [
                "regime.steps=1_000_000", "objective.sparsity_ramp=8", "trainer.save_every=4",
                "trainer.keep_last=10_000",
            ]
            let whole = RunFiles(folder.url.appendingPathComponent("whole"))
            try killColld(
                arguments(folder, "w2vbert", endless, validates: false, to: "whole"), in: folder
            ) { whole.linked("last").map { $0 >= 60 } ?? false }
            let run = RunFiles(folder.output)
            for step in [4, 20] {
                try killColld(
                    arguments(
                        folder, "w2vbert", endless, validates: false, resumes: step > 4),
                    in: folder
                ) { run.linked("last").map { $0 >= step } ?? false }
            }
            let steps = whole.checkpoints.compactMap { Int($0.dropFirst("step_".count)) }
            let step = try #require(run.linked("last"))
            let common = try #require(steps.contains(step) ? step : steps.max())
            expectSame(try run.checkpoint(common), try whole.checkpoint(common))
        }

        @Test("settings that do not fit are refused")
        func settings() throws {
            let folder = try DistillFolder(training: 2, validation: 1)
            for (settings, said) in [
                (["objective.target_sparsity=1.5"], "objective.target_sparsity"),
                (["objective.prunes=[heads, legs]"], "convolution, heads, feed_forward"),
                (["objective.layers=[0, 9]"], "objective.layers"),
                (["objective.masking={sampler: none}"], "objective.masking"),
                (["student.design=2x32", "student.initialization=random"], "student.design"),
            ] {
                try expectColld(
                    arguments(folder, "w2vbert", ["regime.steps=2"] + settings), exits: 2,
                    saying: [said])
            }
        }
    }
}
