#!/usr/bin/env bash
# Started by compat/run.mjs: `run.sh prepare`, then `run.sh test`.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
command -v javac >/dev/null || { echo 'javac not found' >&2; exit 3; }
libs="$("$here/../kafka/fetch.sh")"
classes="$COMPAT_CACHE/classes"
case "${1:-}" in
prepare)
  "$here/../lib/debian.sh" kcat kcat -V
  sum="$(cat "$here"/../cluster/src/*.java "$here/../java/src/Suite.java" | sha256sum)"
  [ -f "$classes/.built" ] && [ "$(cat "$classes/.built")" = "$sum" ] && exit 0
  rm -rf "$classes" && mkdir -p "$classes"
  javac -nowarn -d "$classes" -cp "$libs/*" "$here"/../cluster/src/*.java "$here/../java/src/Suite.java"
  echo "$sum" >"$classes/.built"
  ;;
test) CLASSPATH="$classes:$libs/*" exec node "$here/tests.mjs" ;;
*) echo 'run.sh prepare|test' >&2; exit 2 ;;
esac
