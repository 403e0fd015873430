#!/bin/sh
# Builds the Collector of collector-config/builder.yaml once and prints where it lies. The binary is kept outside the work
# tree, in a directory named after the manifest's hash, so that another manifest is another binary. Needs Go 1.26 and
# the Go module proxy; takes about 10 minutes on two cold cores.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
manifest=$root/collector-config/builder.yaml
hash=$(sha256sum "$manifest" | cut -c1-16)
home=${XDG_CACHE_HOME:-$HOME/.cache}/hookspan/collector/$hash
binary=$home/otelcol-hookspan

if [ ! -x "$binary" ]; then
  mkdir -p "$home"
  work=$(mktemp -d "$home/build.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  export CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-mod=mod
  GOBIN="$work" go install go.opentelemetry.io/collector/cmd/builder@v0.159.0 >&2
  (cd "$work" && sed "s|output_path: .*|output_path: $work/out|" "$manifest" >builder.yaml && ./builder --config builder.yaml) >&2
  mv "$work/out/otelcol-hookspan" "$binary" # Only a whole binary ever has this name.
fi
echo "$binary"
