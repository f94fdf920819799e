#!/usr/bin/env bash
# Started by compat/run.mjs: `run.sh prepare`, then `run.sh test`.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
case "${1:-}" in
prepare) exit 0 ;;
test) exec node "$here/tests.mjs" ;;
*) echo 'run.sh prepare|test' >&2; exit 2 ;;
esac
