#!/usr/bin/env bash
# gpu-bundle.sh [--arch 90]: packs the check of a GPU for a machine that has one and nothing else of ours: neither Go nor
# FFmpeg nor a network. ONNX Runtime's CUDA provider keeps the code of one kind of GPU, by compute capability: 75 (T4),
# 80 (A100), 86 (A10G), 89 (L4, L40S), 90 (H100, H200). To build/gpu-bundle:
#   streamvet-gpu-check/   unpacked
#   libraries.tar.xz.*     of that lib/ and licenses/, in pieces of 60 MB at most
#   clips.tar.xz.*         clips/ and clips-quick/, likewise; these two seldom change
#   programs.tar.xz.*      the rest, likewise
#   unpack.sh              joins and unpacks the pieces beside it
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

arch=90
case ${1:-} in
--arch) arch=${2:?usage: gpu-bundle.sh [--arch 90]} ;;
--arch=*) arch=${1#--arch=} ;;
'') ;;
*) die "usage: gpu-bundle.sh [--arch 90]" ;;
esac
out=$ROOT/build/gpu-bundle
dir=$out/streamvet-gpu-check
piece=60000000 # bytes

rm -rf "$out"
mkdir -p "$out"
ARCH_NAME=sm_$arch "$ROOT/scripts/gpu-stage.sh" --full "$dir"
(
  enter_env
  cd "$ROOT"
  go run ./scripts/trimcuda "$dir/lib/libonnxruntime_providers_cuda.so" "$dir/lib/trimmed" "$arch" >&2
)
mv "$dir/lib/trimmed" "$dir/lib/libonnxruntime_providers_cuda.so"

# pack NAME FILTER FILE...: one thread, since each of several would see a part only.
pack() {
  local name=$1 filter=$2
  shift 2
  say "packing $name"
  # shellcheck disable=SC2086 # perhaps no filter
  (cd "$out" && tar --sort=name --owner=0 --group=0 --mtime=@0 -cf - "$@") |
    xz --threads=1 $filter --lzma2=preset=6,dict=64MiB | split -b "$piece" -d -a 2 - "$out/$name.tar.xz."
}
top=streamvet-gpu-check
pack libraries --x86 $top/{lib,licenses}
# Rounds of a clip repeat within some megabytes. A large dictionary keeps one of them, unless a filter for programs has
# changed it.
pack clips '' $top/{clips,clips-quick}
pack programs --x86 $top/{bin,gpu-check.sh,README}
cat >"$out/unpack.sh" <<'UNPACK'
#!/bin/sh
# unpack.sh [DIR]: joins the pieces that lie beside this file and unpacks them into DIR.
set -e
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "${1:-.}"
for name in libraries clips programs; do
  cat "$here/$name".tar.xz.* | if command -v xz >/dev/null; then xz -dc; else
    python3 -c 'import lzma, shutil, sys; shutil.copyfileobj(lzma.open(sys.stdin.buffer), sys.stdout.buffer, 1 << 20)'
  fi | tar -C "${1:-.}" -xf -
done
UNPACK
chmod 755 "$out/unpack.sh"
(cd "$out" && sha256sum ./*.xz.* unpack.sh >SHA256SUMS && du -sh streamvet-gpu-check && ls -l ./*.xz.*) >&2
say "the bundle for sm_$arch is in $out: carry its files but for streamvet-gpu-check/, run unpack.sh, then streamvet-gpu-check/gpu-check.sh"
