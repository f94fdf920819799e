#!/usr/bin/env bash
# debian.sh PACKAGE CHECK...: true if CHECK succeeds, or if it may install (COMPAT_INSTALL=1, as root) and then succeeds.
set -euo pipefail
package="$1"
shift
"$@" >/dev/null 2>&1 && exit 0
if [ "${COMPAT_INSTALL:-}" = 1 ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get install -y -q --no-install-recommends "$package" >&2 ||
    { apt-get update -q >&2 && apt-get install -y -q --no-install-recommends "$package" >&2; } || true
  "$@" >/dev/null 2>&1 && exit 0
fi
echo "not there: $package of Debian (apt-get install $package)" >&2
exit 3
