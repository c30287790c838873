#!/usr/bin/env python3
"""Regenerate the checkpoints under `fairseq/`: tiny random models as fairseq saves them.

    python make_fairseq.py [--out DIR]

fairseq itself is not needed: its tensors' names are those of Hugging Face's models turned around, and the
classes that its pickles mention are stand-ins of the same name. The activations beside each checkpoint are
those of the Hugging Face model it was made from. Everything is seeded.
"""
import argparse, collections, re, sys, types
from pathlib import Path

import numpy as np
import torch
import transformers as tf

from make_fixtures import clip, generator, randomise, save, write_checksums

LAYERS, WIDTH, HEADS, UNITS, CHANNELS = 2, 16, 4, 24, 12
TAPS = {"hubert_omega": 9}
CONVOLUTIONS = "[(12, 10, 5)] + [(12, 3, 2)] * 4 + [(12,2,2)] + [(12,2,2)]"
SYMBOLS = ["|", "E", "T", "A", "'", "É"]


def stand_in(module, name):
    """A class that pickles as `module.name`, for modules that are not installed."""
    parts = module.split(".")
    for i in range(len(parts)):
        sys.modules.setdefault(".".join(parts[:i + 1]), types.ModuleType(".".join(parts[:i + 1])))
    kind = type(name, (), {"__module__": module})
    setattr(sys.modules[module], name, kind)
    return kind


Dictionary = stand_in("fairseq.data.dictionary", "Dictionary")
Meter = stand_in("fairseq.meters", "AverageMeter")
DictConfig = stand_in("omegaconf.dictconfig", "DictConfig")
ListConfig = stand_in("omegaconf.listconfig", "ListConfig")
AnyNode = stand_in("omegaconf.nodes", "AnyNode")
Metadata = stand_in("omegaconf.base", "Metadata")
ContainerMetadata = stand_in("omegaconf.base", "ContainerMetadata")
HubertConfig = stand_in("fairseq.models.hubert.hubert", "HubertConfig")


def filled(kind, **state):
    value = kind.__new__(kind)
    value.__dict__.update(state)
    return value


def dictionary(symbols):
    every = ["<s>", "<pad>", "</s>", "<unk>"] + symbols
    return filled(
        Dictionary, bos_word="<s>", unk_word="<unk>", pad_word="<pad>", eos_word="</s>", symbols=every,
        count=[1] * len(every), indices={s: i for i, s in enumerate(every)}, bos_index=0, pad_index=1,
        eos_index=2, unk_index=3, nspecial=4)


def omega(value, key=None, parent=None):
    """The objects of OmegaConf 2.0, as its pickles hold them: each knows the one it is in."""
    meta = dict(ref_type=object, object_type=None, optional=True, key=key, flags={},
                resolver_cache=collections.defaultdict(dict))
    if isinstance(value, dict):
        node = filled(DictConfig, _metadata=filled(ContainerMetadata, **meta | {"object_type": HubertConfig}),
                      _parent=parent)
        node.__dict__["_content"] = {k: omega(v, k, node) for k, v in value.items()}
    elif isinstance(value, (list, tuple)):
        node = filled(ListConfig, _metadata=filled(ContainerMetadata, **meta), _parent=parent)
        node.__dict__["_content"] = [omega(v, i, node) for i, v in enumerate(value)]
    else:
        kind = None if value is None else type(value)
        node = filled(AnyNode, _metadata=filled(Metadata, **meta | {"object_type": kind}),
                      _parent=parent, _val=value)
    return node


# ------------------------------------------------------------------------------------------ names
NAMES = [
    (r"feature_extractor\.conv_layers\.(\d+)\.conv\.", r"feature_extractor.conv_layers.\1.0."),
    (r"feature_projection\.projection\.", "post_extract_proj."),
    (r"feature_projection\.layer_norm\.", "layer_norm."),
    (r"masked_spec_embed", "mask_emb"),
    (r"encoder\.pos_conv_embed\.conv\.parametrizations\.weight\.original0", "encoder.pos_conv.0.weight_g"),
    (r"encoder\.pos_conv_embed\.conv\.parametrizations\.weight\.original1", "encoder.pos_conv.0.weight_v"),
    (r"encoder\.pos_conv_embed\.layers\.(\d+)\.conv\.", r"encoder.pos_conv.\1.0."),
    (r"encoder\.pos_conv_embed\.batch_norm\.", "encoder.pos_conv.0."),
    (r"encoder\.layers\.(\d+)\.attention\.", r"encoder.layers.\1.self_attn."),
    (r"encoder\.layers\.(\d+)\.layer_norm\.", r"encoder.layers.\1.self_attn_layer_norm."),
    (r"encoder\.layers\.(\d+)\.feed_forward\.intermediate_dense\.", r"encoder.layers.\1.fc1."),
    (r"encoder\.layers\.(\d+)\.feed_forward\.output_dense\.", r"encoder.layers.\1.fc2."),
]


def fairseq_name(name, config):
    if match := re.fullmatch(r"feature_extractor\.conv_layers\.(\d+)\.layer_norm\.(.*)", name):
        norm = "2" if getattr(config, "feat_extract_norm", "layer") == "group" else "2.1"
        return f"feature_extractor.conv_layers.{match[1]}.{norm}.{match[2]}"
    if name.startswith("encoder.pos_conv_embed.conv.") and "parametrizations" not in name:
        place = 1 if getattr(config, "conv_pos_batch_norm", False) else 0
        return name.replace("pos_conv_embed.conv", f"pos_conv.{place}")
    for old, new in NAMES:
        name, count = re.subn(old, new, name)
        if count:
            break
    return name


# ----------------------------------------------------------------------------------------- models
def hf_model(name, kind, recognizer, layer_norm, pre_norm):
    config = dict(
        hidden_size=WIDTH, num_hidden_layers=LAYERS, num_attention_heads=HEADS, intermediate_size=UNITS,
        conv_dim=[CHANNELS] * 7, num_conv_pos_embedding_groups=4, conv_bias=layer_norm,
        hidden_dropout=0.1, activation_dropout=0.0, attention_dropout=0.1, feat_proj_dropout=0.0,
        vocab_size=4 + len(SYMBOLS), pad_token_id=0, mask_time_prob=0.5, attn_implementation="eager")
    if kind == "data2vec":
        config |= dict(conv_pos_kernel_size=5, num_conv_pos_embeddings=3)
    else:
        config |= dict(num_conv_pos_embeddings=TAPS.get(name, 8), do_stable_layer_norm=pre_norm,
                       feat_extract_norm="layer" if layer_norm else "group")
    if kind == "hubert":
        config["conv_pos_batch_norm"] = name == "hubert_omega"
    prefix = {"wav2vec2": "Wav2Vec2", "hubert": "Hubert", "data2vec": "Data2VecAudio"}[kind]
    model = getattr(tf, prefix + ("ForCTC" if recognizer else "Model"))(
        getattr(tf, prefix + "Config")(**config)).eval()
    randomise(model, generator("fairseq", name))
    return model


def settings(model, kind, layer_norm, pre_norm):
    """What fairseq calls the sizes."""
    return {
        "_name": {"data2vec": "data2vec_audio"}.get(kind, kind),
        "extractor_mode": "layer_norm" if layer_norm else "default", "encoder_layers": LAYERS,
        "encoder_embed_dim": WIDTH, "encoder_ffn_embed_dim": UNITS, "encoder_attention_heads": HEADS,
        "activation_fn": "gelu", "dropout": 0.1, "attention_dropout": 0.1, "activation_dropout": 0.0,
        "encoder_layerdrop": 0.05, "dropout_input": 0.1, "dropout_features": 0.1, "final_dim": 8,
        "layer_norm_first": pre_norm, "conv_feature_layers": CONVOLUTIONS, "conv_bias": layer_norm,
        "logit_temp": 0.1, "quantize_targets": kind == "wav2vec2", "quantize_input": False,
        "feature_grad_mult": 1.0, "latent_vars": 6, "latent_groups": 2, "latent_dim": 0,
        "latent_temp": (2.0, 0.25, 0.999995), "mask_length": 10, "mask_prob": 0.65,
        "mask_selection": "static", "mask_channel_length": 10, "mask_channel_prob": 0.0,
        "conv_pos": 15 if kind == "data2vec" else getattr(model.config, "num_conv_pos_embeddings"),
        "conv_pos_groups": 4, "conv_pos_batch_norm": getattr(model.config, "conv_pos_batch_norm", False),
        "pos_conv_depth": 3 if kind == "data2vec" else 1,
    }


def weights(model, kind, recognizer, gen):
    """The state dictionary under fairseq's names, with what pre-training adds."""
    base = model.base_model_prefix + "."
    state = collections.OrderedDict()
    for name, value in model.state_dict().items():
        if name.startswith("lm_head."):
            state["w2v_encoder.proj." + name.removeprefix("lm_head.")] = value.clone()
        else:
            new = fairseq_name(name.removeprefix(base), model.config)
            state[("w2v_encoder.w2v_model." if recognizer else "") + new] = value.clone()
    if recognizer:
        return state
    random = lambda *shape: torch.randn(shape, generator=gen)
    state["final_proj.weight"], state["final_proj.bias"] = random(8, WIDTH), random(8)
    if kind == "wav2vec2":
        state["quantizer.vars"], state["project_q.weight"] = random(1, 12, 4), random(8, 8)
        state["quantizer.weight_proj.weight"] = random(12, CHANNELS)
    elif kind == "hubert":
        state["label_embs_concat"] = random(5, 8)
    else:
        state["_ema"] = collections.OrderedDict(
            (f"layers.{i}.fc1.weight", random(UNITS, WIDTH)) for i in range(LAYERS))
    return state


def common(state, gen):
    """What every checkpoint holds besides: counters, meters and the optimizer's state."""
    moments = {0: {"step": 7, "exp_avg": torch.randn(40, generator=gen), "exp_avg_sq": torch.rand(40, generator=gen)}}
    return {
        "model": state,
        "optimizer_history": [{"criterion_name": "Criterion", "optimizer_name": "FairseqAdam",
                               "lr_scheduler_state": {"best": None}, "num_updates": 7}],
        "extra_state": {
            "train_iterator": {"epoch": 1, "iterations_in_epoch": 7, "shuffle": True}, "val_loss": np.float64(1.5),
            "metrics": collections.OrderedDict(default=[(10, "loss", "AverageMeter", {"val": 2.5, "sum": 5.0})]),
            "train_meters": {"loss": filled(Meter, val=2.5, sum=5.0, count=2)}, "device": torch.device("cpu"),
            "previous_training_time": 3.25},
        "last_optimizer_state": {"state": moments, "param_groups": [{"lr": 5e-4, "betas": (0.9, 0.98), "params": [0]}]},
    }


@torch.no_grad()
def expected(model, layer_norm, half):
    """Activations for two clips, the second padded where the extractor gives a mask."""
    if half:
        model = model.half().float()
    values = torch.from_numpy(np.stack([clip(2400, 1), clip(2400, 2)]))
    mask = torch.ones(values.shape, dtype=torch.int32)
    if layer_norm:
        mask[1, 1900:] = 0
        values[1, 1900:] = 0
    encoder = getattr(model, model.base_model_prefix, model)
    units = []
    hooks = [layer.feed_forward.register_forward_hook(lambda m, i, o: units.append(o))
             for layer in encoder.encoder.layers]
    kwargs = {"attention_mask": mask.long()} if layer_norm else {}
    output = encoder(values, output_hidden_states=True, **kwargs)
    for hook in hooks:
        hook.remove()
    tensors = {"input_values": values, "last_hidden_state": output.last_hidden_state}
    if layer_norm:
        tensors["attention_mask"] = mask
    tensors |= {f"hidden_states.{i}": h for i, h in enumerate(output.hidden_states)}
    tensors |= {f"ffn.{i}": u for i, u in enumerate(units)}
    if encoder is not model:
        tensors["logits"] = model(values, **kwargs).logits
    return tensors


def flat(model, task):
    """The command line of the older form: model and task in one, the model's name as `arch`."""
    return {k: v for k, v in (model | {**task, "_name": None}).items() if k != "_name"} | {"arch": model["_name"]}


def make(out, name, kind, form, recognizer=False, layer_norm=True, pre_norm=True, half=False, legacy=False):
    gen = generator("fairseq extras", name)
    model = hf_model(name, kind, recognizer, layer_norm, pre_norm)
    inner = settings(model, kind, layer_norm, pre_norm)
    task = {"_name": "audio_pretraining", "data": "/corpus", "normalize": layer_norm, "sample_rate": 16000}
    state = weights(model, kind, recognizer, gen)
    if half:
        state = collections.OrderedDict((k, v.half() if v.is_floating_point() else v) for k, v in state.items())
    file = common(state, gen)
    outer = inner
    if recognizer:
        nested = argparse.Namespace(**flat(inner, task)) if form == "args" else {
            "model": inner, "task": task}
        outer = {
            "_name": "hubert_ctc" if kind == "hubert" else "wav2vec_ctc", "w2v_path": "/model.pt",
            "apply_mask": True, "final_dropout": 0.05, "dropout": 0.0, "attention_dropout": 0.0,
            "activation_dropout": 0.1, "layerdrop": 0.1, "mask_prob": 0.5, "mask_length": 12,
            "mask_channel_prob": 0.25, "mask_channel_length": 64, "w2v_args": nested}
    if form == "args":
        file |= {"args": argparse.Namespace(**flat(outer, task)), "cfg": None}
    else:
        config = {"_name": None, "common": {"seed": 1, "fp16": half}, "task": task, "model": outer}
        file |= {"args": None, "cfg": omega(config) if form == "omega" else config}
        file["task_state"] = (
            {"target_dictionary": dictionary(SYMBOLS)} if recognizer
            else {"dictionaries": [dictionary([str(i) for i in range(5)])]} if kind == "hubert" else {})
    torch.save(file, out / f"{name}.pt", _use_new_zipfile_serialization=not legacy)
    save(expected(model, layer_norm, half), out / f"{name}.safetensors")


def main():
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=here)
    root = parser.parse_args().out
    out = root / "fairseq"
    out.mkdir(parents=True, exist_ok=True)
    make(out, "wav2vec2_args", "wav2vec2", "args", layer_norm=False, pre_norm=False)
    make(out, "xlsr_fp16", "wav2vec2", "cfg", half=True)
    make(out, "hubert_cfg", "hubert", "cfg")
    make(out, "hubert_omega", "hubert", "omega", layer_norm=False, pre_norm=False)
    make(out, "data2vec_cfg", "data2vec", "cfg", pre_norm=False)
    make(out, "ctc_args_legacy", "wav2vec2", "args", recognizer=True, legacy=True)
    make(out, "ctc_hubert_cfg", "hubert", "cfg", recognizer=True)
    lines = [f"{symbol} {100 - i}" for i, symbol in enumerate(SYMBOLS)]
    (out / "dict.ltr.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for file in out.iterdir():
        file.chmod(0o644)
    write_checksums(root)


if __name__ == "__main__":
    main()
