#!/usr/bin/env bash
# Started by compat/run.mjs: `run.sh prepare`, then `run.sh test`.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
case "${1:-}" in
prepare)
  for tool in g++ make python3; do
    command -v "$tool" >/dev/null || { echo "$tool not found: the client is built from source" >&2; exit 3; }
  done
  unset MAKEFLAGS # its build does not bear more than one job at a time
  JOBS=1 exec "$here/../lib/npm-prepare.sh" "$here"
  ;;
test) exec node "$here/tests.mjs" ;;
*) echo 'run.sh prepare|test' >&2; exit 2 ;;
esac
