#!/usr/bin/env bash
# Installs what the tests need beside Node and npm, where it is missing. For Debian and Ubuntu, as root.
set -euo pipefail

missing=()
# 7.0 or newer.
command -v redis-server >/dev/null || missing+=(redis-server)
command -v openssl >/dev/null || missing+=(openssl)
# The gateways that the service is tested behind.
command -v nginx >/dev/null || missing+=(nginx-light)
command -v haproxy >/dev/null || missing+=(haproxy)
command -v caddy >/dev/null || missing+=(caddy)
# With its promtool, for the alerting rules.
command -v promtool >/dev/null || missing+=(prometheus)
# Node 26 is linked against it; Debian has it where there is a compiler.
/sbin/ldconfig -p | grep -q 'libatomic\.so\.1' || missing+=(libatomic1)

if ((${#missing[@]} > 0)); then
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
fi
"$(dirname "$0")/install-kubectl.sh"
echo "setup: everything is there"
