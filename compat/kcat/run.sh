#!/usr/bin/env bash
# Started by compat/run.mjs: `run.sh prepare`, then `run.sh test`. kcat is Debian's package of that name.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
case "${1:-}" in
prepare) command -v kcat >/dev/null || { echo 'kcat not found (Debian: apt-get install kcat)' >&2; exit 3; } ;;
test) exec node "$here/tests.mjs" ;;
*) echo 'run.sh prepare|test' >&2; exit 2 ;;
esac
