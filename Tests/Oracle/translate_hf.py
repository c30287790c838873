"""Translates audio files with a SpeechEncoderDecoderModel.

    translate_hf.py MODEL_DIR FILE...

Standard output is a JSON object with the classes of encoder and decoder, the number of tokens, and the
texts of each file by itself: `greedy`, and `standard` as generation_config.json says. Float32, eager
attention, evaluation mode.

Exit codes: 0; 1 when transformers reports a missing, unexpected or mis-shaped key.
"""

import json
import os
import sys

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import soundfile
import torch
import transformers

transformers.utils.logging.disable_progress_bar()


@torch.no_grad()
def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    folder, files = sys.argv[1], sys.argv[2:]
    model, info = transformers.SpeechEncoderDecoderModel.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True,
        local_files_only=True)
    problems = [key for kind in ("missing_keys", "unexpected_keys", "mismatched_keys") for key in info[kind]]
    if problems:
        sys.exit(f"translate_hf: {folder}: {problems}")
    model.eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    extractor = transformers.AutoFeatureExtractor.from_pretrained(folder, local_files_only=True)
    result = {
        "encoder": type(model.encoder).__name__, "decoder": type(model.decoder).__name__,
        "tokens": len(tokenizer), "greedy": [], "standard": [],
    }
    for file in files:
        samples, rate = soundfile.read(file, dtype="float32")
        inputs = extractor(samples, sampling_rate=rate, return_tensors="pt")
        values = inputs[model.encoder.main_input_name]
        for name, settings in (("greedy", {"num_beams": 1}), ("standard", {})):
            tokens = model.generate(values, attention_mask=inputs.get("attention_mask"), **settings)
            result[name].append(tokenizer.decode(tokens[0], skip_special_tokens=True))
    print(json.dumps(result, ensure_ascii=False))


main()
