import Foundation
import SpeechCore
import TestSupport
import Testing

extension Commands {
    /// Converted checkpoints in `transformers`, where the Python environment of the tests is there.
    @Suite("convert beside transformers", .enabled(if: Oracle.python != nil))
    struct ConvertOracleTests {
        /// Loads a directory strictly and compares with the stored activations; prints symbols of ids.
        private static let script = """
            import sys, torch, transformers
            from safetensors.torch import load_file
            transformers.utils.logging.disable_progress_bar()
            folder, stored = sys.argv[1], load_file(sys.argv[2])
            name = transformers.AutoConfig.from_pretrained(folder).architectures[0]
            model, info = getattr(transformers, name).from_pretrained(
                folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
            for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
                assert not info[kind], (kind, info[kind])
            model.eval()
            mask = stored.get("attention_mask")
            mask = {} if mask is None else {"attention_mask": mask.long()}
            with torch.no_grad():
                output = model(stored["input_values"], output_hidden_states=True, **mask)
            names = ["last_hidden_state", "logits"]
            pairs = [(output[n], stored[n]) for n in names if n in output and n in stored]
            pairs += [(h, stored[f"hidden_states.{i}"]) for i, h in enumerate(output.hidden_states)]
            assert len(pairs) == 4, len(pairs)
            print("difference", max((a - b).abs().max().item() for a, b in pairs))
            extractor = transformers.AutoFeatureExtractor.from_pretrained(folder)
            print("normalizes", extractor.do_normalize, extractor.return_attention_mask)
            if "logits" in stored:
                tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
                print("blank", tokenizer.pad_token_id, model.config.pad_token_id)
                print("text", tokenizer.decode([5, 5, 0, 5, 4, 9]), "size", len(tokenizer))
            """

        @Test(
            "every key is there and none too many, and the same is computed",
            arguments: ConvertTests.names)
        func loads(_ name: String) throws {
            let python = try #require(Oracle.python)
            try withTemporaryDirectory { folder in
                let model = folder.appendingPathComponent("model")
                try expectColld(
                    [
                        "convert", "--checkpoint", ConvertTests.checkpoint(name), "--output",
                        model.path,
                    ]
                        + (name == "ctc_args_legacy"
                            ? ["--dictionary", ConvertTests.file("dict.ltr.txt")] : []),
                    exits: 0)
                let result = try Colld.run(
                    python,
                    ["-c", Self.script, model.path, ConvertTests.file("\(name).safetensors")],
                    environment: ["HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"])
                try #require(result.status == 0, "\(result.errors)")
                let lines = result.output.split(separator: "\n").map {
                    $0.split(separator: " ").map(String.init)
                }
                let difference = try #require(lines.first { $0[0] == "difference" }?.last)
                #expect(try #require(Double(difference)) < 1e-4)
                let normalizes = name != "wav2vec2_args" && name != "hubert_omega"
                let flag = normalizes ? "True" : "False"
                #expect(lines.contains(["normalizes", flag, flag]))
                if name.hasPrefix("ctc") {
                    #expect(lines.contains(["blank", "0", "0"]))
                    #expect(lines.contains(["text", "EE", "É", "size", "10"]))
                }
            }
        }
    }
}
