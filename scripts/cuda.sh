#!/usr/bin/env bash
# Puts into the cache what the build tag "cuda" takes: NVIDIA's cuda.h, and a libcuda.a of our own to link
# against, which loads the driver at run time (engine/device/cuda/driver). Prints its folder. Nothing of it
# needs a GPU, a driver or a toolkit. Does nothing where that is already there.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

driver=$ROOT/engine/device/cuda/driver

main() {
  local dir
  dir=$(cuda_dir)
  once "$dir" make_cuda
  echo "$dir"
}

# make_cuda STAGE: STAGE ends with include/ and lib/.
make_cuda() {
  local stage=$1
  mkdir "$stage/include" "$stage/lib"
  header_from_wheel "$stage" || header_from_toolkit "$stage" || die "no way to cuda.h.
  pip could not fetch nvidia-cuda-runtime-cu12==$CUDA_RUNTIME_VERSION (what it said is above), and no CUDA toolkit is installed.
  Remedy: give this machine a package index that it can reach, or point CUDA_HOME at a CUDA toolkit of 11.8 or later."
  make_library "$stage"
}

# The header is the same for every processor.
header_from_wheel() {
  local stage=$1 work=$1.work
  "$ROOT/scripts/packages.sh" fetch || return
  rm -rf "$work"
  mkdir -p "$work"
  say "fetching cuda.h $CUDA_RUNTIME_VERSION"
  fetch_wheel "nvidia-cuda-runtime-cu12==$CUDA_RUNTIME_VERSION" "$CUDA_RUNTIME_WHEEL_SHA256" "$work" --platform manylinux2014_x86_64 || return
  python3 -m zipfile -e "$work"/*.whl "$work/wheel" || return
  install -m 644 "$work/wheel/nvidia/cuda_runtime/include/cuda.h" "$stage/include/" || return
  find "$work/wheel" -name 'License*' -exec cp {} "$stage/include/" \;
  rm -rf "$work"
}

header_from_toolkit() {
  local stage=$1 header=${CUDA_HOME:-/usr/local/cuda}/include/cuda.h version
  [ -f "$header" ] || return
  version=$(awk '$2 == "CUDA_VERSION" { print $3; exit }' "$header")
  [ "${version:-0}" -ge 11080 ] || { say "$header is of CUDA version ${version:-unknown}, and 11080 is the least"; return 1; }
  say "taking $header"
  cat "$header" "$driver/since13.h" >"$stage/include/cuda.h"
}

make_library() {
  local stage=$1 source
  for source in driver.c jump.S; do
    gcc -O2 -fPIC -Wall -Werror -c "$driver/$source" -o "$stage/lib/$source.o"
  done
  ar rcsD "$stage/lib/libcuda.a" "$stage"/lib/*.o
  rm "$stage"/lib/*.o
}

main "$@"
