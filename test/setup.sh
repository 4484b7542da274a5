#!/usr/bin/env bash
# Installs what the tests need beside Node and npm: a Redis of 7.0 or newer, openssl, and the gateways that the service is
# tested behind: nginx, HAProxy and Caddy. For Debian and Ubuntu, as root.
set -euo pipefail

missing=()
command -v redis-server >/dev/null || missing+=(redis-server)
command -v openssl >/dev/null || missing+=(openssl)
command -v nginx >/dev/null || missing+=(nginx-light)
command -v haproxy >/dev/null || missing+=(haproxy)
command -v caddy >/dev/null || missing+=(caddy)
if ((${#missing[@]} == 0)); then
  echo "setup: everything is there"
  exit 0
fi
echo "setup: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# The packages start servers of their own at once, on ports that others may need; the tests start theirs on free ports.
# Debian asks this file before it starts any.
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
echo "setup: done"
