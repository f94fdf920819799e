#!/usr/bin/env bash
# Started by compat/run.mjs: `run.sh prepare`, then `run.sh test`. The tests are those of compat/confluent-python.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
case "${1:-}" in
prepare) exec "$here/../lib/debian.sh" python3-confluent-kafka /usr/bin/python3 -c 'import confluent_kafka' ;;
test) PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$here/../lib" exec /usr/bin/python3 "$here/../confluent-python/tests.py" ;;
*) echo 'run.sh prepare|test' >&2; exit 2 ;;
esac
