import Foundation
import SpeechCore
import SpeechModels
import TestSupport
import Testing
import Torch

/// Recordings with translations, a vocabulary for them, and the arguments of runs.
private struct TranslationFolder {
    let folder: FinetuneFolder
    let tokenizer: URL
    var output: URL { folder.output }

    static let texts = ["yes yes", "no", "one two", "oil", "yes"]

    /// The training is validated on, so that something can be learned.
    init() throws {
        folder = try FinetuneFolder()
        tokenizer = folder.url.appendingPathComponent("tokenizer")
        try write()
        try expectColld(
            [
                "tokenizer", "train", "--type", "bpe", "--task", "translation", "--vocab-size",
                "32", "--language-tags", "--train", folder.train.path, "--output", tokenizer.path,
            ], exits: 0)
    }

    /// Writes the manifests, with other values where `changes` has them for a recording.
    func write(_ changes: [Int: [String: Any]] = [:]) throws {
        var lines: [Int: [String: Any]] = [:]
        for index in 0..<8 {
            let text = Self.texts[index % Self.texts.count]
            lines[index] = ["target_text": text, "target_lang": "eng"]
                .merging(changes[index] ?? [:]) { $1 }
        }
        for manifest in [folder.train, folder.valid] {
            try folder.write(Array(0..<8), to: manifest, changes: lines)
        }
    }

    func arguments(
        _ settings: [String] = [], model: URL = Fixtures.model("w2vbert"), tokenizer: URL? = nil,
        decoder: URL? = nil, validates: Bool = true, resumes: Bool = false, output: URL? = nil
    ) -> [String] {
        var arguments = [
            "finetune", "--model", model.path, "--task", "translation", "--train",
            folder.train.path, "--output", (output ?? self.output).path, "--tokenizer",
            (tokenizer ?? self.tokenizer).path,
        ]
        if let decoder { arguments += ["--decoder", decoder.path] }
        if validates { arguments += ["--valid", folder.valid.path] }
        if resumes { arguments.append("--resume") }
        return arguments + FinetuneFolder.settings + [
            "decoder={layers: 1, width: 32, heads: 4, feed_forward: 64, positions: 64}",
            "search.maximum_length=20",
        ] + settings
    }
}

extension Commands {
    @Suite("finetune --task translation") struct FinetuneTranslationTests {
        @Test("the loss falls and the best model translates again")
        func learning() throws {
            let folder = try TranslationFolder()
            let run = RunFiles(folder.output)
            let result = try expectColld(
                folder.arguments([
                    "regime.steps=40", "trainer.validate_every=20", "objective.label_smoothing=0",
                    "decoder.dropout=0", "optimizer.lr=5e-3",
                ]), exits: 0,
                saying: [
                    "decoder mbart 1x32", "vocabulary of 32 tokens",
                    "translations: de-eng 8, sw-eng 8", "is translated as",
                ])
            #expect(result.output == run("model").path + "\n")
            let losses = try run.losses("valid")
            #expect(losses.count == 3 && losses[2] < 0.7 * losses[0], "\(losses)")
            let last = try #require(try run.lines("metrics/valid.jsonl").last)
            for name in ["bleu/eng", "chrf/eng", "bleu/de-eng", "chrf/sw-eng"] {
                #expect((last[name] as? Double)?.isFinite == true, "\(name)")
            }
            let macro = try #require(last["chrf_macro"] as? Double)
            let each = try ["chrf/de-eng", "chrf/sw-eng"].map { try #require(last[$0] as? Double) }
            #expect(abs(macro - (each[0] + each[1]) / 2) < 1e-9 && macro > 0)
            #expect(last["bleu_macro"] as? Double != nil)

            let config = try run.text("model/config.json")
            #expect(config.contains("\"SpeechEncoderDecoderModel\""))
            let loaded = try SpeechTranslator.load(run("model").path)
            #expect(loaded.translator.ownFormReason == nil)
            #expect(loaded.translator.search.maximumLength == 20)
            #expect(loaded.translator.search.beams == 5)
            let tokenizer = try #require(try TranslationTokenizer(folder: run("model")))
            #expect(tokenizer.languages.keys.contains("eng") && tokenizer.count == 32)
            let card = try run.text("model/README.md")
            #expect(card.contains("with a new decoder, 1x32") && card.contains("`eng`"))
            #expect(card.contains("validation BLEU") && !card.contains(folder.folder.url.path))
        }

        @Test("a run that is killed and resumed computes the same bits")
        func killed() throws {
            let folder = try TranslationFolder()
            let run = RunFiles(folder.output)
            let endless = [
                "regime.steps=1_000_000", "trainer.save_every=5", "trainer.keep_last=1000",
                "model.hidden_dropout=0.1", "objective.layer_drop=0.3",
                "objective.freeze_encoder_updates=8",
            ]
            func arguments(resumes: Bool = false, output: URL? = nil) -> [String] {
                folder.arguments(endless, validates: false, resumes: resumes, output: output)
            }
            try killColld(arguments(), in: folder.folder.recordings) { run.linked("last") != nil }
            let step = try #require(run.linked("last")) + 10
            try killColld(arguments(resumes: true), in: folder.folder.recordings) {
                run.linked("last").map { $0 >= step } ?? false
            }
            let other = RunFiles(folder.folder.url.appendingPathComponent("other"))
            try killColld(arguments(output: other.url), in: folder.folder.recordings) {
                other.linked("last").map { $0 >= step } ?? false
            }
            expectSame(try run.checkpoint(step), try other.checkpoint(step))
            // A frozen encoder that is trained later belongs to a checkpoint.
            #expect(run.exists("checkpoints/step_5/model.safetensors"))
        }

        /// With M2M-100's ids, which are not the vocabulary's own, and codes of two letters.
        @Test("a decoder of a checkpoint keeps what is not trained")
        func checkpoint() throws {
            let folder = try TranslationFolder()
            let own = try #require(try TranslationTokenizer(folder: folder.tokenizer))
            let tokenizer = folder.folder.url.appendingPathComponent("m2m100")
            try FileManager.default.createDirectory(
                at: tokenizer, withIntermediateDirectories: true)
            let name = "sentencepiece.bpe.model"
            try FileManager.default.copyItem(
                at: folder.tokenizer.appendingPathComponent(name),
                to: tokenizer.appendingPathComponent(name))
            var ids = ["<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3]
            for piece in own.model.pieces where ids[piece.text] == nil {
                ids[piece.text] = ids.count
            }
            let config: [String: Any] = [
                "tokenizer_class": "M2M100Tokenizer",
                "added_tokens_decoder": [
                    "50": ["content": "__de__"], "51": ["content": "__en__"],
                ],
            ]
            for (file, object) in [
                ("vocab.json", ids as [String: Any]), ("tokenizer_config.json", config),
            ] {
                try JSONSerialization.data(withJSONObject: object)
                    .write(to: tokenizer.appendingPathComponent(file))
            }
            let decoder = Fixtures.url("translation/m2m100")
            try expectColld(
                folder.arguments(
                    ["regime.steps=2", "objective.decoder=lna", "adaptor.kind=convolutions"],
                    tokenizer: tokenizer, decoder: decoder), exits: 0,
                saying: [
                    "decoder m2m_100", "whose norms and attention to speech are trained",
                    "in CoLLD's own form",
                ])
            let run = RunFiles(folder.output)
            let trained = try SpeechTranslator.load(run("model").path).translator.decoder
            let before = try TextDecoder.load(decoder.path)
            var changed: Set<String> = []
            for (name, tensor) in before.parameters.all {
                let after = try #require(trained.parameters[name])
                if tensor.floats() != after.floats() { changed.insert(name) }
            }
            #expect(changed.contains { $0.contains("encoder_attn") })
            #expect(
                changed.allSatisfy {
                    $0.contains("encoder_attn") || $0.contains("layer_norm")
                }, "\(changed)")
        }

        @Test("what cannot be is refused or left out")
        func refused() throws {
            let folder = try TranslationFolder()
            func refuses(
                _ settings: [String] = [], model: URL = Fixtures.model("w2vbert"),
                tokenizer: URL? = nil, decoder: URL? = nil, saying fragments: [String],
                sourceLocation: SourceLocation = #_sourceLocation
            ) throws {
                try expectColld(
                    folder.arguments(
                        ["regime.steps=1"] + settings, model: model, tokenizer: tokenizer,
                        decoder: decoder), exits: 2, saying: fragments,
                    sourceLocation: sourceLocation)
            }
            try refuses(["objective.decoder=lna"], saying: ["objective.decoder", "full"])
            try refuses(["decoder.heads=5"], saying: ["decoder.heads", "divisor"])
            try refuses(["search.beams=0"], saying: ["search.beams"])
            try refuses(
                tokenizer: folder.folder.url, saying: [folder.folder.url.path, "tokenizer"])
            try refuses(
                decoder: Fixtures.url("translation/m2m100"),
                saying: ["tokenizer of the decoder", "the end token 2"])
            try refuses(model: Fixtures.model("hubert_base"), saying: ["adaptor.kind", "hubert"])
            try refuses(
                ["augment.shuffle_segments=[0.1, 0.5]"], saying: ["augment.shuffle_segments"])
            try folder.write([2: ["target_lang": "fra"]])
            try refuses(saying: ["'u2'", "target_lang", "'fra'"])
            #expect(!RunFiles(folder.folder.url).exists("run"))
            try folder.write([1: ["target_text": NSNull()]])
            try expectColld(
                folder.arguments(["regime.steps=1"], validates: false), exits: 0,
                saying: ["7 utterances", "1 left out"])
            let lines = try RunFiles(folder.output).lines("skipped.jsonl")
            #expect((lines.first?["reason"] as? String)?.contains("no translation") == true)
            try expectColld(
                ["finetune", "--task", "ctc", "--decoder", "x", "--dump-config"], exits: 64,
                saying: ["--decoder needs --task translation"])
        }

        @Test(
            "a model is Hugging Face's", .enabled(if: Oracle.python != nil),
            arguments: ["w2vbert", "wav2vec2_base"])
        func huggingFace(_ encoder: String) throws {
            let python = try #require(Oracle.python)
            let folder = try TranslationFolder()
            try expectColld(
                folder.arguments(
                    [
                        "regime.steps=40", "optimizer.lr=5e-3", "objective.label_smoothing=0",
                        "decoder.dropout=0",
                    ], model: Fixtures.model(encoder),
                    validates: false), exits: 0)
            let model = RunFiles(folder.output)("model").path
            let files = try (0...1).map { index in
                // Whole stacked frames, which transformers pads otherwise.
                let samples = try ModelFiles.speech(index).prefix(400 + 160 * (171 - 30 * index))
                let file = folder.folder.url.appendingPathComponent("speech\(index).wav")
                try ModelFiles.writeWave(samples.map { Int16($0 * 32_767) }, to: file)
                return file.path
            }
            let script = Colld.root.appendingPathComponent("Tests/Oracle/translate_hf.py").path
            let result = try Colld.run(python, [script, model] + files)
            try #require(result.status == 0, "\(result.errors)")
            let theirs = try result.json()
            #expect(theirs["decoder"] as? String == "MBartForCausalLM")
            #expect(theirs["tokens"] as? Int == 32)
            for (name, flags) in [("greedy", ["--beam", "1"]), ("standard", [])] {
                let texts = try #require(theirs[name] as? [String])
                let lines = zip(files, texts).map { "\($0)\t\($1)\n" }.joined()
                let ours = try expectColld(
                    ["translate", "--model", model] + flags + files, exits: 0)
                #expect(ours.output == lines && texts.allSatisfy { !$0.isEmpty }, "\(name)")
            }
        }
    }
}
