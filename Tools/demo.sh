#!/usr/bin/env bash
# From nothing to a distilled student in a few minutes: speaks a small corpus in eight languages, distils
# a student by CoLLD, checks that it learned, and encodes a clip with it.
#
# The teacher is a small w2v-BERT with random weights, made here from a seed: the demo shows the machinery,
# not speech recognition. With a real teacher the same command compresses it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

colld=.build/release/colld
demo=demo
languages=de,en,es,fr,hi,it,sw,zh
steps=240
started=$SECONDS

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n%s\n' "$*"; }
run() { printf '$ colld %s\n' "$*"; "$colld" "$@"; }

mkdir -p "$demo"
say "1. A corpus: eight languages, four minutes each, spoken by espeak-ng"
run data synthesize --output "$demo/corpus" --languages "$languages" --minutes-per-language 4 --seed 1
run data validate "$demo/corpus/train.jsonl" --no-progress

say "2. A teacher: w2v-BERT, 6 layers of width 256, random weights (it has learned nothing)"
rm -rf "$demo/teacher"
run initialize --family w2v-bert --design 6x256 --seed 1 --output "$demo/teacher"

say "3. A student: 3 layers of width 128, distilled by CoLLD for $steps updates"
rm -rf "$demo/run"
run distill --teacher "$demo/teacher" --train "$demo/corpus/train.jsonl" \
    --valid "$demo/corpus/valid.jsonl" --output "$demo/run" \
    student.design=3x128 dataset.max_seconds=48 optimizer.lr=1e-3 regime.steps=$steps \
    trainer.log_every=20 trainer.validate_every=60 trainer.save_every=120

say "4. Did it learn?"
# Telling the teacher's feature from 100 distractors by chance costs ln(101) = 4.615.
best=$(sed -n 's/.*"loss":\([0-9.]*\).*/\1/p; ' <(sed 's/,"[0-9]*:.*//' "$demo/run/metrics/valid.jsonl") |
    sort -g | head -1)
first=$(sed 's/,"[0-9]*:.*//' "$demo/run/metrics/valid.jsonl" | sed -n '1s/.*"loss":\([0-9.]*\).*/\1/p')
printf 'validation loss: %.3f before, %.3f after, chance 4.615\n' "$first" "$best"
if ! awk -v loss="$best" 'BEGIN { exit !(loss < 4.615) }'; then
    echo "the student did not get below chance" >&2
    exit 3
fi

say "5. The student hears a clip"
clip=$(find "$demo/corpus/audio/sw" -name '*.flac' | sort | head -1)
run encode --model "$demo/run/model" --audio "$clip" --output "$demo/clip.safetensors"
run inspect "$demo/run/model"

minutes=$(((SECONDS - started) / 60))
say "Done in $minutes min $(((SECONDS - started) % 60)) s. What to do next"
cat <<NEXT
* The student is a Hugging Face directory: AutoModel.from_pretrained("$demo/run/model").
* Every setting of the run, with its value: colld distill --dump-config
* Compress a real encoder, from a directory or the local Hugging Face cache:
    colld distill --teacher facebook/w2v-bert-2.0 --train train.jsonl --valid valid.jsonl \\
      --output run student.design=12x384 regime.steps=200_000
* A run that was stopped goes on with the same command and --resume.
* The curves: $demo/run/metrics/*.jsonl, or tensorboard --logdir $demo/run
NEXT
