#!/usr/bin/env bash
# Trains every method from its preset on a synthesised corpus, with a tiny teacher of random weights and a
# tiny student, and prints a table: first and last validation loss, milliseconds of a step.
#
#   methods.sh [METHOD...]      (default: all that `colld presets` lists as methods)
#
# STEPS (default 120) updates each; FOLDER (default methods) holds the corpus, which is made once, and the
# runs. A method whose loss does not fall fails the whole.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

colld=${COLLD:-.build/release/colld}
folder=${FOLDER:-methods}
steps=${STEPS:-120}
mkdir -p "$folder"

if [ ! -f "$folder/corpus/train.jsonl" ]; then
    "$colld" data synthesize --output "$folder/corpus" --languages de,en,es,fr --minutes-per-language 2 \
        --seed 1 --no-progress >/dev/null
fi

if [ $# -gt 0 ]; then
    methods=("$@")
else
    mapfile -t methods < <("$colld" presets --json | python3 -c '
import json, sys
print("\n".join(preset["name"] for preset in json.load(sys.stdin) if preset["kind"] == "method"))')
fi

# Twelve layers, as some methods name those of their teachers.
for family in hubert w2v-bert; do
    [ -d "$folder/$family" ] || "$colld" initialize --family "$family" --design 12x64 --seed 1 \
        --output "$folder/$family" >/dev/null
done

failed=0
printf '%-24s %10s %10s %10s\n' method first last 'ms a step'
for method in "${methods[@]}"; do
    run=$folder/$method
    rm -rf "$run"
    family=hubert
    case $method in *w2v-bert*) family=w2v-bert ;; esac
    overrides=(dataset.max_seconds=16 dataset.min_duration=0.7 trainer.accumulation=1 optimizer.lr=1e-3
        lr_scheduler.warmup=0.1 "regime.steps=$steps" "trainer.validate_every=$((steps / 4))"
        "trainer.save_every=$steps" "trainer.log_every=$((steps / 4))" student.initialization=auto)
    case $method in
        dphubert* | dp-*) ;;
        distilhubert | deep-vs-wide-3) overrides+=("student.design={layers: 2, width: 64}") ;;
        *) overrides+=("student.design={layers: 6, width: 64}") ;;
    esac
    started=$(date +%s%N)
    if ! "$colld" distill --config "$method" --teacher "$folder/$family" --train "$folder/corpus/train.jsonl" \
        --valid "$folder/corpus/valid.jsonl" --output "$run" --no-progress "${overrides[@]}" \
        >"$folder/$method.log" 2>&1; then
        printf '%-24s %s\n' "$method" "$(tail -1 "$folder/$method.log")"
        failed=1
        continue
    fi
    elapsed=$((($(date +%s%N) - started) / 1000000))
    python3 - "$method" "$run/metrics/valid.jsonl" "$elapsed" "$steps" <<'PYTHON' || failed=1
import json
import sys

method, path, elapsed, steps = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
losses = [json.loads(line)["loss"] for line in open(path, encoding="utf-8")]
print(f"{method:24} {losses[0]:10.4f} {losses[-1]:10.4f} {elapsed / steps:10.1f}")
sys.exit(0 if min(losses[1:]) < losses[0] else 1)
PYTHON
done
exit $failed
