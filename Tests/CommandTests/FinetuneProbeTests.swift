import Foundation
import SpeechCore
import TestSupport
import Testing

extension Commands {
    @Suite("finetune with a probe") struct FinetuneProbeTests {
        private static let probe = ["objective.probe=ml_superb", "lr_scheduler.name=constant"]

        @Test("the loss falls; the probe, its figures and shares are written, the encoder is not")
        func learning() throws {
            let folder = try FinetuneFolder(training: 6, validation: 1)
            try folder.write(Array(0..<6), to: folder.valid)
            let run = RunFiles(folder.output)
            let result = try expectColld(
                folder.arguments(
                    Self.probe + [
                        "regime.steps=12", "trainer.validate_every=6", "optimizer.lr=1e-3",
                        "tokenizer.language_tags=true",
                    ], validates: true),
                exits: 0,
                saying: ["probe ml_superb, ", "tokens of the transcripts", "probe written to"])
            #expect(result.output == run("model").path + "\n")
            let losses = try run.losses("valid")
            #expect(losses.count == 3 && losses[2] < 0.5 * losses[0], "\(losses)")
            let last = try #require(try run.lines("metrics/valid.jsonl").last)
            let layers = last.keys.filter { $0.hasPrefix("layer_share/") }.sorted()
            let sum = layers.compactMap { last[$0] as? Double }.reduce(0, +)
            expectClose(sum, 1, within: 1e-5)
            let training = try #require(try run.lines("metrics/train.jsonl").last)
            #expect(layers.allSatisfy { training[$0] is Double })

            let names = try FileManager.default.contentsOfDirectory(atPath: run("model").path)
            #expect(
                Set(names) == [
                    "README.md", "probe.safetensors", "results.json", "special_tokens_map.json",
                    "tokenizer_config.json", "vocab.json",
                ])
            let results = try #require(
                try JSONSerialization.jsonObject(with: Data(contentsOf: run("model/results.json")))
                    as? [String: Any])
            let encoder = try #require(results["encoder"] as? [String: Any])
            #expect(encoder["name"] as? String == Fixtures.model("w2vbert").path)
            #expect(encoder["layers"] as? Int == layers.count - 1)
            #expect(results["probe"] as? String == "ml_superb")
            let shares = try #require(results["layer_shares"] as? [Double])
            #expect(shares.count == layers.count)
            let step = try #require(results["updates"] as? Int)
            let best = try #require(
                try run.lines("metrics/valid.jsonl").first { $0["step"] as? Int == step })
            #expect(best["loss"] as? Double == losses.dropFirst().min())
            expectClose(
                shares[0], try #require(best["layer_share/0"] as? Double), within: 1e-6)
            let languages = try #require(results["languages"] as? [String: [String: Double]])
            #expect(languages.keys.sorted() == ["de", "sw"])
            for name in ["cer", "wer", "loss", "language_accuracy"] {
                #expect(languages["sw"]?[name] == best["\(name)/sw"] as? Double, "\(name)")
            }
            let weights = try SafetensorsFile(path: run("model/probe.safetensors").path)
            #expect(weights.entry("featurizer.weights")?.shape == [layers.count])
            #expect(weights.entry("ctc.ctc_lo.weight")?.shape == [15, 256])
            let card = try run.text("model/README.md")
            #expect(card.contains("# ML-SUPERB probe of `w2vbert`") && card.contains("| sw | "))
            #expect(!card.contains(folder.url.path))
        }

        @Test("a run that is killed and resumed computes the same bits")
        func killed() throws {
            let folder = try FinetuneFolder(training: 4, validation: 1)
            let run = RunFiles(folder.output)
            let endless =
                Self.probe + [
                    "regime.steps=1_000_000", "trainer.save_every=2", "trainer.keep_last=1000",
                ]
            func arguments(resumes: Bool = false, output: URL? = nil) -> [String] {
                folder.arguments(endless, resumes: resumes, output: output)
            }
            try killColld(arguments(), in: folder.recordings) { run.linked("last") != nil }
            let step = try #require(run.linked("last")) + 2
            try killColld(arguments(resumes: true), in: folder.recordings) {
                run.linked("last").map { $0 >= step } ?? false
            }
            let other = RunFiles(folder.url.appendingPathComponent("other"))
            try killColld(arguments(output: other.url), in: folder.recordings) {
                other.linked("last").map { $0 >= step } ?? false
            }
            let (first, second) = (try run.checkpoint(step), try other.checkpoint(step))
            // The encoder is where it was.
            #expect(
                first.keys.sorted() == [
                    "heads.safetensors", "optimizer.safetensors", "trainer.json",
                ])
            for (name, data) in first { #expect(second[name] == data, "\(name)") }
        }

        @Test("languages alone are learned, by a vocabulary that is not the model's")
        func languages() throws {
            let folder = try FinetuneFolder(training: 4, validation: 2)
            try folder.write(Array(0..<4), to: folder.train, changes: [1: ["text": "ja!"]])
            try folder.write([4, 5], to: folder.valid, changes: [4: ["text": NSNull()]])
            let language = [
                "tokenizer.target=language", "regime.steps=1", "trainer.validate_every=1",
            ]
            try expectColld(
                folder.arguments(
                    Self.probe + language + ["tokenizer.language_tags=true"],
                    model: Fixtures.model("wav2vec2_ctc"), validates: true),
                exits: 0, saying: ["of the transcripts; tags of de, sw", "language "])
            let run = RunFiles(folder.output)
            let last = try #require(try run.lines("metrics/valid.jsonl").last)
            for name in ["language_accuracy", "language_accuracy/de", "loss/sw"] {
                #expect((last[name] as? Double)?.isFinite == true, "\(name)")
            }
            #expect(last.keys.allSatisfy { !$0.hasPrefix("cer") && !$0.hasPrefix("wer") })
            #expect(try run.text("model/README.md").contains("| | language | loss |"))
            // Without tags there is nothing to learn, with a probe or without.
            for settings in [Self.probe, []] {
                try expectColld(
                    folder.arguments(
                        settings + language, output: folder.url.appendingPathComponent("other")),
                    exits: 2, saying: ["tokenizer.target=language", "tokenizer.language_tags=true"])
            }
        }

        @Test("what would change the encoder is refused")
        func refused() throws {
            let folder = try FinetuneFolder(training: 2, validation: 1)
            func refuses(
                _ settings: [String], saying fragments: [String],
                sourceLocation: SourceLocation = #_sourceLocation
            ) throws {
                try expectColld(
                    folder.arguments(settings), exits: 2, saying: fragments,
                    sourceLocation: sourceLocation)
            }
            try refuses(
                Self.probe + ["objective.layer_drop=0.1"],
                saying: ["objective.layer_drop", "0 with objective.probe=ml_superb", "0.1"])
            try refuses(
                Self.probe + ["model.hidden_dropout=0.1"],
                saying: ["model.hidden_dropout", "0 with objective.probe=ml_superb", "0.1"])
            try refuses(
                ["objective.probe=sperb"], saying: ["objective.probe", "ml_superb", "sperb"])
            #expect(!RunFiles(folder.url).exists("run"))
        }
    }
}
