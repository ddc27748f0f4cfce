#!/usr/bin/env bash
# test.sh [go test flag...]: every test, then those without FFmpeg once more under the race detector
# (compiling FFmpeg's binding for it would take longer than all the rest; `make race` does that).
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
enter_env
cd "$ROOT"

go test -timeout 25m "$@" ./...

[ $# -eq 0 ] || exit 0
# Where nobody can be asked, what cannot be checked is an error.
if scripts/proto.sh --tools >/dev/null || [ "${CI:-}" = true ]; then
  scripts/proto.sh --check
else
  say "the API in proto/ was not checked, for want of its tools (above)"
fi

mapfile -t light < <(go list -f '{{.ImportPath}} {{join .Deps " "}} {{join .TestImports " "}} {{join .XTestImports " "}}' ./... |
  grep -v 'go-astiav\|/engine/media\|/engine/inject\|streamvet/engine ' | cut -d' ' -f1)
say "with the race detector: ${light[*]##*/streamvet/}"
go test -race -timeout 15m "${light[@]}"
