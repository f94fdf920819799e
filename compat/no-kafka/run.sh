#!/usr/bin/env bash
# Started by compat/run.mjs: `run.sh prepare`, then `run.sh test`.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
case "${1:-}" in
prepare)
  # Without the optional native snappy, which would be compiled.
  export npm_config_omit=optional npm_config_ignore_scripts=true
  exec "$here/../lib/npm-prepare.sh" "$here"
  ;;
test) exec node --no-deprecation "$here/tests.mjs" ;;
*) echo 'run.sh prepare|test' >&2; exit 2 ;;
esac
