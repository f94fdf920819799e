#!/usr/bin/env bash
# Started by compat/run.mjs: `run.sh prepare`, then `run.sh test`.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
case "${1:-}" in
prepare) exec "$here/../lib/pip-prepare.sh" "$here" ;;
test) PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$here/../lib" exec "$COMPAT_CACHE/venv/bin/python" "$here/tests.py" ;;
*) echo 'run.sh prepare|test' >&2; exit 2 ;;
esac
