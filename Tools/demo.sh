#!/usr/bin/env bash
# From nothing to a small recogniser in about ten minutes on two cores: speaks a corpus in four languages, trains a
# teacher on it, distils a student several times smaller by CoLLD, and fine-tunes teacher, student and an encoder
# of the student's shape that was never distilled, all alike, on a few minutes of each language.
#
# FOLDER (default demo) holds all that it makes. Ends with 3 if distillation did not help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

colld=${COLLD:-.build/release/colld}
demo=${FOLDER:-demo}
languages=es,it,sw,tr
labelled_minutes=3

# What each step took on two cores of an AMD EPYC without AMX, in seconds: for the time left alone.
titles=("A corpus" "A teacher" "CoLLD" "Fine-tuning, three times alike" "Scores on speakers and sentences that nobody has heard")
planned=(30 240 100 180 40)
started=$SECONDS
step=0

clock() { printf '%d:%02d' $(($1 / 60)) $(($1 % 60)); }
bold() { if [ -t 1 ]; then printf '\n\033[1m%s\033[0m\n' "$*"; else printf '\n%s\n' "$*"; fi; }
# Announces the next step with the time left, which the pace of the steps before it corrects.
next() {
    local spent=$((SECONDS - started)) done_planned=0 left=0 i
    for i in "${!planned[@]}"; do
        if [ "$i" -lt "$step" ]; then done_planned=$((done_planned + planned[i])); else left=$((left + planned[i])); fi
    done
    # The first steps are too short to tell the pace.
    [ "$done_planned" -lt 100 ] || left=$((left * spent / done_planned))
    bold "[$((step + 1))/${#titles[@]}] ${titles[$step]}: $*   ($(clock $spent) so far, about $(clock $left) to go)"
    step=$((step + 1))
}
run() { printf '$ colld %s\n' "$*"; "$colld" "$@"; }

# What it has made before, and nothing else, is made anew; the corpus, too, which takes seconds.
if [ -n "$(ls -A "$demo" 2>/dev/null)" ] && [ ! -e "$demo/corpus/synthesis.json" ]; then
    echo "$demo: expected a new or empty folder, or one of an earlier demo; found something else" >&2
    exit 2
fi
mkdir -p "$demo"
rm -rf "$demo"/{start,teacher,distilled,scratch-start,finetuned-teacher,finetuned-student,finetuned-scratch,corpus}

next "four languages, 25 minutes each, spoken by espeak-ng in 40 voices"
run data synthesize --output "$demo/corpus" --languages "$languages" --minutes-per-language 25 --voices 40 --seed 1
corpus=$demo/corpus
# The labels that fine-tuning gets: the first minutes of each language.
python3 - "$corpus/train.jsonl" $((labelled_minutes * 60)) > "$corpus/labelled.jsonl" <<'PY'
import collections, json, sys
seconds = collections.Counter()
for line in open(sys.argv[1], encoding="utf-8"):
    clip = json.loads(line)
    if seconds[clip["lang"]] < float(sys.argv[2]):
        seconds[clip["lang"]] += clip["duration"]
        sys.stdout.write(line)
PY

next "w2v-BERT, 3 layers of width 512, 25 frames a second, learns to recognise all of it"
run initialize --design 3x512 --output "$demo/start" conv_depthwise_kernel_size=5 feature_projection_input_dim=320
recogniser() { # MODEL OUTPUT TRAIN STEPS
    run finetune --config ctc-from-scratch --task ctc --model "$1" --output "$2" --train "$3" \
        --valid "$corpus/valid.jsonl" tokenizer.source=corpus regime.steps="$4" \
        trainer.log_every=50 trainer.validate_every=$(($4 / 2)) trainer.save_every="$4"
}
recogniser "$demo/start" "$demo/teacher" "$corpus/train.jsonl" 1000

next "a student of 3 layers of width 192 hears the corpus without transcripts"
run distill --config colld-unmasked --teacher "$demo/teacher/model" --train "$corpus/train.jsonl" \
    --valid "$corpus/valid.jsonl" --output "$demo/distilled" student.design=3x192 dataset.max_seconds=32 \
    trainer.accumulation=1 optimizer.lr=1e-3 regime.steps=400 trainer.log_every=50 trainer.validate_every=200 \
    trainer.save_every=400

next "$labelled_minutes minutes of each language, new heads"
run initialize --design 3x192 --output "$demo/scratch-start" \
    conv_depthwise_kernel_size=5 feature_projection_input_dim=320
recogniser "$demo/teacher/model" "$demo/finetuned-teacher" "$corpus/labelled.jsonl" 250
recogniser "$demo/distilled/model" "$demo/finetuned-student" "$corpus/labelled.jsonl" 250
recogniser "$demo/scratch-start" "$demo/finetuned-scratch" "$corpus/labelled.jsonl" 250

next "test.jsonl"
for name in teacher student scratch; do
    run evaluate --model "$demo/finetuned-$name/model" --data "$corpus/test.jsonl" --output "$demo/$name.json" \
        >/dev/null
    "$colld" inspect --json "$demo/finetuned-$name/model" >"$demo/$name-size.json"
    "$colld" benchmark encode --model "$demo/finetuned-$name/model" --threads 1 --repeats 5 --json \
        >"$demo/$name-speed.json"
done
python3 Tools/demo-table.py "$demo" teacher student scratch

clip=$(find "$corpus/audio/sw" -name 'sw-test-*.flac' | sort | head -1)
bold "The student hears a clip of an unknown voice"
run transcribe --model "$demo/finetuned-student/model" "$clip"
printf 'it says: '
grep -F "$(basename "$clip")" "$corpus/test.jsonl" |
    python3 -c 'import json, sys; print(json.loads(sys.stdin.readline())["text"])'

bold "Done in $(clock $((SECONDS - started))). What to do next"
cat <<NEXT
* The student is a Hugging Face directory: Wav2Vec2BertForCTC.from_pretrained("$demo/finetuned-student/model").
* Every setting of a run, with its value: colld distill --dump-config, colld finetune --dump-config
* Compress a real encoder, from a directory or the local Hugging Face cache:
    colld distill --teacher facebook/w2v-bert-2.0 --train train.jsonl --valid valid.jsonl \\
      --output run student.design=12x384 regime.steps=200_000
* A run that was stopped goes on with the same command and --resume.
* The curves: $demo/*/metrics/*.jsonl, or tensorboard --logdir $demo
NEXT
