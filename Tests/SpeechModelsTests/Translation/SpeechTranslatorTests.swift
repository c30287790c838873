import Foundation
import SpeechCore
import SpeechModels
import TestSupport
import Testing
import Torch

@Suite struct SpeechTranslatorTests {
    static func composed() throws -> (model: LoadedTranslator, expected: SafetensorsFile) {
        let name = "translation/speech_encoder_decoder"
        return (
            try SpeechTranslator.load(Fixtures.url(name).path),
            try Fixtures.safetensors("\(name)/expected.safetensors")
        )
    }

    /// A model of an encoder of the fixtures.
    static func translator(
        _ encoder: String, adapter: Bool = true, adaptor: LengthAdaptorConfig? = nil,
        decoder: TextDecoder
    ) throws -> (model: SpeechTranslator, loaded: LoadedModel) {
        let loaded = try ModelLoader.load(Fixtures.model(encoder).path)
        let encoder =
            try adapter
            ? loaded.encoder.addingAdapter(width: decoder.config.width, seed: 5) : nil
        return (
            try SpeechTranslator(
                encoder: encoder ?? loaded.encoder, adaptor: adaptor, decoder: decoder, seed: 6),
            loaded
        )
    }

    static func batch(_ loaded: LoadedModel, _ clips: Range<Int>? = nil) throws -> EncoderInput {
        let expected = try SafetensorsFile(
            path: loaded.directory.url.appendingPathComponent("expected.safetensors").path)
        let isWaveform = expected.entry("input_values") != nil
        let values = try expected.tensor(isWaveform ? "input_values" : "input_features")
        let mask = try expected.integers("attention_mask")
        let frames = values.size(1)
        let lengths = (0..<values.size(0)).map {
            mask[($0 * frames)..<(($0 + 1) * frames)].reduce(0, +)
        }
        return EncoderInput(values: values, lengths: lengths)
    }

    @Test func reproducesTheReference() throws {
        let (loaded, expected) = try Self.composed()
        let model = loaded.translator
        let input = EncoderInput(values: try expected.tensor("input_features"), lengths: nil)
        try withoutGradients {
            let speech = model.encode(input)
            expectClose(
                speech.states.floats(), try expected.floats("encoder_states"), within: 1e-4)
            let tokens = try expected.tensor("decoder_input_ids").to(.int64)
            expectClose(
                model.logits(tokens, speech).floats(), try expected.floats("logits"),
                within: 1e-4)
        }
        for (key, search, forced) in BeamSearchTests.searches {
            let found = model.translate(
                input, prefixes: [TargetPrefix(start: [2], forced: forced)], search: search)
            #expect(found[0][0].tokens == (try DecoderFixture.texts(expected, key))[0], "\(key)")
        }
        #expect(model.ownFormReason == nil && model.startToken == 2)
    }

    /// What is written is read back, in either form.
    @Test(arguments: 0..<5) func comesBack(_ index: Int) throws {
        let decoders = DecoderFixture.names
        let adaptor = LengthAdaptorTests.kinds
        let decoder = try DecoderFixture(decoders[index % 2]).decoder
        var config = LengthAdaptorConfig(adaptor[index % 2])
        config.heads = 3
        let (model, loaded) =
            switch index {
            case 0: try Self.translator("wav2vec2_base", decoder: decoder)
            case 1: try Self.translator("w2vbert", decoder: decoder)
            case 2: try Self.translator("hubert_large", adaptor: config, decoder: decoder)
            case 3: try Self.translator("wavlm_base", adapter: false, decoder: decoder)
            default: try Self.translator("whisper_encoder", adaptor: config, decoder: decoder)
            }
        model.search.beams = 3
        model.search.maximumLength = 12
        let isOwn = ![1, 3].contains(index)
        #expect((model.ownFormReason != nil) == isOwn)
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("model")
            try model.write(
                featureExtractor: loaded.featureExtractor, card: "A model.\n",
                others: [("vocab.txt", Data("a\n".utf8))], to: url)
            let read = try SpeechTranslator.load(url.path)
            #expect(read.translator.search == model.search)
            #expect(read.translator.parameters.names == model.parameters.names)
            #expect(read.translator.startToken == 2)
            if loaded.family.modelType != "whisper" {
                let input = try Self.batch(loaded)
                let found = [model, read.translator].map { $0.translate(input) }
                #expect(found[0] == found[1] && found[0].count == input.batchSize)
            }
            let directory = try ModelDirectory(url.path)
            #expect(
                try directory.modelType
                    == (isOwn ? SpeechTranslator.ownType : SpeechTranslator.huggingFaceType))
            expectError(
                ModelError.self,
                containing: [
                    "model_type", isOwn ? "because" : "already", "a family of Hugging Face's",
                ]
            ) { try HuggingFaceExport(directory) }
        }
    }

    /// Half precision moves scores a little and nothing else.
    @Test func computesInHalfPrecision() throws {
        let (loaded, expected) = try Self.composed()
        let model = loaded.translator
        let input = EncoderInput(values: try expected.tensor("input_features"), lengths: nil)
        let tokens = try expected.tensor("decoder_input_ids").to(.int64)
        model.precision = .bfloat16
        let logits = withoutGradients { model.logits(tokens, model.encode(input)) }
        #expect(logits.dtype == .bfloat16)
        let exact = try expected.floats("logits")
        let differences = zip(logits.floats(), exact).map { abs($0 - $1) }
        let size = exact.map(abs).reduce(0, +) / Float(exact.count)
        let mean = differences.reduce(0, +) / Float(differences.count)
        #expect(mean > 0 && mean < 0.1 * size, "\(mean) of \(size)")
        #expect(model.translate(input)[0].count == model.search.beams)
    }

    @Test func badDirectoriesAreNamed() throws {
        expectError(
            ModelError.self, containing: ["model_type", "speech-encoder-decoder", "mbart"]
        ) { try SpeechTranslator.load(Fixtures.url("translation/mbart").path) }
        let source = Fixtures.url("translation/speech_encoder_decoder")
        let config = try String(
            contentsOf: source.appendingPathComponent("config.json"), encoding: .utf8)
        let cases: [(String, String, [String])] = [
            (
                #""num_adapter_layers": 1"#, #""num_adapter_layers": 2"#,
                ["missing: adapter.layers.1"]
            ),
            (#""decoder_layers": 2"#, #""decoder_layers": 1"#, ["unused: decoder.model.decoder"]),
            (#""d_model": 24"#, #""d_model": 32"#, ["decoder_attention_heads", ": decoder"]),
            (#""num_attention_heads""#, #""x""#, ["shape of encoder.layers.0.self_attn"]),
            (#""decoder": {"#, #""reader": {"#, ["decoder", "the configuration of the decoder"]),
        ]
        for (old, new, fragments) in cases {
            try withTemporaryDirectory { folder in
                #expect(config.contains(old), "\(old)")
                for name in ["model.safetensors", "preprocessor_config.json"] {
                    try FileManager.default.createSymbolicLink(
                        at: folder.appendingPathComponent(name),
                        withDestinationURL: source.appendingPathComponent(name))
                }
                try Data(config.replacingOccurrences(of: old, with: new).utf8)
                    .write(to: folder.appendingPathComponent("config.json"))
                let error = #expect(throws: (any Error).self) {
                    _ = try SpeechTranslator.load(folder.path)
                }
                let text = error.map { "\($0)" } ?? ""
                for fragment in fragments { #expect(text.contains(fragment), "\(text)") }
            }
        }
    }

    private static let script = """
        import os, pathlib, sys
        os.environ["HF_HUB_OFFLINE"] = "1"
        os.environ["TRANSFORMERS_VERBOSITY"] = "error"
        import torch, transformers
        from safetensors.torch import load_file, save_file
        transformers.utils.logging.disable_progress_bar()
        for folder in map(pathlib.Path, sys.argv[1:]):
            model, info = transformers.SpeechEncoderDecoderModel.from_pretrained(
                folder / "model", attn_implementation="eager", output_loading_info=True,
                local_files_only=True)
            problems = {key: names for key, names in info.items() if names}
            if problems:
                sys.exit(f"{folder}: {problems}")
            tensors = load_file(folder / "input.safetensors")
            x = tensors.get("input_values", tensors.get("input_features"))
            mask, ids = tensors["attention_mask"].long(), tensors["decoder_input_ids"]
            model.eval()
            with torch.no_grad():
                result = {"logits": model(x, attention_mask=mask, decoder_input_ids=ids).logits}
                result["standard"] = model.generate(x, attention_mask=mask)
                result["greedy"] = model.generate(x, attention_mask=mask, num_beams=1)
            save_file({key: value.contiguous() for key, value in result.items()},
                      folder / "output.safetensors")
        """

    /// A model beside what it is given.
    private struct Written {
        let name: String
        let model: SpeechTranslator
        let input: EncoderInput
        let folder: URL

        static var tokens: Tensor { Tensor([Int64]([2, 5, 40, 7, 2, 9, 9, 30]), [2, 4]) }

        init(_ name: String, in parent: URL) throws {
            self.name = name
            folder = parent.appendingPathComponent(name)
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let (model, loaded) = try SpeechTranslatorTests.translator(
                name, decoder: try DecoderFixture("mbart").decoder)
            model.search.maximumLength = 11
            self.model = model
            let own = try SpeechTranslatorTests.batch(loaded)
            input = EncoderInput(values: own.values, lengths: own.lengths, padding: .reference)
            try model.write(
                featureExtractor: loaded.featureExtractor, card: "",
                to: folder.appendingPathComponent("model"))
            let frames = input.values.size(1)
            let lengths = input.lengths ?? Array(repeating: frames, count: input.batchSize)
            let valid = Tensor.validFrames(lengths, of: frames, device: .cpu)
            let isWaveform = input.values.rank == 2
            try SafetensorsWriter.write(
                [
                    SafetensorsEntry(
                        name: isWaveform ? "input_values" : "input_features", tensor: input.values),
                    SafetensorsEntry(name: "attention_mask", tensor: valid.to(.int64)),
                    SafetensorsEntry(name: "decoder_input_ids", tensor: Self.tokens),
                ], to: folder.appendingPathComponent("input.safetensors"))
        }

        func compare() throws {
            let expected = try SafetensorsFile(
                path: folder.appendingPathComponent("output.safetensors").path)
            let logits = withoutGradients { model.logits(Self.tokens, model.encode(input)) }
            expectClose(
                logits.floats(), try expected.floats("logits"), within: 2e-4, "\(name) logits")
            var greedy = model.search
            greedy.beams = 1
            for (key, search) in [("standard", model.search), ("greedy", greedy)] {
                let shape = try #require(expected.entry(key)).shape
                let ids = try expected.integers(key)
                let texts = model.translate(input, search: search).map(\.[0].tokens)
                for (clip, text) in texts.enumerated() {
                    let padding = Array(repeating: 1, count: shape[1] - text.count)
                    #expect(
                        text + padding == Array(ids[(clip * shape[1])..<((clip + 1) * shape[1])]),
                        "\(name) \(key)")
                }
            }
        }
    }

    /// What we write `transformers` reads, and scores and finds the same; five beams unless told
    /// otherwise.
    @Test(.enabled(if: PythonOracle.isThere)) func transformersAgrees() throws {
        try withTemporaryDirectory { folder in
            let models = try ["wav2vec2_base", "wavlm_large", "hubert_large", "w2vbert", "sew"].map
            {
                try Written($0, in: folder)
            }
            try PythonOracle.run(Self.script, models.map(\.folder.path))
            for model in models { try model.compare() }
        }
    }

    @Test func widthsThatNobodyJoinsAreOurOwn() throws {
        // The adapter's width is neither the encoder's nor the decoder's.
        let model = try Self.translator(
            "wav2vec2_adapter", adapter: false, decoder: try DecoderFixture("mbart").decoder
        ).model
        #expect(model.ownFormReason?.contains("20") == true)
        #expect(model.parameters["enc_to_dec_proj.weight"]?.shape == [24, 20])
    }
}
