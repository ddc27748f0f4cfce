#!/usr/bin/env bash
# Prints the `export` lines that Go commands need here: eval "$(scripts/env.sh)".
# It only looks; `make setup` is what fetches and builds. STREAMVET_NO_CUDA=1 leaves CUDA out of the build.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

ffmpeg=$(ffmpeg_prefix)
ort=${STREAMVET_ORT_LIB:-$(ort_dir)/libonnxruntime.so.$ORT_VERSION}
[ -d "$ffmpeg" ] || die "FFmpeg is not set up ($ffmpeg is missing): run make setup"
[ -f "$ort" ] || die "ONNX Runtime is not set up ($ort is missing): run make setup"

if ! installed_go_will_do; then
  go=$(go_dir)
  [ -d "$go" ] || die "Go $GO_WANTED is not set up: run make setup"
  printf 'export PATH=%q:"$PATH"\n' "$go/bin"
  PATH=$go/bin:$PATH
fi
printf 'export %s=%q\n' \
  PKG_CONFIG_PATH "$ffmpeg/lib/pkgconfig" \
  CGO_ENABLED 1 \
  STREAMVET_ORT_LIB "$ort" \
  STREAMVET_FFMPEG "$ffmpeg/bin/ffmpeg"

# These are part of the key of Go's build cache: every script must give the same ones, in a shell that has them too.
cuda=$(cuda_dir)
[ -d "$cuda" ] && [ -z "${STREAMVET_NO_CUDA:-}" ] && use=1 || use=

# flags NAME FLAG...: prints the export of Go's variable NAME with the FLAGs at its end, or without them, and without
# what an earlier version of them left in this shell.
flags() {
  local name=$1 word words all=()
  shift
  read -ra words <<<"$(cd "$ROOT" && go env "$name")"
  for word in "${words[@]}"; do
    [[ " $* " == *" $word "* || $word == -[IL]"$CACHE"/cuda-* ]] || all+=("$word")
  done
  [ -z "$use" ] || all+=("$@")
  printf 'export %s=%q\n' "$name" "${all[*]}"
}
flags GOFLAGS -tags=cuda
flags CGO_CFLAGS "-I$cuda/include" -Wno-deprecated-declarations # of nvml.h, all of which go-nvml wraps
flags CGO_LDFLAGS "-L$cuda/lib" -Wl,-z,lazy                     # go-nvml's functions are there once it has loaded the library
[ -z "$use" ] || [ ! -d "$(double_dir)" ] || printf 'export STREAMVET_DRIVER_DOUBLE=%q\n' "$(double_dir)"
