#!/usr/bin/env bash
# The article's example from nothing: install, train on the bundled corpus, translate, show what the
# model attended to, and score it. The training takes some minutes on two cores.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/install.sh
seq2seq=${VENV:-.venv}/bin/seq2seq
run=${1:-runs/demo}
[ -f "$run/result.json" ] || "$seq2seq" train --config configs/demo.yaml --run "$run" --resume
"$seq2seq" translate --model "$run" "I love you"
"$seq2seq" explain --model "$run" "I love you"
for set in test heldout; do
    "$seq2seq" evaluate --model "$run" --data "data/$set" --alignments "data/$set.align"
done
