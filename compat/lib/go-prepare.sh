#!/usr/bin/env bash
# go-prepare.sh CLIENT_DIR: builds the client's tests into $COMPAT_CACHE, once per state of the sources.
set -euo pipefail
command -v go >/dev/null || { echo 'go not found' >&2; exit 3; }
lib="$(cd "$(dirname "$0")" && pwd)"
stamp="$COMPAT_CACHE/.built"
sum="$(cat "$1"/*.go "$1"/go.* "$lib"/go/*.go | sha256sum) $(go version)"
[ -x "$COMPAT_CACHE/tests" ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$sum" ] && exit 0
cd "$1"
GOTOOLCHAIN=local GOFLAGS=-mod=readonly go build -o "$COMPAT_CACHE/tests" .
echo "$sum" >"$stamp"
