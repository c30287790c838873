"""Runs any Hugging Face speech encoder on stored input and writes every hidden state.

    encode_hf.py MODEL_DIR INPUT.safetensors OUTPUT.safetensors

INPUT holds `input_values` or `input_features`, and optionally `attention_mask` over the same frames.
OUTPUT gets `hidden_states.<i>` (0 = input of the first layer), `last_hidden_state` and, with a mask,
`frame_mask`: which frames of the hidden states are valid. Float32, eager attention, evaluation mode.

Exit codes: 0; 1 when transformers reports a missing, unexpected or mis-shaped key, or INPUT does
not fit. Keys of a head that AutoModel does not build, as in a CTC checkpoint, count as unexpected only
when they belong to the encoder.
"""

import os
import sys

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import torch
import transformers
from safetensors.torch import load_file, save_file

transformers.utils.logging.disable_progress_bar()


def load(folder):
    model, info = transformers.AutoModel.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True,
        local_files_only=True)
    prefix = model.base_model_prefix + "."
    config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
    architecture = (config.architectures or [type(model).__name__])[0]
    unexpected = list(info["unexpected_keys"])
    if architecture != type(model).__name__:  # a head's tensors stay out; the encoder's may not
        unexpected = [key for key in unexpected if key.startswith(prefix)]
    problems = {
        "missing": sorted(info["missing_keys"]),
        "unexpected": sorted(unexpected),
        "mis-shaped": sorted(str(key) for key in info["mismatched_keys"]),
    }
    for kind, keys in problems.items():
        for key in keys:
            print(f"encode_hf: {kind} key: {key}", file=sys.stderr)
    if any(problems.values()):
        sys.exit(1)
    return model.eval()


@torch.no_grad()
def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    folder, source, destination = sys.argv[1:]
    tensors = load_file(source)
    names = [name for name in ("input_values", "input_features") if name in tensors]
    if len(names) != 1:
        sys.exit(f"encode_hf: {source}: expected input_values or input_features, found {sorted(tensors)}")
    model = load(folder)
    if names[0] != model.main_input_name:
        sys.exit(f"encode_hf: {source}: {type(model).__name__} takes {model.main_input_name}, found {names[0]}")
    mask = tensors.get("attention_mask")
    output = model(
        **{names[0]: tensors[names[0]].float()},
        attention_mask=None if mask is None else mask.long(), output_hidden_states=True)
    result = {f"hidden_states.{i}": state for i, state in enumerate(output.hidden_states)}
    result["last_hidden_state"] = output.last_hidden_state
    if mask is not None:
        frames = output.hidden_states[0].shape[1]
        if names[0] == "input_values":
            kwargs = {"add_adapter": False} if getattr(model, "adapter", None) is not None else {}
            mask = model._get_feature_vector_attention_mask(frames, mask.long(), **kwargs)
        result["frame_mask"] = mask.to(torch.int32)
    save_file({name: value.contiguous().clone() for name, value in result.items()}, destination)


main()
