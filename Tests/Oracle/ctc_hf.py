"""Runs any Hugging Face recogniser with a CTC head on stored input and writes logits and texts.

    ctc_hf.py MODEL_DIR INPUT.safetensors OUTPUT.safetensors

INPUT holds `input_values` or `input_features`, and optionally `attention_mask` over the same frames.
OUTPUT gets `logits` and `lengths`, the valid frames of each clip. Standard output is a JSON list of what
the best tokens of the valid frames spell. Float32, eager attention, evaluation mode; classes are those
that AutoModelForCTC and AutoTokenizer choose.

Exit codes: 0; 1 when transformers reports a missing, unexpected or mis-shaped key, or INPUT does not fit.
"""

import json
import os
import sys

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import torch
import transformers
from safetensors.torch import load_file, save_file

transformers.utils.logging.disable_progress_bar()


@torch.no_grad()
def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    folder, source, destination = sys.argv[1:]
    model, info = transformers.AutoModelForCTC.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True,
        local_files_only=True)
    problems = [key for kind in ("missing_keys", "unexpected_keys", "mismatched_keys") for key in info[kind]]
    if problems or type(model).__name__ != model.config.architectures[0]:
        sys.exit(f"ctc_hf: {folder}: {type(model).__name__}: {problems}")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    tensors = load_file(source)
    name = model.main_input_name
    if name not in tensors:
        sys.exit(f"ctc_hf: {source}: expected {name}, found {sorted(tensors)}")
    mask = tensors.get("attention_mask")
    logits = model.eval()(
        **{name: tensors[name].float()}, attention_mask=None if mask is None else mask.long()).logits
    if mask is None:
        lengths = torch.full([len(logits)], logits.shape[1])
    else:
        lengths = model._get_feat_extract_output_lengths(mask.long().sum(-1)).long()
    texts = [tokenizer.decode(row[:length].argmax(-1)) for row, length in zip(logits, lengths)]
    save_file({"logits": logits.contiguous(), "lengths": lengths.to(torch.int32)}, destination)
    print(json.dumps(texts, ensure_ascii=False))


main()
