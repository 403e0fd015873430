#!/bin/sh
# Builds Prometheus and promtool from the Go module in prometheus-tool/ once and prints the directory where they lie. It is
# outside the work tree and named after the module's hash, so that another version is another directory. Needs Go 1.26 and
# the Go module proxy; takes about 5 minutes on two cold cores.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
hash=$(sha256sum "$here/prometheus-tool/go.mod" | cut -c1-16)
home=${XDG_CACHE_HOME:-$HOME/.cache}/hookspan/prometheus/$hash

if [ ! -x "$home/prometheus" ]; then
  mkdir -p "$home"
  work=$(mktemp -d "$home/build.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  export CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=
  # Without the service discoveries, whose cloud kits are most of the module.
  (cd "$here/prometheus-tool" && go build -mod=readonly -tags remove_all_sd -o "$work" tool) >&2
  mv "$work/promtool" "$home/promtool"
  mv "$work/prometheus" "$home/prometheus" # Last: with it, both are there.
fi
echo "$home"
