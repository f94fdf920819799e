#!/usr/bin/env bash
# Started by compat/run.mjs: `run.sh prepare`, then `run.sh test`. Two releases stand side by side: 2.0.2 in the environment,
# 1.4.7 in a folder that is put before it.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
oldest="$COMPAT_CACHE/kafka-python-1.4.7"
case "${1:-}" in
prepare)
  "$here/../lib/pip-prepare.sh" "$here"
  [ -d "$oldest/kafka" ] && exit 0
  "$COMPAT_CACHE/venv/bin/pip" install -q --disable-pip-version-check --no-deps --target "$oldest" kafka-python==1.4.7
  ;;
test)
  export PYTHONDONTWRITEBYTECODE=1
  PYTHONPATH="$here/../lib:$oldest" "$COMPAT_CACHE/venv/bin/python" "$here/tests.py" 0.8.2 0.9 0.10
  PYTHONPATH="$here/../lib" exec "$COMPAT_CACHE/venv/bin/python" "$here/tests.py" 0.11 1.0 2.0
  ;;
*) echo 'run.sh prepare|test' >&2; exit 2 ;;
esac
