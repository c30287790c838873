import Foundation
import SpeechCore
import SpeechModels
import SpeechObjectives
import TestSupport
import Testing
import Torch

/// Recognisers of every family, made by `transformers`: logits, lengths and losses.
@Suite struct CTCOracleTests {
    private static let script = """
        import json, os, pathlib, shutil, sys
        os.environ["HF_HUB_OFFLINE"] = "1"
        os.environ["TRANSFORMERS_VERBOSITY"] = "error"
        import torch, transformers
        from safetensors.torch import load_file, save_file
        transformers.utils.logging.disable_progress_bar()
        fixtures, folder = map(pathlib.Path, sys.argv[1:3])
        torch.manual_seed(3)
        for name in sys.argv[3:]:
            place = folder / name
            config = transformers.AutoConfig.from_pretrained(fixtures / name)
            config.vocab_size, config.pad_token_id = 11, 2
            config._attn_implementation = "eager"
            for key in ("ctc_loss_reduction", "ctc_zero_infinity"):
                setattr(config, key, getattr(type(config)(), key))
            base = json.loads((fixtures / name / "config.json").read_text())["architectures"][0]
            model = getattr(transformers, base.removesuffix("Model") + "ForCTC")(config).eval()
            torch.nn.init.normal_(model.lm_head.weight)
            torch.nn.init.normal_(model.lm_head.bias)
            model.save_pretrained(place)
            shutil.copy(fixtures / name / "preprocessor_config.json", place)
            path = place / "config.json"
            keys = json.loads(path.read_text())
            for key in ("ctc_loss_reduction", "ctc_zero_infinity"):
                keys.pop(key, None)  # the class defaults are ours to know
            path.write_text(json.dumps(keys))
            expected = load_file(fixtures / name / "expected.safetensors")
            inputs = {k: expected[k] for k in ("input_values", "input_features") if k in expected}
            mask = expected["attention_mask"].long()
            labels = torch.tensor([[1, 5, 5, -100], [7, 2, -100, -100]])
            with torch.no_grad():
                out = model(**inputs, attention_mask=mask, labels=labels)
            lengths = model._get_feat_extract_output_lengths(mask.sum(-1))
            save_file(inputs | {"attention_mask": mask, "logits": out.logits, "loss": out.loss,
                                "lengths": lengths.long(), "labels": labels},
                      place / "expected.safetensors")
        """

    private static let models = [
        "data2vec_audio", "hubert_large", "hubert_base", "sew", "unispeech_sat_base", "w2vbert",
        "w2vbert_intermediate_ffn", "wav2vec2_adapter", "wav2vec2_conformer_relative",
        "wavlm_base",
    ]

    @Test(.enabled(if: PythonOracle.isThere)) func agreesWithTransformers() throws {
        try withTemporaryDirectory { folder in
            try PythonOracle.run(
                Self.script, [Fixtures.url("models").path, folder.path] + Self.models)
            for name in Self.models { try compare(folder.appendingPathComponent(name), name) }
        }
    }

    private func compare(_ folder: URL, _ name: String) throws {
        let model = try ModelLoader.load(folder.path)
        let head = try model.loadHead()
        #expect(head.vocabularySize == 11 && head.tokenizer == nil)
        let expected = try SafetensorsFile(
            path: folder.appendingPathComponent("expected.safetensors").path)
        let input = model.featureExtractor.inputName.rawValue
        let shape = try #require(expected.entry(input)).shape
        let values = Tensor(try expected.floats(input), shape)
        let mask = try expected.integers("attention_mask")
        let lengths = (0..<shape[0]).map { clip in
            mask[(clip * shape[1])..<((clip + 1) * shape[1])].reduce(0, +)
        }
        let output = withoutGradients {
            model.encoder.encode(
                EncoderInput(values: values, lengths: lengths, padding: .reference))
        }
        let logits = withoutGradients { output.lastHiddenState.map { head($0) } }
        expectClose(
            try #require(logits).floats(), try expected.floats("logits"), within: 1e-4, name)
        #expect(output.outputLengths == (try expected.integers("lengths")), "\(name)")
        let labels = try expected.integers("labels")
        let loss = CTCLoss(head.config)(
            try #require(logits), inputLengths: output.outputLengths,
            labels: [Array(labels[0..<4]), Array(labels[4...])])
        let value = try expected.doubles("loss")[0]
        expectClose([loss.item()], [value], within: 1e-4 * max(1, value), name)
    }
}
