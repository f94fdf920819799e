#!/usr/bin/env bash
# Started by compat/run.mjs: `run.sh prepare`, then `run.sh test`. Old clients are compiled against their own jars, and loaded
# beside each other and beside the client of today into one JVM.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
command -v javac >/dev/null || { echo 'javac not found' >&2; exit 3; }
command -v mvn >/dev/null || { echo 'mvn not found' >&2; exit 3; }
modern="$("$here/../kafka/fetch.sh")"
libs="$COMPAT_CACHE/libs"
classes="$COMPAT_CACHE/classes"
versions='0.9.0.1 0.10.2.2 0.11.0.3 1.1.1 2.0.1'
case "${1:-}" in
prepare)
  sum="$(cat "$here"/pom.xml "$here"/*/*.java "$here/../java/src/Suite.java" | sha256sum)"
  [ -f "$classes/.built" ] && [ "$(cat "$classes/.built")" = "$sum" ] && exit 0
  rm -rf "$classes" "$libs" && mkdir -p "$classes/main"
  mvn -B -q -f "$here/pom.xml" -Dlibs="$libs" dependency:copy >&2
  javac -nowarn -d "$classes/main" -cp "$modern/*" "$here"/src/*.java "$here/../java/src/Suite.java"
  for version in $versions; do
    sources=("$here"/old/*.java)
    case "$version" in 0.9.* | 0.10.*) ;; *) sources+=("$here"/since-0.11/*.java) ;; esac
    javac -nowarn -Xlint:none -d "$classes/$version" -cp "$classes/main:$libs/$version/*" "${sources[@]}" 2>/dev/null ||
      javac -nowarn -d "$classes/$version" -cp "$classes/main:$libs/$version/*" "${sources[@]}"
  done
  echo "$sum" >"$classes/.built"
  ;;
test)
  # shellcheck disable=SC2086
  exec java -Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto -cp "$classes/main:$modern/*" \
    "-Dlog4j2.configurationFile=$here/../kafka/log4j2.properties" Main "$COMPAT_CACHE" $versions
  ;;
*) echo 'run.sh prepare|test' >&2; exit 2 ;;
esac
