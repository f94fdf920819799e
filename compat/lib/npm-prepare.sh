#!/usr/bin/env bash
# npm-prepare.sh CLIENT_DIR: installs what the client's lock file names into $COMPAT_CACHE, once per lock file.
set -euo pipefail
command -v npm >/dev/null || { echo 'npm not found' >&2; exit 3; }
stamp="$COMPAT_CACHE/.installed"
sum="$(sha256sum <"$1/package-lock.json") $(node --version)"
[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$sum" ] && exit 0
cp "$1/package.json" "$1/package-lock.json" "$COMPAT_CACHE/"
cd "$COMPAT_CACHE"
npm ci --no-audit --no-fund --loglevel=error
echo "$sum" >"$stamp"
