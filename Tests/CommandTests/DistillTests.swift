import Foundation
import TestSupport
import Testing

extension Commands {
    @Suite("distill") struct DistillTests {
        @Test("a run leaves what it promises")
        func files() throws {
            let folder = try DistillFolder()
            let run = RunFiles(folder.output)
            let settings = [
                "regime.steps=8", "trainer.log_every=2", "trainer.validate_every=4",
                "trainer.save_every=3", "trainer.keep_last=1",
            ]
            let result = try runColld(folder.arguments(settings, validates: true))
            try #require(result.status == 0, "\(result.errors)")
            #expect(result.output == run("model").path + "\n")
            let names = try FileManager.default.contentsOfDirectory(atPath: run.url.path)
            #expect(
                names.sorted() == [
                    "checkpoints", "config.yaml", "log.txt", "metrics", "model", "run.json",
                ])

            // The file of a run, given as --config, is the same run.
            let config = try run.text("config.yaml")
            for line in ["  steps: 8\n", "  lr: 0.002\n", "  warmup: 4.0\n", "    layers: 2\n"] {
                #expect(config.contains(line), "\(config)")
            }
            let dumped = try runColld(
                ["distill", "--dump-config", "--config", run("config.yaml").path])
            #expect(dumped.output == config)

            let provenance = try #require(
                try JSONSerialization.jsonObject(with: Data(contentsOf: run("run.json")))
                    as? [String: Any])
            #expect(
                provenance.keys.sorted() == [
                    "command", "data_fingerprint", "libtorch", "models", "processor", "started",
                    "threads",
                ])
            #expect((provenance["command"] as? [String])?.contains("regime.steps=8") == true)
            let teacher = (provenance["models"] as? [[String: Any]])?.first
            #expect(teacher?["role"] as? String == "teacher")
            #expect(teacher?["name"] as? String == Fixtures.model("w2vbert").path)

            let train = try run.lines("metrics/train.jsonl")
            #expect(try run.steps("train") == [2, 4, 6, 8])
            let pairs = ["1:2", "2:3"].flatMap { pair in
                [
                    "loss", "accuracy", "positive_cosine", "negative_cosine", "target_cosine",
                    "prediction_rank", "target_rank",
                ]
                .map { "\(pair)/\($0)" }
            }
            let own = [
                "audio_seconds_per_second", "data_wait", "frames", "grad_norm", "loss", "lr",
                "skipped", "step", "time",
            ]
            for line in train {
                #expect(Set(line.keys) == Set(own + pairs))
                for (key, value) in line {
                    #expect((value as? Double)?.isFinite == true, "\(key) \(value)")
                }
                #expect(try #require(line["audio_seconds_per_second"] as? Double) > 0)
                #expect(0...1 ~= (line["data_wait"] as? Double ?? -1))
                #expect(line["skipped"] as? Int == 0)
            }
            // Warm-up over 4 updates, then straight to 0 at the end.
            let rates = try train.map { try #require($0["lr"] as? Double) }
            expectClose(rates, [1e-3, 2e-3, 1.5e-3, 0.5e-3], within: 1e-9, "learning rates")
            let valid = try run.lines("metrics/valid.jsonl")
            #expect(try run.steps("valid") == [0, 4, 8])
            for line in valid { #expect(Set(line.keys) == Set(["step", "loss"] + pairs)) }

            let log = try run.text("log.txt")
            for said in ["teacher wav2vec2-bert 3x32", "student 2x32", "10 utterances", "step 8/8"]
            {
                #expect(log.contains(said), "\(log)")
            }
            let model = try FileManager.default.contentsOfDirectory(atPath: run("model").path)
            #expect(
                model.sorted() == [
                    "README.md", "config.json", "model.safetensors", "preprocessor_config.json",
                ])
        }

        @Test("the student learns")
        func learning() throws {
            let folder = try DistillFolder()
            let run = RunFiles(folder.output)
            let settings = ["regime.steps=60", "trainer.log_every=10", "trainer.validate_every=30"]
            try expectColld(folder.arguments(settings, validates: true), exits: 0)
            let train = try run.losses("train")
            let valid = try run.losses("valid")
            #expect(zip(train, train.dropFirst()).allSatisfy { $0 > $1 }, "\(train)")
            #expect(valid[1] < valid[0] - 0.2 && valid[2] < valid[1], "\(valid)")
        }

        @Test("the best checkpoint stays and is the result")
        func best() throws {
            let folder = try DistillFolder()
            let run = RunFiles(folder.output)
            let settings = ["regime.steps=12", "trainer.validate_every=3", "trainer.save_every=4"]
            let many = folder.arguments(settings + ["trainer.keep_last=100"], validates: true)
            try expectColld(many, exits: 0)
            #expect(run.checkpoints == [12, 3, 4, 6, 8, 9].map { "step_\($0)" })
            let losses = try run.losses("valid")
            let lowest = try #require(losses.indices.dropFirst().min { losses[$0] < losses[$1] })
            #expect(run.linked("best") == 3 * lowest)
            #expect(
                try run.checkpoint(3 * lowest)["model.safetensors"]
                    == Data(contentsOf: run("model/model.safetensors")))

            // As if the sixth step had been better than anything that follows.
            let file = run("checkpoints/step_6/trainer.json")
            var state = try #require(
                try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
            #expect(state["step"] as? Int == 6)
            (state["best_loss"], state["best_step"]) = (0.5, 6)
            try JSONSerialization.data(withJSONObject: state).write(to: file)
            try FileManager.default.removeItem(at: run("checkpoints/last"))
            try FileManager.default.createSymbolicLink(
                atPath: run("checkpoints/last").path, withDestinationPath: "step_6")
            let best = try run.checkpoint(6)
            let few = folder.arguments(
                settings + ["trainer.keep_last=2"], validates: true, resumes: true)
            try expectColld(few, exits: 0)
            #expect(run.linked("best") == 6)
            #expect(run.linked("last") == 12)
            #expect(run.checkpoints == ["step_12", "step_6", "step_9"])
            expectSame(try run.checkpoint(6), best)
            let result = try Data(contentsOf: run("model/model.safetensors"))
            #expect(best["model.safetensors"] == result)
            #expect(try run.checkpoint(12)["model.safetensors"] != result)
            #expect(try run.text("model/README.md").contains("| validation loss | 0.5000 |"))
            #expect(try run.text("model/README.md").contains("| updates | 6 |"))
        }

        @Test("without validation the last checkpoint is the result")
        func last() throws {
            let folder = try DistillFolder()
            let run = RunFiles(folder.output)
            let settings = ["regime.steps=7", "trainer.save_every=2", "trainer.keep_last=2"]
            try expectColld(folder.arguments(settings), exits: 0)
            #expect(run.checkpoints == ["step_6", "step_7"])
            #expect(run.linked("best") == nil)
            #expect(
                try run.checkpoint(7)["model.safetensors"]
                    == Data(contentsOf: run("model/model.safetensors")))
        }

        @Test("the card tells the teacher's licence")
        func licence() throws {
            let folder = try DistillFolder()
            let teacher = try ModelFiles.copy("w2vbert", into: folder.url)
            let settings = ["regime.steps=1"]
            try expectColld(folder.arguments(settings, teacher: teacher), exits: 0)
            let silent = try RunFiles(folder.output).text("model/README.md")
            #expect(!silent.contains("\nlicense:"))
            #expect(silent.contains("states no licence"))

            let card =
                "---\nlanguage:\n- de\nlicense: cc-by-nc-4.0\ntags: [x]\n---\n\n# A teacher\n"
            try Data(card.utf8).write(to: teacher.appendingPathComponent("README.md"))
            let other = folder.url.appendingPathComponent("other")
            try expectColld(
                folder.arguments(settings, teacher: teacher, output: other), exits: 0)
            let text = try RunFiles(other).text("model/README.md")
            let front = try #require(text.components(separatedBy: "---\n").dropFirst().first)
            let lines = front.split(separator: "\n")
            #expect(lines.contains("license: cc-by-nc-4.0"))
            #expect(lines.contains("base_model: w2vbert"))
            #expect(lines.contains("library_name: transformers"))
            // A path of this machine says nothing to others.
            #expect(!text.contains(folder.url.path))
        }

        @Test("the same seed computes the same bits, another one others")
        func seeds() throws {
            let folder = try DistillFolder()
            let models = try ["1", "1", "2"].enumerated().map { number, seed in
                let output = folder.url.appendingPathComponent("run\(number)")
                try expectColld(
                    folder.arguments(
                        ["regime.steps=5", "common.seed=\(seed)"], output: output), exits: 0)
                return try Data(contentsOf: RunFiles(output)("model/model.safetensors"))
            }
            #expect(models[0] == models[1])
            #expect(models[0] != models[2])
        }
    }

    @Suite("distill, settings") struct DistillSettingsTests {
        @Test("--dump-config prints what --config takes")
        func dump() throws {
            try withTemporaryDirectory { folder in
                let file = folder.appendingPathComponent("run.yaml")
                let overrides = [
                    "optimizer.lr=1e-4", "regime.steps=800_000",
                    "student.design={layers: 4, width: 96, heads: 3}",
                ]
                let first = try runColld(["distill", "--dump-config"] + overrides)
                #expect(first.status == 0 && first.errors.isEmpty, "\(first.errors)")
                for line in ["  lr: 0.0001\n", "  steps: 800000\n", "    heads: 3\n"] {
                    #expect(first.output.contains(line), "\(first.output)")
                }
                try Data(first.output.utf8).write(to: file)
                let again = try runColld(["distill", "--dump-config", "--config", file.path])
                #expect(again.output == first.output)
                let changed = try runColld(
                    ["distill", "--dump-config", "--config", file.path, "student.design=2x64"])
                #expect(changed.output.contains("  design: 2x64\n"))
            }
        }

        @Test(
            "settings that cannot be are refused before anything is read",
            arguments: [
                ("optimizer.lrr=1", ["'optimizer.lrr'", "'optimizer.lr'"]),
                ("regime.steps=0", ["regime.steps", "1 or more", "found 0"]),
                ("optimizer.lr=fast", ["optimizer.lr", "a number", "'fast'"]),
                ("student.design=12x", ["student.design", "layers x width", "'12x'"]),
                ("steps", ["'steps'", "key=value"]),
                ("dataset.max_seconds=-1", ["dataset.max_seconds", "found -1"]),
            ])
        func refused(_ override: String, _ said: [String]) throws {
            try expectColld(["distill", "--dump-config", override], exits: 2, saying: said)
            try expectColld(
                [
                    "distill", "--teacher", "nowhere", "--train", "nowhere", "--output", "nowhere",
                    override,
                ], exits: 2, saying: said)
        }

        @Test("places are flags and must be given")
        func usage() throws {
            for missing in ["--teacher", "--train", "--output"] {
                let flags = ["--teacher", "--train", "--output"].filter { $0 != missing }
                try expectColld(
                    ["distill"] + flags.flatMap { [$0, "x"] }, exits: 64,
                    saying: ["Missing", missing])
            }
            let places = ["--teacher", "x", "--train", "x", "--output", "x"]
            try expectColld(
                ["distill"] + places + ["--steps", "5"], exits: 64, saying: ["'--steps'"])
        }
    }
}
