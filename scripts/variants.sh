#!/usr/bin/env bash
# Train the article's five variants on the bundled corpus, and print what each attends to and how it
# scores: variants.sh [RUNS]. Some four minutes each on one core; what is trained already is kept.
set -euo pipefail
cd "$(dirname "$0")/.."
seq2seq=${VENV:-.venv}/bin/seq2seq
runs=${1:-runs/variants}
for config in configs/variants/*.yaml; do
    name=$(basename "$config" .yaml)
    [ -f "$runs/$name/result.json" ] ||
        "$seq2seq" --quiet train --config "$config" --run "$runs/$name" --resume training.threads=1
    printf '\n== %s\n' "$name"
    "$seq2seq" --quiet explain --model "$runs/$name" --target "je t'aime" "I love you"
    "$seq2seq" --quiet translate --model "$runs/$name" "I love you" "Does she read the old book?"
    "$seq2seq" --quiet evaluate --model "$runs/$name" --data data/test --alignments data/test.align |
        grep -E '^BLEU|AER|entropy'
done
