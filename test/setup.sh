#!/usr/bin/env bash
# Installs what the tests need beside Node and npm: a Redis of 7.0 or newer, and openssl. For Debian and Ubuntu, as root.
set -euo pipefail

missing=()
command -v redis-server >/dev/null || missing+=(redis-server)
command -v openssl >/dev/null || missing+=(openssl)
if ((${#missing[@]} == 0)); then
  echo "setup: everything is there"
  exit 0
fi
echo "setup: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# The package starts a server of its own at once; the tests start theirs on free ports and need no other.
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
echo "setup: done"
