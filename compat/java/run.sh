#!/usr/bin/env bash
# Started by compat/run.mjs: `run.sh prepare`, then `run.sh test`.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
command -v javac >/dev/null || { echo 'javac not found' >&2; exit 3; }
libs="$("$here/../kafka/fetch.sh")"
classes="$COMPAT_CACHE/classes"
case "${1:-}" in
prepare)
  sum="$(cat "$here"/src/*.java | sha256sum)"
  [ -f "$classes/.built" ] && [ "$(cat "$classes/.built")" = "$sum" ] && exit 0
  rm -rf "$classes" && mkdir -p "$classes"
  javac -nowarn -d "$classes" -cp "$libs/*" "$here"/src/*.java
  echo "$sum" >"$classes/.built"
  ;;
test)
  # The tools make clients by the dozen in this one JVM; a small heap and the first compiler tier keep it light.
  exec java -Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto -cp "$classes:$libs/*" \
    "-Dlog4j2.configurationFile=$here/../kafka/log4j2.properties" Main
  ;;
*) echo 'run.sh prepare|test' >&2; exit 2 ;;
esac
