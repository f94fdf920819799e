#!/usr/bin/env bash
# pip-prepare.sh CLIENT_DIR: a virtual environment in $COMPAT_CACHE with what the client's requirements.txt names.
set -euo pipefail
command -v python3 >/dev/null || { echo 'python3 not found' >&2; exit 3; }
stamp="$COMPAT_CACHE/.installed"
sum="$(sha256sum <"$1/requirements.txt") $(python3 --version)"
[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$sum" ] && exit 0
rm -rf "$COMPAT_CACHE/venv"
python3 -m venv "$COMPAT_CACHE/venv" || { echo 'python3 has no venv module' >&2; exit 3; }
"$COMPAT_CACHE/venv/bin/pip" install -q --disable-pip-version-check -r "$1/requirements.txt"
echo "$sum" >"$stamp"
