#!/usr/bin/env bash
# Trains every method from its preset on a synthesised corpus, with tiny models of random weights, and prints
# a table: the validation loss before the first update, its highest and its last value, milliseconds of an
# update with everything around it.
#
#   methods.sh [PRESET...]      (default: all methods and ways to train without a teacher)
#
# STEPS (default 120) updates each; FOLDER (default methods) holds the corpus, which is made once, and the
# runs. A method whose last loss is not below its first fails the whole; for the first stages of joint
# pruning, which start as copies of their teacher and lose their units on the way, below its highest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

colld=${COLLD:-.build/release/colld}
folder=${FOLDER:-methods}
steps=${STEPS:-120}
mkdir -p "$folder/teachers"

if [ ! -f "$folder/corpus/train.jsonl" ]; then
    "$colld" data synthesize --output "$folder/corpus" --languages de,en,es,fr \
        --minutes-per-language 2 --seed 1 --no-progress >/dev/null
fi
# Twelve layers, as some methods name those of their teachers.
for family in hubert w2v-bert; do
    [ -d "$folder/teachers/$family" ] || "$colld" initialize --family "$family" --design 12x64 --seed 1 \
        --output "$folder/teachers/$family" >/dev/null
done

if [ $# -eq 0 ]; then
    mapfile -t presets < <("$colld" presets --json | python3 -c '
import json, sys
print("\n".join(p["name"] for p in json.load(sys.stdin) if p["kind"] in ("method", "pretraining")))')
    set -- "${presets[@]}"
fi

# What makes a preset small: the command, its flags and overrides, one a line.
arguments() {
    local design='{layers: 6, width: 64, heads: 4, feed_forward: 128}'
    case $1 in
        wav2vec2-base | w2v-bert | random-projection)
            printf '%s\n' pretrain "model.design=$design" ;;
        w2v-bert-2.0-continued)
            printf '%s\n' pretrain --model "$folder/teachers/w2v-bert" ;;
        dphubert | dp-w2v-bert)
            printf '%s\n' distill "objective.sparsity_ramp=$((steps / 3))" objective.multiplier_rate=40 ;;
        dphubert-stage2 | dp-w2v-bert-stage2)
            printf '%s\n' distill --student "$folder/${1%-stage2}/model" ;;
        distilhubert)
            printf '%s\n' distill 'student.design={layers: 2, width: 64, heads: 1, feed_forward: 256}' ;;
        distilxlsr)
            printf '%s\n' distill 'student.design={layers: 6, width: 64, heads: 1, feed_forward: 256}' ;;
        deep-vs-wide-3)
            printf '%s\n' distill 'student.design={layers: 3, width: 64, heads: 1, feed_forward: 256}' ;;
        lighthubert)
            printf '%s\n' distill --student "$folder/lighthubert-stage1/model" \
                'objective.space={layers: [4, 6], widths: [32, 64], heads: [2, 4], feed_forward_ratios: [1, 2]}' ;;
        *) printf '%s\n' distill "student.design=$design" ;;
    esac
    # Convolutions over samples take most of the time: only for those that need them, and on less speech.
    case $1 in
        wav2vec2-base) printf '%s\n' dataset.max_seconds=6 ;;
        w2v-bert | random-projection | w2v-bert-2.0-continued) printf '%s\n' dataset.max_seconds=16 ;;
        *hubert*) printf '%s\n' --teacher "$folder/teachers/hubert" dataset.max_seconds=6 ;;
        *) printf '%s\n' --teacher "$folder/teachers/w2v-bert" dataset.max_seconds=16 ;;
    esac
}

failed=0
printf '%-24s %10s %10s %10s %10s\n' preset first highest last 'ms an update'
for preset in "$@"; do
    run=$folder/$preset
    rm -rf "$run"
    mapfile -t given < <(arguments "$preset")
    if ! "$colld" "${given[0]}" --config "$preset" --train "$folder/corpus/train.jsonl" \
        --valid "$folder/corpus/valid.jsonl" --output "$run" --no-progress "${given[@]:1}" \
        dataset.min_duration=0.7 trainer.accumulation=1 optimizer.lr=1e-3 \
        lr_scheduler.warmup=0.1 "regime.steps=$steps" "trainer.validate_every=$((steps / 3))" \
        "trainer.save_every=$steps" trainer.log_every=5 >"$folder/$preset.log" 2>&1; then
        printf '%-24s %s\n' "$preset" "$(tail -1 "$folder/$preset.log")"
        failed=1
        continue
    fi
    python3 - "$preset" "$run/metrics" <<'PYTHON' || failed=1
import json
import statistics
import sys

preset, metrics = sys.argv[1:]


def lines(name):
    with open(f"{metrics}/{name}.jsonl", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


losses = [line["loss"] for line in lines("valid")]
train = lines("train")
# Between neighbouring lines; the median leaves out those with a validation between them.
times = [
    1000 * (b["time"] - a["time"]) / (b["step"] - a["step"]) for a, b in zip(train, train[1:])
]
first, highest, last = losses[0], max(losses), losses[-1]
print(f"{preset:24} {first:10.4f} {highest:10.4f} {last:10.4f} {statistics.median(times):10.1f}")
prunes = preset in ("dphubert", "dp-w2v-bert")
sys.exit(0 if last < (highest if prunes else first) else 1)
PYTHON
done
exit $failed
