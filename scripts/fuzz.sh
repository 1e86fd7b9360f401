#!/usr/bin/env bash
# Try random files, settings and texts on everything that reads, with new random numbers in each round:
# fuzz.sh [MINUTES [PYTEST OPTION ...]]. Stops at the first failure; prints how often what was tried.
set -euo pipefail
cd "$(dirname "$0")/.."
minutes=${1:-60}
counts=$(mktemp)
report() {
    awk -F'\t' '{tried[$2] += $1; all += $1} END {for (name in tried) printf "%9d  %s\n", tried[name], name
        printf "%9d  in all\n", all}' "$counts" | sort -k2
    rm "$counts"
}
trap report EXIT
export SEQ2SEQ_FUZZ=long SEQ2SEQ_FUZZED=$counts
end=$((SECONDS + minutes * 60))
while [ "$SECONDS" -lt "$end" ]; do
    "${VENV:-.venv}/bin/python" -m pytest -n auto tests/fuzz --hypothesis-seed "$RANDOM" "${@:2}"
done
