#!/usr/bin/env bash
# Times one distillation step of the command and of plain PyTorch on the same shapes, in turns, so that
# both meet the same load of the machine. One JSON object per run; the note at the end compares the
# fastest of each.
#
#   distill.sh [ROUNDS]      (default 3)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

rounds=${1:-3}
results=$(mktemp)
trap 'rm -f "$results"' EXIT
shape=(--teacher 12x512 --student 6x256 --batch 4 --seconds 8)

record() { # record NAME PRECISION COMMAND...
    local name=$1 precision=$2 answer
    shift 2
    answer=$("$@" | tr -d '\n')
    printf '%s %s %s\n' "$name" "$precision" "$answer"
    printf '%s\t%s\t%s\n' "$name" "$precision" "$answer" >>"$results"
}

for precision in bf16 fp32; do
    for ((round = 1; round <= rounds; round++)); do
        record colld "$precision" .build/release/colld benchmark distill \
            --family w2v-bert "${shape[@]}" --precision "$precision" --json
        record pytorch-tuned "$precision" .oracle/bin/python Tools/benchmark/pytorch_distill.py \
            --style tuned --precision "$precision" "${shape[@]}"
    done
    record pytorch-eager "$precision" .oracle/bin/python Tools/benchmark/pytorch_distill.py \
        --style eager --precision "$precision" "${shape[@]}"
done

.oracle/bin/python - "$results" <<'PYTHON'
import json
import sys

best = {}
for line in open(sys.argv[1], encoding="utf-8"):
    name, precision, answer = line.rstrip("\n").split("\t")
    rate = json.loads(answer)["audio_seconds_per_second"]
    best[precision, name] = max(rate, best.get((precision, name), 0.0))
print("\nAudio seconds per second, the best median:")
for (precision, name), rate in best.items():
    print(f"  {precision}  {name:14} {rate:8.2f}")
PYTHON
