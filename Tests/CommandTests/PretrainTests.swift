import Foundation
import SpeechCore
import TestSupport
import Testing

extension Commands {
    @Suite("pretrain") struct PretrainTests {
        /// Small, fast, and computed the same way by whatever processor.
        private static let settings = [
            "trainer.precision=fp32", "dataset.max_seconds=6", "dataset.threads=1",
            "optimizer.lr=2e-3", "lr_scheduler.warmup=4", "trainer.log_every=1",
        ]

        /// Of each objective in small.
        private static let small: [String: [String]] = [
            "wav2vec2": ["objective.quantizer.entries=16", "objective.quantizer.width=16"],
            "random_projection": ["objective.codes.entries=32"],
            "w2v_bert": ["objective.quantizer.entries=16", "objective.quantizer.width=16"],
        ]

        private func arguments(
            _ folder: DistillFolder, _ objective: String, _ settings: [String] = [],
            model: URL? = nil, validates: Bool = false, resumes: Bool = false, output: URL? = nil
        ) -> [String] {
            var arguments = [
                "pretrain", "--train", folder.train.path, "--output",
                (output ?? folder.output).path,
            ]
            if let model {
                arguments += ["--model", model.path]
            } else {
                arguments.append("model.design={layers: 2, width: 32, heads: 4}")
            }
            if validates { arguments += ["--valid", folder.valid.path] }
            if resumes { arguments.append("--resume") }
            return arguments + Self.settings + ["objective.name=\(objective)"]
                + (Self.small[objective] ?? []) + settings
        }

        @Test(
            "the validation loss falls", arguments: ["wav2vec2", "random_projection", "w2v_bert"])
        func learning(_ objective: String) throws {
            let folder = try DistillFolder()
            let run = RunFiles(folder.output)
            let settings = ["regime.steps=60", "trainer.log_every=20", "trainer.validate_every=30"]
            let result = try expectColld(
                arguments(folder, objective, settings, validates: true), exits: 0)
            #expect(result.output == run("model").path + "\n")
            let losses = try run.losses("valid")
            #expect(losses.count == 3)
            #expect(losses[1] < losses[0] && losses[2] < losses[0] - 0.1, "\(losses)")
            let last = try #require(try run.lines("metrics/valid.jsonl").last)
            let names = ["code_entropy", "code_perplexity"]
            for name in names { #expect((last[name] as? Double)?.isFinite == true, "\(name)") }
            #expect((last["prediction_loss"] == nil) == (objective == "wav2vec2"))
            #expect((last["contrastive/accuracy"] == nil) == (objective == "random_projection"))
            let card = try run.text("model/README.md")
            #expect(card.contains("pre-trained without a teacher, from random weights"))
            #expect(!card.contains("distil"))
            try expectColld(["inspect", run("model").path], exits: 0)
        }

        @Test(
            "a run that is killed and resumed computes the same bits",
            arguments: ["random_projection", "w2v_bert"])
        func killed(_ objective: String) throws {
            let folder = try DistillFolder()
            let run = RunFiles(folder.output)
            let endless = [
                "regime.steps=1_000_000", "trainer.save_every=10", "trainer.keep_last=1000",
            ]
            try killColld(arguments(folder, objective, endless), in: folder) {
                run.linked("last") != nil
            }
            let step = try #require(run.linked("last")) + 10
            try killColld(arguments(folder, objective, endless, resumes: true), in: folder) {
                run.linked("last").map { $0 >= step } ?? false
            }
            let other = RunFiles(folder.url.appendingPathComponent("other"))
            try killColld(arguments(folder, objective, endless, output: other.url), in: folder) {
                other.linked("last").map { $0 >= step } ?? false
            }
            expectSame(try run.checkpoint(step), try other.checkpoint(step))
            if objective == "random_projection" {
                let heads = try SafetensorsFile(
                    path: run("checkpoints/step_\(step)/heads.safetensors").path)
                #expect(heads.entry("random_projection.codebooks")?.shape == [1, 32, 16])
            }
        }

        @Test("training goes on from a model")
        func continued() throws {
            let folder = try DistillFolder()
            let model = try ModelFiles.copy("w2vbert_adapter_ctc", into: folder.url)
            try Data("---\nlicense: mit\n---\n".utf8).write(
                to: model.appendingPathComponent("README.md"))
            try expectColld(
                arguments(folder, "random_projection", ["regime.steps=1"], model: model), exits: 0,
                saying: ["going on from \(model.path)"])
            let run = RunFiles(folder.output)
            let card = try run.text("model/README.md")
            #expect(card.contains("from the weights of `w2vbert_adapter_ctc`"))
            #expect(card.contains("license: mit") && !card.contains(folder.url.path))
            // One update moves each weight by hardly more than the learning rate.
            let name = "encoder.layers.0.ffn1.intermediate_dense.weight"
            let before = try SafetensorsFile(
                path: model.appendingPathComponent("model.safetensors").path)
            let after = try SafetensorsFile(path: run("model/model.safetensors").path)
            expectClose(
                try after.floats(name), try before.floats("wav2vec2_bert." + name), within: 1e-2,
                "weights")
            #expect(try after.floats(name) != before.floats("wav2vec2_bert." + name))
            #expect(after.names.allSatisfy { !$0.hasPrefix("adapter.") })
            // Another model is another run.
            try expectColld(
                arguments(
                    folder, "random_projection", ["regime.steps=1"],
                    model: Fixtures.model("w2vbert"), resumes: true), exits: 2,
                saying: ["run.json", "models"])
        }

        @Test("a checkpoint's quantiser is trained on")
        func quantizer() throws {
            let folder = try DistillFolder()
            let model = Fixtures.model("wav2vec2_xlsr")
            let sizes = [
                "regime.steps=1", "trainer.save_every=1", "objective.quantizer.entries=6",
                "objective.quantizer.width=8", "objective.width=8",
            ]
            try expectColld(
                arguments(folder, "wav2vec2", sizes, model: model), exits: 0,
                saying: ["with its quantiser"])
            let heads = try SafetensorsFile(
                path: RunFiles(folder.output)("checkpoints/step_1/heads.safetensors").path)
            let stored = try SafetensorsFile(
                path: model.appendingPathComponent("model.safetensors").path)
            for name in ["quantizer.codevectors", "project_q.weight", "project_hid.bias"] {
                expectClose(
                    try heads.floats(name), try stored.floats(name), within: 1e-2, name)
            }
            let other = folder.url.appendingPathComponent("other")
            try expectColld(
                arguments(folder, "wav2vec2", ["regime.steps=1"], model: model, output: other),
                exits: 2,
                saying: ["objective.quantizer", "[1, 12, 4]", "model.keep_quantizer=false"])
            let new = try expectColld(
                arguments(
                    folder, "wav2vec2", ["regime.steps=1", "model.keep_quantizer=false"],
                    model: model, output: other), exits: 0)
            #expect(!new.errors.contains("with its quantiser"))
        }

        @Test("input that cannot be is refused before anything is written")
        func refused() throws {
            let folder = try DistillFolder(training: 2, validation: 1)
            let short = ["regime.steps=2"]
            func refuses(
                _ settings: [String], model: URL? = nil, objective: String = "w2v_bert",
                saying fragments: [String], sourceLocation: SourceLocation = #_sourceLocation
            ) throws {
                try expectColld(
                    arguments(folder, objective, short + settings, model: model), exits: 2,
                    saying: fragments, sourceLocation: sourceLocation)
            }
            let whisper = ["model.family", "masked_spec_embed", "found whisper"]
            try refuses([], model: Fixtures.model("whisper_encoder"), saying: whisper)
            try refuses(
                ["objective.contrastive_layer=3"],
                saying: ["objective.contrastive_layer", "1 … 2", "found 3"])
            try refuses(
                ["objective.targetz=quantizer"],
                saying: ["'objective.targetz'", "'objective.targets'"])
            try refuses(
                ["model.design=2x64"], model: Fixtures.model("w2vbert"),
                saying: ["model.design", "auto"])
            try refuses(["model.design={layers: 0, width: 32}"], saying: ["model.layers"])
            try refuses([], model: folder.url.appendingPathComponent("none"), saying: ["none"])
            #expect(!RunFiles(folder.url).exists("run"))
            for missing in ["--train", "--output"] {
                let flags = ["--train", "--output"].filter { $0 != missing }
                try expectColld(
                    ["pretrain"] + flags.flatMap { [$0, "x"] }, exits: 64,
                    saying: ["Missing", missing])
            }
        }

        @Test("--dump-config prints what --config takes")
        func dump() throws {
            try withTemporaryDirectory { folder in
                let file = folder.appendingPathComponent("run.yaml")
                let overrides = ["model.design=4x96", "objective.name=wav2vec2"]
                let first = try runColld(["pretrain", "--dump-config"] + overrides)
                #expect(first.status == 0, "\(first.errors)")
                #expect(first.output.contains("  design: 4x96\n"), "\(first.output)")
                try Data(first.output.utf8).write(to: file)
                let again = try runColld(["pretrain", "--dump-config", "--config", file.path])
                #expect(again.output == first.output)
            }
        }
    }
}
