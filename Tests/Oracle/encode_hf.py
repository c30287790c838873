"""Runs any Hugging Face speech encoder on stored input and writes every hidden state.

    encode_hf.py MODEL_DIR INPUT.safetensors OUTPUT.safetensors

INPUT holds `input_values` or `input_features`, and optionally `attention_mask` over the same frames.
OUTPUT gets `hidden_states.<i>` (0 = input of the first layer), `last_hidden_state` and, with a mask,
`frame_mask`: which frames of the hidden states are valid. Float32, eager attention, evaluation mode.
Of a model with a speech encoder and a decoder, and of an encoder that was saved without its model, the
encoder runs.

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


def model_class(config):
    """AutoModel, or the class of an encoder that AutoModel only builds with the rest of its model."""
    lone = {"WhisperEncoder": transformers.models.whisper.modeling_whisper,
            "SeamlessM4Tv2SpeechEncoder": transformers.models.seamless_m4t_v2.modeling_seamless_m4t_v2}
    name = (config.architectures or [""])[0]
    return getattr(lone[name], name) if name in lone else transformers.AutoModel


def load(folder):
    config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
    # Eager attention of SeamlessM4T v2 adds its truth values to the scores instead of masking by them.
    attention = "sdpa" if config.model_type == "seamless_m4t_v2" else "eager"
    model, info = model_class(config).from_pretrained(
        folder, dtype=torch.float32, attn_implementation=attention, output_loading_info=True,
        local_files_only=True)
    prefix = model.base_model_prefix + "."
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
    model = model.eval()
    if config.model_type == "seamless_m4t_v2":
        return getattr(model, "speech_encoder", model)
    return model.encoder if config.model_type == "whisper" and hasattr(model, "encoder") else model


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
    kept = []
    if model.config.model_type == "seamless_m4t_v2":  # lists its last hidden state as that of the last layer
        model.encoder.layers[-1].register_forward_hook(lambda _module, _input, state: kept.append(state))
    output = model(
        **{names[0]: tensors[names[0]].float()},
        attention_mask=None if mask is None else mask.long(), output_hidden_states=True)
    result = {f"hidden_states.{i}": state for i, state in enumerate(output.hidden_states)}
    if kept:
        result[f"hidden_states.{len(output.hidden_states) - 1}"] = kept[0]
    result["last_hidden_state"] = output.last_hidden_state
    if mask is not None:
        frames = output.hidden_states[0].shape[1]
        if names[0] == "input_values":
            kwargs = {"add_adapter": False} if getattr(model, "adapter", None) is not None else {}
            mask = model._get_feature_vector_attention_mask(frames, mask.long(), **kwargs)
        elif frames != mask.shape[1]:  # Whisper has a frame for every two of its features
            mask = mask[:, ::2]
        result["frame_mask"] = mask.to(torch.int32)
    save_file({name: value.contiguous().clone() for name, value in result.items()}, destination)


main()
