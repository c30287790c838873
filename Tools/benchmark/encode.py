"""Times encoders in `colld` and in `transformers` on the same weights, in turns, and prints a table.

    encode.py [--rounds 3] [--families w2v-bert,wav2vec2,…] [--design 12x384] [--seconds 10]
              [--threads 1,2] [--precisions fp32,bf16]

Each family's weights are written once by `colld initialize`. Programs take turns, so that all meet the same
load of the machine; a figure is the median of a run's passes, and the best of the rounds counts. Ratios
above 1 say that `colld` is faster. `make bench` runs it in the Python environment of `make oracle`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COLLD = os.path.join(ROOT, ".build/release/colld")
REFERENCE = os.path.join(ROOT, "Tools/benchmark/transformers_encode.py")


def answer(command):
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def compare(model, precision, threads, options):
    """Milliseconds of the best median and the most memory of each program."""
    shape = ["--precision", precision, "--threads", str(threads), "--seconds", str(options.seconds),
             "--repeats", str(options.repeats)]
    commands = {
        "colld": [COLLD, "benchmark", "encode", "--json", "--model", model, *shape],
        "sdpa": [sys.executable, REFERENCE, model, *shape],
        "eager": [sys.executable, REFERENCE, model, *shape, "--attention", "eager"],
    }
    best = {}
    for _ in range(options.rounds):
        for name, command in commands.items():
            run = answer(command)
            found = best.setdefault(name, {"ms": float("inf"), "mb": 0.0})
            found["ms"] = min(found["ms"], run["median_ms"])
            found["mb"] = max(found["mb"], run["peak_rss_bytes"] / 1e6)
    return best


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--families", default="w2v-bert,wav2vec2,hubert,wavlm,wav2vec2-conformer")
    parser.add_argument("--design", default="12x384")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--precisions", default="fp32,bf16")
    options = parser.parse_args()

    print(f"Milliseconds for {options.seconds:g} s, {options.design}; best of {options.rounds} medians\n")
    print("| family | type | threads | colld | transformers (sdpa) | transformers (eager) | ratio | MB colld | MB transformers |")
    print("|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for family in options.families.split(","):
            model = os.path.join(folder, family)
            subprocess.run([COLLD, "initialize", "--family", family, "--design", options.design,
                            "--output", model], check=True, stdout=subprocess.DEVNULL)
            for precision in options.precisions.split(","):
                for threads in map(int, options.threads.split(",")):
                    found = compare(model, precision, threads, options)
                    reference = min(found["sdpa"]["ms"], found["eager"]["ms"])
                    print(f"| {family} | {precision} | {threads} | {found['colld']['ms']:.0f} "
                          f"| {found['sdpa']['ms']:.0f} | {found['eager']['ms']:.0f} "
                          f"| {reference / found['colld']['ms']:.2f} "
                          f"| {found['colld']['mb']:.0f} | {found['sdpa']['mb']:.0f} |", flush=True)


if __name__ == "__main__":
    main()
