import Foundation
import SpeechCore
import SpeechModels
import SpeechObjectives
import TestSupport
import Testing
import Torch

/// The quantiser and losses of `Wav2Vec2ForPreTraining`.
@Suite struct PretrainingOracleTests {
    private static let script = """
        import os, pathlib, sys
        os.environ["HF_HUB_OFFLINE"] = "1"
        os.environ["TRANSFORMERS_VERBOSITY"] = "error"
        import torch, transformers
        from safetensors.torch import load_file, save_file
        transformers.utils.logging.disable_progress_bar()
        source, target = map(pathlib.Path, sys.argv[1:3])
        config = transformers.AutoConfig.from_pretrained(source)
        for key in ("hidden_dropout", "activation_dropout", "attention_dropout", "layerdrop",
                    "feat_proj_dropout", "final_dropout", "feat_quantizer_dropout"):
            setattr(config, key, 0.0)
        config._attn_implementation = "eager"
        model = transformers.Wav2Vec2ForPreTraining.from_pretrained(source, config=config).eval()
        given = load_file(source / "expected.safetensors")
        values, mask = given["input_values"], given["attention_mask"].long()
        lengths = model._get_feat_extract_output_lengths(mask.sum(-1)).tolist()
        frames, count = max(lengths), 4
        chosen = [[t for t in range(n) if (5 * t + b) % 3] for b, n in enumerate(lengths)]
        hidden = torch.zeros(len(lengths), frames, dtype=torch.bool)
        drawn = torch.zeros(len(lengths), frames, count, dtype=torch.long)
        for b, own in enumerate(chosen):
            for a, t in enumerate(own):
                hidden[b, t] = True
                for j in range(count):
                    other = (a + 1 + 3 * j * (a + 1)) % len(own)
                    drawn[b, t, j] = own[other if other != a else (a + 1) % len(own)]
        indices = drawn + torch.arange(len(lengths))[:, None, None] * frames
        run = dict(attention_mask=mask, mask_time_indices=hidden, sampled_negative_indices=indices)
        with torch.no_grad():
            out = model(values, **run)
            features = model.wav2vec2(values, attention_mask=mask).extract_features
            vectors, _ = model.quantizer(features, mask_time_indices=hidden)
            diversity = model.train()(values, **run).diversity_loss
        save_file({"hidden": hidden.long(), "drawn": drawn, "vectors": vectors.contiguous(),
                   "contrastive": out.contrastive_loss, "perplexity": out.codevector_perplexity,
                   "diversity": diversity.reshape(())}, target)
        """

    @Test(.enabled(if: PythonOracle.isThere)) func agreesWithTransformers() throws {
        try withTemporaryDirectory { folder in
            let source = Fixtures.model("wav2vec2_xlsr")
            let target = folder.appendingPathComponent("expected.safetensors")
            try PythonOracle.run(Self.script, [source.path, target.path])
            try compare(try ModelLoader.load(source.path), try SafetensorsFile(path: target.path))
        }
    }

    private func compare(_ model: LoadedModel, _ expected: SafetensorsFile) throws {
        var settings = Wav2Vec2Settings()
        settings.width = 8
        settings.quantizer.entries = 6
        settings.quantizer.width = 8
        let heads = ParameterStore(seed: 1)
        let contrast = QuantizedContrast(heads.root, settings, student: model.encoder)
        for (name, tensor) in heads.all {
            #expect(model.storedShape(name) == tensor.shape, "\(name)")
            tensor.assign(try model.storedTensor(name))
        }

        let given = try Fixtures.expected("wav2vec2_xlsr")
        let shape = try #require(given.entry("input_values")).shape
        let mask = try given.integers("attention_mask")
        let samples = (0..<shape[0]).map { clip in
            mask[(clip * shape[1])..<((clip + 1) * shape[1])].reduce(0, +)
        }
        let size = try #require(expected.entry("hidden")).shape
        let hidden = try expected.integers("hidden")
        let drawn = try expected.integers("drawn")
        let frames = (0..<size[0]).map { clip in
            (0..<size[1]).filter { hidden[clip * size[1] + $0] == 1 }
        }
        let distractors = Distractors(
            drawn: frames.enumerated().map { clip, own in
                own.map { frame in
                    let first = (clip * size[1] + frame) * 4
                    return drawn[first..<(first + 4)].map { own.firstIndex(of: $0)! }
                }
            })
        let output = withoutGradients {
            model.encoder.encode(
                EncoderInput(
                    values: Tensor(try! given.floats("input_values"), shape), lengths: samples,
                    padding: .reference),
                masked: Tensor(hidden.map { $0 == 1 }, size),
                request: LayerRequest(wantsFeatures: true))
        }
        // The hidden frames as rows, filled up to one number for all clips.
        let width = frames.map(\.count).max()!
        let index = frames.enumerated().flatMap { clip, own in
            (0..<width).map { Int64(clip * size[1] + ($0 < own.count ? own[$0] : 0)) }
        }
        func rows(_ states: Tensor) -> Tensor {
            states.flatten(0, 1).indexSelect(0, Tensor(index, [index.count]))
        }
        let weights = Tensor.validFrames(frames.map(\.count), of: width, device: .cpu)
            .to(.float32).flatten(0, 1)
        let context = LossContext(
            seed: BatchSeed(seed: 1, step: 0, batch: 0), step: 0, steps: 1, isValidation: true)
        let features = rows(try #require(output.features))
        let quantized = contrast.quantize(features, weights: weights, context, seed: 1)
        let vectors = Tensor(
            try expected.floats("vectors"), try #require(expected.entry("vectors")).shape)
        let valid = weights.unsqueeze(1)
        expectClose(
            (quantized.codevectors * valid).floats(), (rows(vectors) * valid).floats(),
            within: 1e-5, "codevectors")
        let usage = CodeUsage(quantized.codes, entries: 6, weights: weights)
        // Hugging Face adds up the perplexities of both groups.
        expectClose(
            2 * usage.perplexity, try expected.doubles("perplexity")[0], within: 1e-4, "perplexity")
        let loss = contrast.loss(
            rows(try #require(output.lastHiddenState)), codevectors: quantized.codevectors,
            distractors, isValidation: false, withDiagnostics: false)
        let value = try expected.doubles("contrastive")[0]
        expectClose(loss.sum.item(), value, within: 1e-4 * value, "contrastive loss")
        let diversity = (12 - quantized.perplexity.item()) / 12
        let count = Double(frames.reduce(0) { $0 + $1.count })
        expectClose(
            diversity * count, try expected.doubles("diversity")[0], within: 1e-3, "diversity loss")
    }
}
