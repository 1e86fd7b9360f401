#!/usr/bin/env bash
# Measure seq2seq beside JoeyNMT, OpenNMT-py, Marian and CTranslate2: bench_peers.sh [OPTIONS]
# The first run installs them under ~/.cache/seq2seq/peers, or --home FOLDER: 4 GB, x86-64 Linux only.
# The options are those of scripts/bench_peers.py (--help); docs/performance.md says what is measured.
set -euo pipefail
cd "$(dirname "$0")/.."
home=$HOME/.cache/seq2seq/peers
words=("$@")
for ((i = 0; i < $#; i++)); do
    case ${words[i]} in
    --home) home=${words[i + 1]:?} ;;
    --home=*) home=${words[i]#--home=} ;;
    esac
done

# has SYSTEM PACKAGE VERSION: whether the system's environment is there, its own package the last
has() {
    "$home/$1.venv/bin/python" -c "
import importlib.metadata, sys
sys.exit(importlib.metadata.version('$2') != '$3')" 2>/dev/null
}

# install SYSTEM PIP-ARGUMENTS...: into an environment of its own
install() {
    echo "installing $1 into $home/$1.venv" >&2
    "${PYTHON:-python3}" -m venv "$home/$1.venv"
    "$home/$1.venv/bin/pip" install --quiet --disable-pip-version-check "${@:2}"
}

# JoeyNMT imports importlib_metadata without asking for it, knows sentencepiece as it was at 0.2.0,
# and gives torch's ReduceLROnPlateau a `verbose` that it no longer takes.
has joeynmt joeynmt 2.3.0 ||
    install joeynmt torch==2.13.0 joeynmt==2.3.0 sentencepiece==0.2.0 importlib_metadata
sed -i '/"verbose": /d' "$home"/joeynmt.venv/lib/python3*/site-packages/joeynmt/builders.py

# OpenNMT-py insists on a torch below 2.3: first all else that it asks for, then itself alone.
if ! has opennmt OpenNMT-py 3.5.1; then
    install opennmt torch==2.13.0 configargparse 'ctranslate2>=4,<5' fasttext-wheel flask pyahocorasick \
        'pyonmttok>=1.37,<2' pyyaml rapidfuzz sacrebleu six spacy tensorboard waitress
    "$home/opennmt.venv/bin/pip" install --quiet --disable-pip-version-check --no-deps OpenNMT-py==3.5.1
fi

# Marian, as the wheel that was built of it.
has marian pymarian 1.12.42 || install marian pymarian==1.12.42 numpy

# CTranslate2 runs what `seq2seq export --format ctranslate2` writes.
has ctranslate2 ctranslate2 4.8.5 || install ctranslate2 ctranslate2==4.8.5

[ -x "${VENV:-.venv}/bin/python" ] || scripts/install.sh
exec "${VENV:-.venv}/bin/python" scripts/bench_peers.py "$@"
