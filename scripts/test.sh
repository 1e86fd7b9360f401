#!/usr/bin/env bash
# Everything that must hold before a change lands: install, lint, types, docs, tests. Extra arguments go to
# pytest: scripts/test.sh -m slow, scripts/test.sh -m browser (which needs chromium and chromedriver)
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/install.sh dev,docs,moses,sparse,onnx,ctranslate2,plots,browser
bin=${VENV:-.venv}/bin
"$bin/ruff" check .
"$bin/ruff" format --check .
"$bin/mypy"
scripts/docs.sh
"$bin/python" -m pytest -n auto --maxprocesses 8 --dist worksteal "$@"
