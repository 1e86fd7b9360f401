#!/usr/bin/env bash
# Everything that must hold before a change lands: install, lint, types, tests. Extra arguments go to
# pytest: scripts/test.sh -m slow, scripts/test.sh -m browser (which needs chromium and chromedriver)
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/install.sh dev,moses,sparse,onnx,plots,browser
bin=${VENV:-.venv}/bin
"$bin/ruff" check .
"$bin/ruff" format --check .
"$bin/mypy"
"$bin/python" -m pytest "$@"
