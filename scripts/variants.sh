#!/usr/bin/env bash
# Train the article's five variants on the bundled corpus with three seeds, and print what each attends
# to and how it scores, then a table of all seeds: variants.sh [RUNS [SEED ...]]. A few minutes for each
# run on one core; what is trained already is kept.
set -euo pipefail
cd "$(dirname "$0")/.."
seq2seq=(${SEQ2SEQ:-${VENV:-.venv}/bin/seq2seq} --quiet)
runs=${1:-runs/variants}
seeds=("${@:2}")
[ ${#seeds[@]} -gt 0 ] || seeds=(1 2 3)
sentence="I love you"
mkdir -p "$runs"

train() {  # CONFIG SEED RUN; the CPU seconds of each part of the training are kept beside the run
    local TIMEFORMAT='%U %S'
    { time "${seq2seq[@]}" train --config "$1" --run "$3" --resume "seed=$2" training.threads=1 >/dev/null 2>&3; } \
        3>&2 2>>"$3.cpu"
}

printf '$ scripts/variants.sh    # %s, one thread\n' \
    "$(lscpu | sed -n 's/^Model name: *//p')"
table=""
for config in configs/variants/*.yaml; do
    name=$(basename "$config" .yaml)
    for seed in "${seeds[@]}"; do
        run=$runs/$name-$seed
        [ -f "$run/result.json" ] || train "$config" "$seed" "$run"
        scores=$("${seq2seq[@]}" evaluate --model "$run" --data data/test --alignments data/test.align |
            grep -E '^BLEU|AER|entropy')
        said=$("${seq2seq[@]}" translate --model "$run" "$sentence")
        if [ "$seed" = "${seeds[0]}" ]; then
            printf '\n== %s\n' "$name"
            "${seq2seq[@]}" explain --model "$run" --target "je t'aime" "$sentence"
            printf '%s\n' "$said"
            "${seq2seq[@]}" translate --model "$run" "Does she read the old book?"
            printf '%s\n' "$scores"
        fi
        bleu=$(awk '/^BLEU/ {print $2}' <<<"$scores")
        aer=$(awk '/^AER/ {print $2; exit}' <<<"$scores")   # of the offset 0
        minutes=$(awk '{seconds += $1 + $2} END {printf "%.1f", seconds / 60}' "$run.cpu")
        table+="| $name | $seed | $said | $bleu | ${aer:-–} | $minutes |"$'\n'
    done
done
printf '\n| variant | seed | "%s" | BLEU | AER | CPU minutes of training |\n%s' "$sentence" "$table"
