#!/usr/bin/env bash
# Started by compat/run.mjs: `run.sh prepare`, then `run.sh test`.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
case "${1:-}" in
prepare)
  for tool in g++ make python3 npm; do
    command -v "$tool" >/dev/null || { echo "$tool not found: the client is built from source" >&2; exit 3; }
  done
  stamp="$COMPAT_CACHE/.installed"
  sum="$(sha256sum <"$here/package-lock.json") $(node --version)"
  [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$sum" ] && exit 0
  cp "$here/package.json" "$here/package-lock.json" "$COMPAT_CACHE/"
  cd "$COMPAT_CACHE"
  # Its install script would fetch a ready-made binary and libraries; here it is built with what the machine has.
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
  cd node_modules/@confluentinc/kafka-javascript
  unset MAKEFLAGS
  JOBS=1 CKJS_LINKING=dynamic npx node-pre-gyp install --build-from-source
  echo "$sum" >"$stamp"
  ;;
test) exec node "$here/tests.mjs" ;;
*) echo 'run.sh prepare|test' >&2; exit 2 ;;
esac
