#!/usr/bin/env bash
# Make .venv (or $VENV) and install seq2seq into it with the extras named: install.sh [EXTRAS]
set -euo pipefail
cd "$(dirname "$0")/.."
venv=${VENV:-.venv}
[ -x "$venv/bin/python" ] || "${PYTHON:-python3}" -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".${1:+[$1]}"
