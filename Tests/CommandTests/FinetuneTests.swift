import Foundation
import SpeechCore
import TestSupport
import Testing

extension Commands {
    @Suite("finetune") struct FinetuneTests {
        @Test("the loss falls and the best model is a recogniser")
        func learning() throws {
            let folder = try FinetuneFolder()
            // The training is validated on, so that something can be learned.
            try folder.write(Array(0..<8), to: folder.valid)
            let run = RunFiles(folder.output)
            let settings = [
                "regime.steps=40", "trainer.validate_every=20", "tokenizer.language_tags=true",
                "objective.masking={time_probability: 0, channel_probability: 0}",
                "objective.layer_drop=0", "optimizer.lr=5e-3",
            ]
            let result = try expectColld(
                folder.arguments(settings, validates: true), exits: 0,
                saying: [
                    "vocabulary of 15 tokens of the transcripts; tags of de, sw",
                    "is heard as",
                ])
            #expect(result.output == run("model").path + "\n")
            let losses = try run.losses("valid")
            #expect(losses.count == 3 && losses[2] < 0.7 * losses[0], "\(losses)")
            let last = try #require(try run.lines("metrics/valid.jsonl").last)
            let names = ["cer", "wer", "cer_macro", "wer_macro", "language_accuracy"]
            for name in names + ["cer/de", "wer/sw", "loss/de", "language_accuracy/sw"] {
                #expect((last[name] as? Double)?.isFinite == true, "\(name)")
            }
            let macro = try #require(last["cer_macro"] as? Double)
            let each = try ["cer/de", "cer/sw"].map { try #require(last[$0] as? Double) }
            #expect(abs(macro - (each[0] + each[1]) / 2) < 1e-9)

            let model = try ModelDirectory(run("model").path)
            let config = try run.text("model/config.json")
            for line in [
                "\"Wav2Vec2BertForCTC\"", "\"vocab_size\": 15", "\"pad_token_id\": 0",
                "\"ctc_loss_reduction\": \"sum\"", "\"ctc_zero_infinity\": true",
                "\"final_dropout\": 0", "\"activation_dropout\": 0.1",
            ] { #expect(config.contains(line), "\(line)") }
            let tokenizer = try #require(try CTCTokenizer(model))
            #expect(tokenizer.languageTags == ["de": 3, "sw": 4])
            #expect(tokenizer.preparation?.lowersCase == true)
            let weights = try SafetensorsFile(path: run("model/model.safetensors").path)
            #expect(weights.entry("lm_head.weight")?.shape == [15, 32])
            #expect(
                weights.names.allSatisfy { $0.hasPrefix("wav2vec2_bert.") || $0.hasPrefix("lm_") })
            let card = try run.text("model/README.md")
            #expect(card.contains("`w2vbert` fine-tuned for recognition with CTC, 15 tokens."))
            #expect(card.contains("validation CER") && card.contains("`[de]`, `[sw]`"))
            #expect(!card.contains(folder.url.path))
            try expectColld(["inspect", run("model").path], exits: 0, saying: [])
        }

        /// Masks, dropout and dropped layers come from the step, so nothing else has to be stored.
        @Test("a run that is killed and resumed computes the same bits")
        func killed() throws {
            let folder = try FinetuneFolder()
            let run = RunFiles(folder.output)
            let endless = [
                "regime.steps=1_000_000", "trainer.save_every=5", "trainer.keep_last=1000",
                "model.hidden_dropout=0.1", "model.attention_dropout=0.1",
                "objective.final_dropout=0.1", "objective.layer_drop=0.3",
                "objective.freeze_encoder_updates=8",
            ]
            func arguments(resumes: Bool = false, output: URL? = nil) -> [String] {
                folder.arguments(endless, resumes: resumes, output: output)
            }
            try killColld(arguments(), in: folder.recordings) { run.linked("last") != nil }
            let step = try #require(run.linked("last")) + 10
            try killColld(arguments(resumes: true), in: folder.recordings) {
                run.linked("last").map { $0 >= step } ?? false
            }
            let other = RunFiles(folder.url.appendingPathComponent("other"))
            try killColld(arguments(output: other.url), in: folder.recordings) {
                other.linked("last").map { $0 >= step } ?? false
            }
            expectSame(try run.checkpoint(step), try other.checkpoint(step))
            // Another vocabulary is another run.
            let vocabulary = try folder.vocabulary(["<pad>", "<unk>", "|", "a"])
            try expectColld(
                folder.arguments(endless, tokenizer: vocabulary, resumes: true), exits: 2,
                saying: ["run.json", "models"])
        }

        @Test("a recogniser is trained on with its own vocabulary and head")
        func continued() throws {
            let folder = try FinetuneFolder()
            let model = Fixtures.model("wav2vec2_ctc")
            let settings = ["regime.steps=1", "optimizer.lr=1e-6"]
            try expectColld(
                folder.arguments(settings, model: model), exits: 0,
                saying: [
                    "vocabulary of 32 tokens of the model; the head is trained on",
                    "warning: ", "(U+0061)",
                ])
            let run = RunFiles(folder.output)
            let before = try SafetensorsFile(
                path: model.appendingPathComponent("model.safetensors").path)
            let after = try SafetensorsFile(path: run("model/model.safetensors").path)
            for name in ["lm_head.weight", "lm_head.bias"] {
                expectClose(try after.floats(name), try before.floats(name), within: 1e-5, name)
            }
            #expect(
                try run.text("model/vocab.json")
                    == String(
                        contentsOf: model.appendingPathComponent("vocab.json"), encoding: .utf8))
            // From the corpus where that is asked for.
            try expectColld(
                folder.arguments(
                    settings + ["tokenizer.source=corpus"], model: model,
                    output: folder.url.appendingPathComponent("other")), exits: 0,
                saying: ["vocabulary of 13 tokens of the transcripts"])
        }

        @Test("students with sizes of their own keep them")
        func structured() throws {
            let folder = try FinetuneFolder(training: 4, validation: 1)
            let student = folder.url.appendingPathComponent("student")
            try expectColld(
                folder.recordings.arguments(
                    [
                        "regime.steps=1",
                        "student.design={layers: 2, width: 32, heads: 4, time_reduction: 2}",
                    ],
                    output: student), exits: 0)
            let model = student.appendingPathComponent("model")
            try expectColld(folder.arguments(["regime.steps=1"], model: model), exits: 0)
            let run = RunFiles(folder.output)
            let config = try run.text("model/config.json")
            #expect(config.contains("\"model_type\": \"colld\"") && config.contains("vocab_size"))
            #expect(try run.text("model/README.md").contains("`transformers` does not"))
            let output = folder.url.appendingPathComponent("logits.safetensors")
            try expectColld(
                [
                    "encode", "--model", run("model").path, "--logits", "--output", output.path,
                    "--audio", ModelFiles.speechFiles[0],
                ], exits: 0)
            #expect(try SafetensorsFile(path: output.path).entry("logits")?.shape.last == 13)
        }

        @Test("what cannot be learned is left out with the reason")
        func leftOut() throws {
            let folder = try FinetuneFolder()
            let long = String(repeating: "ab ", count: 100)
            try folder.write(
                Array(0..<8), to: folder.train,
                changes: [1: ["text": long], 2: ["text": NSNull()], 3: ["duration": 30]])
            try folder.write([8, 9], to: folder.valid, changes: [8: ["text": long]])
            try expectColld(
                folder.arguments(["regime.steps=2", "trainer.validate_every=1"], validates: true),
                exits: 0, saying: ["5 utterances", "3 left out", "skipped u8: too many labels"])
            let lines = try RunFiles(folder.output).lines("skipped.jsonl")
            let reasons = Dictionary(
                uniqueKeysWithValues: lines.map {
                    ($0["id"] as? String ?? "", $0["reason"] as? String ?? "")
                })
            #expect(reasons.keys.sorted() == ["u1", "u2", "u3", "u8"])
            #expect(reasons["u1"]?.contains("too many labels: expected at most") == true)
            #expect(reasons["u2"]?.contains("no transcript") == true)
            #expect(reasons["u3"]?.contains("too long") == true)
        }

        @Test("input that cannot be is refused before anything is written")
        func refused() throws {
            let folder = try FinetuneFolder(training: 3, validation: 1)
            let short = ["regime.steps=2"]
            func refuses(
                _ settings: [String] = [], model: URL = Fixtures.model("w2vbert"),
                tokenizer: URL? = nil, saying fragments: [String],
                sourceLocation: SourceLocation = #_sourceLocation
            ) throws {
                try expectColld(
                    folder.arguments(
                        short + settings, model: model, tokenizer: tokenizer, validates: true),
                    exits: 2, saying: fragments, sourceLocation: sourceLocation)
            }
            try refuses(
                model: Fixtures.model("whisper_encoder"), saying: ["model_type", "whisper"])
            try refuses(["tokenizer.source=model"], saying: ["vocab.json", "--tokenizer"])
            try refuses(tokenizer: folder.url, saying: [folder.url.path, "vocab.json"])
            try refuses(
                tokenizer: folder.vocabulary(["<unk>", "a"]),
                saying: ["vocab.json", "the blank of CTC", "'<pad>'"])
            try refuses(
                tokenizer: folder.vocabulary(["<pad>", "|", "j", "a"], ["unk_token": NSNull()]),
                saying: ["'u0'", "vocab.json", "'J' (U+004A)"])
            try refuses(
                tokenizer: folder.vocabulary(
                    ["<pad>", "<unk>", "|", "[de]"], ["language_tags": ["de": "[de]"]]),
                saying: ["'u1'", "'sw'", "de"])
            try refuses(
                ["augment.shuffle_segments=[0.1, 0.5]"], saying: ["augment.shuffle_segments"])
            try refuses(["objective.layer_drop=1"], saying: ["objective.layer_drop"])
            try refuses(["model.hidden_dropout=1.5"], saying: ["model.hidden_dropout", "1.5"])
            try refuses(["tokenizer.minimum_count=0"], saying: ["tokenizer.minimum_count"])
            try refuses(
                ["tokenizer.sauce=model"], saying: ["'tokenizer.sauce'", "'tokenizer.source'"])
            let none = Dictionary(uniqueKeysWithValues: (0..<3).map { ($0, ["text": NSNull()]) })
            try folder.write([0, 1, 2], to: folder.train, changes: none)
            try refuses(saying: ["expected text to make a vocabulary of"])
            #expect(!RunFiles(folder.url).exists("run"))
            for missing in ["--train", "--output", "--model", "--task"] {
                let flags = ["--train", "--output", "--model", "--task"].filter { $0 != missing }
                try expectColld(
                    ["finetune"] + flags.flatMap { [$0, $0 == "--task" ? "ctc" : "x"] }, exits: 64,
                    saying: ["Missing", missing])
            }
            try expectColld(["finetune", "--task", "chess"], exits: 64, saying: ["--task"])
        }

        @Test("--dump-config prints what --config takes")
        func dump() throws {
            try withTemporaryDirectory { folder in
                let file = folder.appendingPathComponent("run.yaml")
                let first = try runColld(
                    ["finetune", "--dump-config", "--config", "ctc-small-student"])
                #expect(first.status == 0, "\(first.errors)")
                #expect(first.output.contains("  channel_probability: 0.125\n"), "\(first.output)")
                try Data(first.output.utf8).write(to: file)
                let again = try runColld(["finetune", "--dump-config", "--config", file.path])
                #expect(again.output == first.output)
            }
        }
    }

    /// Recognisers as others read them.
    @Suite("fine-tuned recognisers beside transformers", .enabled(if: Oracle.python != nil))
    struct FinetuneOracleTests {
        @Test(
            "a recogniser gives the same logits and text in transformers",
            arguments: [
                "w2vbert", "wav2vec2_xlsr", "hubert_large", "wavlm_base", "data2vec_audio", "sew",
                "unispeech_sat_base",
            ])
        func roundTrip(_ encoder: String) throws {
            let python = try #require(Oracle.python)
            let folder = try FinetuneFolder(training: 4, validation: 1)
            try expectColld(
                folder.arguments(
                    ["regime.steps=3", "tokenizer.language_tags=true", "optimizer.lr=1e-5"],
                    model: Fixtures.model(encoder)), exits: 0)
            let model = RunFiles(folder.output)("model")
            let input = folder.url.appendingPathComponent("input.safetensors")
            let reference = folder.url.appendingPathComponent("reference.safetensors")
            let output = folder.url.appendingPathComponent("output.safetensors")
            let data = try Data(
                contentsOf: model.appendingPathComponent("preprocessor_config.json"))
            let extractor = try FeatureExtractorConfig(data: data, path: model.path).makeExtractor()
            try ModelFiles.write(
                extractor.extract([ModelFiles.speech(0), ModelFiles.speech(1)]), to: input)
            let script = Colld.root.appendingPathComponent("Tests/Oracle/ctc_hf.py").path
            let theirs = try Colld.run(python, [script, model.path, input.path, reference.path])
            try #require(theirs.status == 0, "\(theirs.errors)")
            try expectColld(
                [
                    "encode", "--model", model.path, "--input", input.path, "--logits",
                    "--reference-padding", "--output", output.path,
                ], exits: 0)

            let expected = try SafetensorsFile(path: reference.path)
            let found = try SafetensorsFile(path: output.path)
            let shape = try #require(expected.entry("logits")).shape
            #expect(found.entry("logits")?.shape == shape)
            let logits = try found.floats("logits")
            expectClose(logits, try expected.floats("logits"), within: 1e-4, "logits")
            let texts = try #require(
                try JSONSerialization.jsonObject(with: Data(theirs.output.utf8)) as? [String])
            let tokenizer = try #require(try CTCTokenizer(folder: model))
            for (clip, length) in try expected.integers("lengths").enumerated() {
                let ids = (0..<length).map { frame in
                    let start = (clip * shape[1] + frame) * shape[2]
                    return (0..<shape[2]).max { logits[start + $0] < logits[start + $1] } ?? 0
                }
                #expect(tokenizer.decode(ids).text == texts[clip])
                #expect(!texts[clip].isEmpty)
            }
        }
    }
}
