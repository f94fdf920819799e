#!/usr/bin/env bash
# Started by compat/run.mjs: `run.sh prepare`, then `run.sh test`.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
command -v javac >/dev/null || { echo 'javac not found' >&2; exit 3; }
command -v mvn >/dev/null || { echo 'mvn not found' >&2; exit 3; }
case "${1:-}" in
prepare)
  sum="$(cat "$here"/pom.xml "$here"/src/*.java | sha256sum)"
  [ -f "$COMPAT_CACHE/.built" ] && [ "$(cat "$COMPAT_CACHE/.built")" = "$sum" ] && exit 0
  mvn -B -q -f "$here/pom.xml" dependency:copy-dependencies -DoutputDirectory="$COMPAT_CACHE/libs" -DincludeScope=runtime >&2
  javac -nowarn -d "$COMPAT_CACHE/classes" -cp "$COMPAT_CACHE/libs/*" "$here"/src/*.java
  echo "$sum" >"$COMPAT_CACHE/.built"
  ;;
test) exec node "$here/tests.mjs" ;;
*) echo 'run.sh prepare|test' >&2; exit 2 ;;
esac
