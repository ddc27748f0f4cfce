#!/usr/bin/env bash
# Prints the `export` lines that Go commands need here: eval "$(scripts/env.sh)".
# It only looks; `make setup` is what fetches and builds.
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
fi
printf 'export %s=%q\n' \
  PKG_CONFIG_PATH "$ffmpeg/lib/pkgconfig" \
  CGO_ENABLED 1 \
  STREAMVET_ORT_LIB "$ort" \
  STREAMVET_FFMPEG "$ffmpeg/bin/ffmpeg"
