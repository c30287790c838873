#!/usr/bin/env python3
"""Regenerate the fixtures of speech translation: text decoders and a speech encoder with a decoder.

    python make_translation.py [--out DIR]

Tiny random checkpoints as `transformers` saves them, hidden states and logits of the decoders under
cross attention to random encoder states, and what `generate` finds. Seeded; single threaded CPU float32
with eager attention.
"""
import argparse, json, shutil
from pathlib import Path

from make_fixtures import clip, generator, randomise, save, tf, torch, write_checksums
from transformers.modeling_outputs import BaseModelOutput

SEARCHES = {
    "greedy": dict(num_beams=1),
    "beam5": dict(num_beams=5),
    "beam5_short": dict(num_beams=5, length_penalty=0.2),
    "beam5_long": dict(num_beams=5, length_penalty=2.0),
    "beam3_early": dict(num_beams=3, early_stopping=True),
    "beam4_forced": dict(num_beams=4, forced_bos_token_id=7, forced_eos_token_id=2),
}
SIZES = dict(
    vocab_size=53, d_model=24, decoder_layers=2, decoder_attention_heads=3, decoder_ffn_dim=40,
    encoder_layers=1, encoder_attention_heads=2, encoder_ffn_dim=16, max_position_embeddings=30)


@torch.no_grad()
def make_talkative(decoder, eos=2):
    """Lets a random decoder with tied embeddings say more than its last word again, and come to an end."""
    table = decoder.embed_tokens.weight
    table.mul_(0.2)
    for layer in decoder.layers:
        for part in (layer.self_attn.out_proj, layer.encoder_attn.out_proj, layer.fc2):
            part.weight.mul_(2)
    decoder.layer_norm.weight.mul_(4)
    decoder.layer_norm.bias.add_(4 * table[eos])


def searches(generate):
    """Token ids [B, L] of each search, padded with 1, and the scores of beams."""
    result = {}
    for name, settings in SEARCHES.items():
        settings = {"forced_eos_token_id": None, **settings}
        out = generate(
            max_length=14, do_sample=False, return_dict_in_generate=True, output_scores=True, **settings)
        result[f"generate.{name}"] = out.sequences.to(torch.int32)
        if settings["num_beams"] > 1:
            result[f"generate.{name}.scores"] = out.sequences_scores
    return result


@torch.no_grad()
def decoder(name, model, folder):
    gen = generator("translation", name)
    randomise(model.eval(), gen)
    make_talkative(model.model.decoder)
    states = torch.randn(3, 7, 24, generator=gen)
    mask = (torch.arange(7)[None] < torch.tensor([7, 5, 2])[:, None]).int()
    ids = torch.randint(3, 53, (3, 6), generator=gen)
    ids[:, 0] = 2
    ids[1, 4:] = 1
    tensors = {"encoder_states": states, "encoder_mask": mask, "decoder_input_ids": ids.int()}
    out = model(
        encoder_outputs=BaseModelOutput(states), attention_mask=mask.long(), decoder_input_ids=ids,
        output_hidden_states=True)
    for index, state in enumerate(out.decoder_hidden_states):
        tensors[f"hidden_states.{index}"] = state
    tensors["last_hidden_state"] = model.model.decoder(
        input_ids=ids, encoder_hidden_states=states, encoder_attention_mask=mask.long()).last_hidden_state
    tensors["logits"] = out.logits
    tensors |= searches(lambda **settings: model.generate(
        encoder_outputs=BaseModelOutput(states.clone()), attention_mask=mask.long(), decoder_start_token_id=2,
        **settings))
    model.save_pretrained(folder / name)
    save(tensors, folder / name / "expected.safetensors")
    return tensors


@torch.no_grad()
def composed(folder, models):
    """w2v-BERT with its adapter and an mBART decoder of another width."""
    name = "speech_encoder_decoder"
    gen = generator("translation", name)
    encoder_config = tf.Wav2Vec2BertConfig(
        **json.loads((models / "w2vbert/config.json").read_text()) | dict(
            add_adapter=True, num_adapter_layers=1, adapter_kernel_size=3, adapter_stride=2,
            use_intermediate_ffn_before_adapter=True))
    encoder_config.output_hidden_size = encoder_config.hidden_size
    # A decoder alone is cached in as many layers as its configuration gives the encoder.
    decoder_config = tf.MBartConfig(
        **SIZES | dict(encoder_layers=2), scale_embedding=True, is_decoder=True, add_cross_attention=True, is_encoder_decoder=False)
    model = tf.SpeechEncoderDecoderModel(
        encoder=tf.Wav2Vec2BertModel._from_config(encoder_config, attn_implementation="eager"),
        decoder=tf.MBartForCausalLM._from_config(decoder_config, attn_implementation="eager"))
    randomise(model.eval(), gen)
    make_talkative(model.decoder.model.decoder)
    model.config.decoder_start_token_id = model.generation_config.decoder_start_token_id = 2
    model.config.pad_token_id, model.config.eos_token_id = 1, 2
    extractor = tf.AutoFeatureExtractor.from_pretrained(models / "w2vbert")
    x = extractor(clip(9000, 5), sampling_rate=16000, return_tensors="pt").input_features
    ids = torch.randint(3, 53, (1, 6), generator=gen)
    ids[:, 0] = 2
    out = model(x, decoder_input_ids=ids)
    tensors = {"input_features": x, "decoder_input_ids": ids.int(), "logits": out.logits,
               "encoder_states": out.encoder_last_hidden_state}
    tensors |= searches(lambda **settings: model.generate(x, **settings))
    model.save_pretrained(folder / name)
    shutil.copy(models / "w2vbert/preprocessor_config.json", folder / name)
    save(tensors, folder / name / "expected.safetensors")
    return tensors


def main():
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=here)
    out = parser.parse_args().out
    folder = out / "translation"
    eager = dict(attn_implementation="eager")
    m2m = tf.M2M100ForConditionalGeneration._from_config(tf.M2M100Config(**SIZES), **eager)
    mbart = tf.MBartForConditionalGeneration._from_config(tf.MBartConfig(**SIZES, scale_embedding=True), **eager)
    for name, tensors in [
        ("m2m100", decoder("m2m100", m2m, folder)),
        ("mbart", decoder("mbart", mbart, folder)),
        ("speech_encoder_decoder", composed(folder, here / "models")),
    ]:
        for key, value in tensors.items():
            if key.startswith("generate") and not key.endswith("scores"):
                print(name, key, value.tolist())
    for file in folder.rglob("*"):
        file.is_file() and file.chmod(0o644)
    write_checksums(out)


if __name__ == "__main__":
    main()
