"""Loads models and their exports in `transformers` and expects the same tensors and outputs.

    same_model.py MODEL EXPORT [MODEL EXPORT ...]

MODEL holds `expected.safetensors` with `input_values` or `input_features` and `attention_mask`. The
class is what the export's `config.json` names. An export must have every key of its class and no other;
every tensor must have the type and the bits of the model's, and every output must be equal, also after
`load_adapter` of each language.

Exit codes: 0; 1 with a line for each difference.
"""

import json
import os
import pathlib
import sys

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import torch
import transformers
from safetensors.torch import load_file

transformers.utils.logging.disable_progress_bar()


def class_of(folder):
    name = json.loads((folder / "config.json").read_text())["architectures"][0]
    models = transformers.models
    for module in (transformers, models.whisper.modeling_whisper,
                   models.seamless_m4t_v2.modeling_seamless_m4t_v2):
        if hasattr(module, name):
            return getattr(module, name)
    sys.exit(f"same_model: {folder}: no class {name}")


def load(kind, folder, dtype):
    model, info = kind.from_pretrained(
        folder, dtype=dtype, attn_implementation="eager", output_loading_info=True,
        local_files_only=True)
    return model.eval(), {key: sorted(map(str, info[key])) for key in info if info[key]}


def encoder_of(model):
    """The speech encoder of a model that also writes or speaks."""
    if type(model).__name__.endswith("Encoder") or not model.config.is_encoder_decoder:
        return model
    return model.speech_encoder if hasattr(model, "speech_encoder") else model.get_encoder()


@torch.no_grad()
def outputs(model, inputs):
    model = encoder_of(model)
    result = model(**{key: value.clone() for key, value in inputs.items()}, output_hidden_states=True)
    flat = []
    for value in result.to_tuple():
        flat += value if isinstance(value, tuple) else [value]
    return [value for value in flat if torch.is_tensor(value)]


def load_original(kind, folder, dtype):
    """The part of the original that the export's class is."""
    whole = class_of(folder)
    if kind.__name__.endswith("Encoder") and kind is not whole:
        return encoder_of(load(whole, folder, dtype)[0])
    return load(kind, folder, dtype)[0]


def compare(original, export):
    kind = class_of(export)
    stored = load_original(kind, original, "auto")
    written, info = load(kind, export, "auto")
    for key, names in info.items():
        yield f"{key}: {names}"
    before, after = stored.state_dict(), written.state_dict()
    if before.keys() != after.keys():
        yield f"keys: {sorted(before.keys() ^ after.keys())}"
    for key in before.keys() & after.keys():
        a, b = before[key], after[key]
        if a.dtype != b.dtype or a.shape != b.shape or not torch.equal(a, b):
            yield f"tensor: {key}"
    expected = load_file(original / "expected.safetensors")
    inputs = {key: expected[key] for key in ("input_values", "input_features") if key in expected}
    inputs["attention_mask"] = expected["attention_mask"].long()
    one, two = load_original(kind, original, torch.float32), load(kind, export, torch.float32)[0]
    languages = [None]
    if hasattr(one, "lm_head"):
        languages += sorted(p.name.split(".")[1] for p in original.glob("adapter.*.safetensors"))
    for language in languages:
        if language:
            one.load_adapter(language, force_load=True)
            two.load_adapter(language, force_load=True)
        found = [outputs(model, inputs) for model in (one, two)]
        if len(found[0]) != len(found[1]) or not all(map(torch.equal, *found)):
            yield f"outputs {language or ''}"
    if (export / "tokenizer_config.json").exists():
        texts = [transformers.AutoTokenizer.from_pretrained(f)("ABC D").input_ids for f in (original, export)]
        if texts[0] != texts[1]:
            yield "tokenizer"


def main():
    folders = [pathlib.Path(path) for path in sys.argv[1:]]
    if not folders or len(folders) % 2:
        sys.exit(__doc__)
    differences = 0
    for original, export in zip(folders[::2], folders[1::2]):
        for difference in compare(original, export):
            print(f"same_model: {export}: {difference}", file=sys.stderr)
            differences += 1
    sys.exit(1 if differences else 0)


main()
