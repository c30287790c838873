"""The forward pass of an encoder in `transformers`: what `colld benchmark encode` is held against.

    transformers_encode.py MODEL [--precision fp32|bf16] [--seconds 10] [--batch 1] [--repeats 10]
                           [--threads 2] [--attention sdpa|eager]

Loads a model directory as the bare encoder, in evaluation mode and the type asked for, and times forward
passes on noise without gradients and without a mask, two passes beforehand not counted. Attention is
PyTorch's fused one where the family has it.

The answer is one JSON object with keys of `colld benchmark encode --json`.
"""

import argparse
import json
import os
import resource
import statistics
import sys
import time

# As the command does it: freed memory stays with the process. glibc reads these when a process starts.
if os.environ.get("MALLOC_MMAP_MAX_") is None:
    os.environ.update(MALLOC_MMAP_MAX_="0", MALLOC_TRIM_THRESHOLD_=str(1 << 40), MALLOC_ARENA_MAX="1")
    os.execv(sys.executable, [sys.executable] + sys.argv)

os.environ["TRANSFORMERS_VERBOSITY"] = "error"
os.environ["HF_HUB_OFFLINE"] = "1"

import torch
import transformers


def load(path, dtype, attention):
    config = transformers.AutoConfig.from_pretrained(path)
    kind = transformers.AutoModel
    if config.model_type == "whisper":
        kind = transformers.models.whisper.modeling_whisper.WhisperEncoder
    try:
        model = kind.from_pretrained(path, dtype=dtype, attn_implementation=attention)
    except ValueError:  # a family without the fused kernel
        model, attention = kind.from_pretrained(path, dtype=dtype, attn_implementation="eager"), "eager"
    return model.eval(), attention


def noise(model, batch, seconds):
    """Input in the shape that the family's extractor gives."""
    config = model.config
    generator = torch.Generator().manual_seed(4)
    if config.model_type == "wav2vec2-bert":
        shape = (batch, int(seconds * 50), config.feature_projection_input_dim)
    elif config.model_type == "whisper":
        shape = (batch, config.num_mel_bins, 2 * config.max_source_positions)
    else:
        shape = (batch, int(seconds * 16_000))
    return torch.randn(shape, generator=generator)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--attention", choices=["sdpa", "eager"], default="sdpa")
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    dtype = torch.float32 if options.precision == "fp32" else torch.bfloat16
    model, attention = load(options.model, dtype, options.attention)
    values = noise(model, options.batch, options.seconds).to(dtype)
    times = []
    with torch.inference_mode():
        for index in range(2 + options.repeats):
            start = time.perf_counter()
            model(values)
            if index >= 2:
                times.append(time.perf_counter() - start)
    median = statistics.median(times)
    print(json.dumps({
        "attention": attention,
        "audio_seconds_per_second": options.batch * options.seconds / median,
        "family": model.config.model_type,
        "median_ms": 1e3 * median,
        "min_ms": 1e3 * min(times),
        "peak_rss_bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        "threads": torch.get_num_threads(),
    }))


if __name__ == "__main__":
    main()
