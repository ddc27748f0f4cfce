#!/usr/bin/env bash
# test.sh [go test flag...]: every test, then those without FFmpeg once more under the race detector
# (compiling FFmpeg's binding for it would take longer than all the rest; `make race` does that).
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
enter_env
cd "$ROOT"

# ONNX Runtime's CUDA provider runs over doubles of NVIDIA's libraries; 202 MB, the first time.
STREAMVET_ORT_GPU_DIR=${STREAMVET_ORT_GPU_DIR:-$("$ROOT/scripts/onnxruntime.sh" --gpu)}
export STREAMVET_ORT_GPU_DIR

# What live sources are tested with; without them those tests are left out, but not where nobody reads along.
if [ "${CI:-}" = true ]; then scripts/peers.sh; else scripts/peers.sh --check || true; fi

go test -timeout 25m "$@" ./...

[ $# -eq 0 ] || exit 0

# with_tools SCRIPT [STEP]: a check whose tools may be out of reach; where nobody reads along, that is an error.
with_tools() {
  if "scripts/$1" --tools >/dev/null || [ "${CI:-}" = true ]; then
    "scripts/$1" "${@:2}"
  else
    say "scripts/$* was left out, for want of its tools (above)"
  fi
}
with_tools proto.sh --check
with_tools python.sh --test
with_tools readme.sh README.md models/README.md
with_tools ptx.sh --check
with_tools ptxas.sh

mapfile -t light < <(go list -f '{{.ImportPath}} {{join .Deps " "}} {{join .TestImports " "}} {{join .XTestImports " "}}' ./... |
  grep -v 'go-astiav\|/engine/media\|/engine/inject\|streamvet/engine ' | cut -d' ' -f1)
say "with the race detector: ${light[*]##*/streamvet/}"
go test -race -timeout 15m "${light[@]}"
