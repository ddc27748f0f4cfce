#!/usr/bin/env bash
# Brings everything that a build needs: system packages, FFmpeg, ONNX Runtime, what CUDA takes, Go. On a machine that has it
# all this takes a second and needs no root.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

steps=(build)
[ -d "$(ffmpeg_prefix)" ] || steps+=(ffmpeg)
{ [ -d "$(ort_dir)" ] && { installed_go_will_do || [ -d "$(go_dir)" ]; }; } || steps+=(fetch)
"$ROOT/scripts/packages.sh" "${steps[@]}"

"$ROOT/scripts/ffmpeg.sh" >/dev/null
[ -n "${STREAMVET_ORT_LIB:-}" ] || "$ROOT/scripts/onnxruntime.sh" >/dev/null
"$ROOT/scripts/go.sh" >/dev/null
if [ -z "${STREAMVET_NO_CUDA:-}" ]; then
  if "$ROOT/scripts/cuda.sh" >/dev/null; then
    "$ROOT/scripts/double.sh" >/dev/null # for tests: they run what is built with CUDA without a GPU
  else
    say "going on without CUDA: what is built uses no GPU (STREAMVET_NO_CUDA=1 does not even look for it)"
  fi
fi
