#!/usr/bin/env bash
# Try the oldest and the newest release of each dependency that pyproject.toml allows: a fresh
# environment, every help, a short training, translating, explaining, scoring, and tests of the
# command line and the configuration. Needs uv (pip install uv) and what scripts/install.sh makes.
#
#     scripts/try_bounds.sh                  # oldest, then newest
#     scripts/try_bounds.sh oldest           # only these
#     PYTHON=3.12 scripts/try_bounds.sh      # another interpreter, which uv finds or fetches
#
# torch is not installed but borrowed from .venv (or $VENV), as its wheels for Linux bring gigabytes
# of CUDA. An interpreter of another version can't borrow it: there only what needs no torch is tried,
# every help and translating with an exported model. TORCH='torch==2.6.*' has a torch installed
# instead, whatever that brings. What is tried is printed first.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$(cd "${VENV:-.venv}" && pwd)
uv=$(PATH="$venv/bin:$PATH" command -v uv) || { echo "try_bounds.sh: needs uv: pip install uv" >&2; exit 2; }
read -r version borrowed < <("$venv/bin/python" -c 'import pathlib, platform, torch
print(platform.python_version(), pathlib.Path(torch.__file__).parents[1])')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf 'torch\n' >"$work/excluded"
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1} SEQ2SEQ_CACHE=$work/cache

# install FOLDER RESOLUTION: an environment with the package and the releases of that end
install() {
    "$uv" venv --quiet --python "${PYTHON:-$version}" "$1"
    if [ -n "${TORCH:-}" ]; then
        "$uv" pip install --quiet --python "$1/bin/python" "$TORCH"
    elif "$1/bin/python" -c "import sys; sys.exit(sys.version_info[:2] != ($(cut -d. -f1,2 <<<"$version" | tr . ,)))" 2>/dev/null; then
        # What torch itself needs lies there too, and comes after what is installed here.
        echo "$borrowed" >"$("$1/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/torch.pth"
    fi
    "$uv" pip install --quiet --python "$1/bin/python" --resolution "$2" --excludes "$work/excluded" \
        --requirements pyproject.toml --extra moses --extra onnx --extra plots --extra sparse
    "$uv" pip install --quiet --python "$1/bin/python" --no-deps .
    "$uv" pip install --quiet --python "$1/bin/python" 'pytest>=8'
}

# small SEQ2SEQ...: train a tiny model into $work/run with that command
small() {
    "$@" train --config demo --run "$work/run" data.train="$corpus/valid" data.valid="$corpus/valid" \
        tokenizer.vocab_size=500 model.embedding=16 model.encoder.size=16 model.decoder.size=32 \
        training.max_steps=20 training.validate_every=10 >/dev/null
}

# smoke BIN: use what is installed there, from outside the checkout
smoke() {
    local seq2seq="$1/seq2seq --quiet" run=$work/run
    rm -rf "$run" "$work/export"
    cd "$work"
    for command in "" train translate explain evaluate score export doctor data config attention bench; do
        $seq2seq $command --help >/dev/null
    done
    if "$1/python" -c "import torch" 2>/dev/null; then
        small $seq2seq
        $seq2seq translate --model "$run" "I love you" >/dev/null
        $seq2seq explain --model "$run" "I love you" -o x.json -o x.npz -o x.html -o x.svg -o x.png >/dev/null
        $seq2seq evaluate --model "$run" --data "$corpus/test" --alignments "$corpus/test.align" --moses \
            --bootstrap 10 --beam 1 >/dev/null
        $seq2seq export "$run" -o export
    else
        echo "without torch"
        small "$venv/bin/python" -m seq2seq --quiet
        "$venv/bin/python" -m seq2seq --quiet export "$run" -o export
    fi
    $seq2seq translate --model export "I love you" >/dev/null
    cd "$checkout"
    "$1/python" -c "import torch" 2>/dev/null || return 0
    "$1/python" -m pytest -q -x -p no:cacheprovider tests/unit/config \
        tests/integration/test_cli.py tests/integration/test_bad_input.py
}

checkout=$PWD corpus=$PWD/data
for end in ${1:-oldest newest}; do
    case $end in
    oldest) resolution=lowest-direct ;;
    newest) resolution=highest ;;
    *) echo "try_bounds.sh: expected oldest or newest, found $end" >&2; exit 2 ;;
    esac
    echo "== $end"
    install "$work/$end" "$resolution"
    "$uv" pip list --python "$work/$end/bin/python" --format freeze
    smoke "$work/$end/bin"
    echo "the $end hold"
done
