#!/usr/bin/env bash
# Teach a DNC questions that need two facts, in three steps: who has which thing, then short stories,
# then long ones, each from the end of the step before: stories.sh [SEED [RUNS]]. Half an hour of one
# core; what is done already is kept, what was stopped goes on, and standard output is the record.
set -euo pipefail
cd "$(dirname "$0")/.."
seq2seq=(${SEQ2SEQ:-${VENV:-.venv}/bin/seq2seq})
seed=${1:-1}
runs=${2:-runs/stories}
mkdir -p "$runs"

corpus() {  # NAME OPTION ...
    [ -d "corpora/$1" ] || "${seq2seq[@]}" data make stories --name "$@" >/dev/null
}
texts() {  # NAME ...: what data.train takes for several corpora
    local each listed=""
    for each; do listed+=", [corpora/$each/train.src, corpora/$each/train.tgt]"; done
    printf '[%s]' "${listed#, }"
}
result() {  # RUN NAME: a figure of a run that has ended, else 0
    sed -n "s/^ *\"$2\": \([0-9.]*\).*/\1/p" "$1/result.json" 2>/dev/null || echo 0
}
learnt() {  # RUN
    awk -v exact="$(result "$1" exact)" 'BEGIN {exit exact < 99}'
}
lesson() {  # NAME VALID STEPS MOST OVERRIDE ...: so many updates, then more until 99 % are right
    local run=$runs/$1-$seed steps
    for ((steps = $3; steps <= $4; steps += 1000)); do
        [ "$(result "$run" steps)" -ge "$steps" ] || "${seq2seq[@]}" train --config tasks/stories-2-dnc --run "$run" \
            --resume seed="$seed" training.threads=1 training.validate_every=250 tokenizer.vocab_size=43 \
            data.test=null data.valid="corpora/$2/valid" training.max_steps="$steps" "${@:5}" >/dev/null
        learnt "$run" && break
    done
    printf '\n== %s\n' "$1"
    sed -nE 's/^[^ ]+ [^ ]+ (step|finished)/\1/p' "$run/train.log"
    learnt "$run" && return
    echo "stories.sh: lesson $1, seed $seed: $(result "$run" exact) % are right after $4 updates, expected 99;" \
        "what builds on it would not be learnt: try another seed" >&2
    exit 1
}

printf '$ scripts/stories.sh %s    # %s, one thread\n' "$seed" "$(lscpu | sed -n 's/^Model name: *//p')"
corpus who --who --shortest 2 --longest 3 --pairs 200000 --seed 51
corpus words --facts 2 --shortest 2 --longest 6 --pairs 3000 --seed 12     # for the words of the later steps
corpus who-6 --who --shortest 2 --longest 6 --pairs 100000 --seed 52
corpus places-6 --facts 1 --shortest 2 --longest 6 --pairs 300000 --seed 41
corpus things-6 --facts 2 --shortest 2 --longest 6 --pairs 300000 --seed 42
corpus things-12 --facts 2 --pairs 300000 --seed 44
corpus stories-2 --facts 2                                                 # for its tests, which nothing was chosen by

few=(model.encoder.cell.slots=32 model.decoder.cell.slots=32)
lesson who who 3000 10000 "${few[@]}" data.train="$(texts who words)" training.schedule=constant
lesson short things-6 2000 6000 "${few[@]}" data.train="$(texts who-6 places-6 things-6)" \
    --init "$runs/who-$seed" training.schedule=constant
lesson long things-12 1000 1000 data.train=corpora/things-12/train --init "$runs/short-$seed"

printf '\n== stories-2, two facts: 3 to 12 sentences as in training, then 20, 30 and 40\n'
for test in test test-20 test-30 test-40; do
    "${seq2seq[@]}" evaluate --run "$runs/long-$seed" --data "corpora/stories-2/$test" --exact --bootstrap 0 |
        sed -n "s/^exact/$test/p"
done
