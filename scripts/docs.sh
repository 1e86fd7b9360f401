#!/usr/bin/env bash
# Build the documentation with the API reference: docs.sh [FOLDER], by default into site/. A warning, as
# of a link or a name that is nowhere, is an error. With `serve` it is shown, and follows every change.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${VENV:-.venv}/bin
[ -x "$bin/mkdocs" ] || scripts/install.sh docs
export NO_MKDOCS_2_WARNING=1
case ${1:-} in
serve) exec "$bin/mkdocs" serve ;;
*) exec "$bin/mkdocs" build --strict --clean --site-dir "${1:-site}" ;;
esac
