#!/usr/bin/env bash
# onnxruntime.sh [--gpu]: puts ONNX Runtime into the cache and prints its folder. Does nothing where it is already there.
#
# Without a GPU that is the CPU library: out of the Python wheel, else out of the npm package. With one it is the
# library and the providers of onnxruntime-gpu's wheel (202 MB), and the libraries of CUDA 13 and cuDNN 9 that they
# load (940 MB), all in one folder. Nobody sets LD_LIBRARY_PATH: the CUDA provider has no search path of its own
# (no RUNPATH), so engine/infer loads what lies beside it first, by full path; the rest finds each other, as
# NVIDIA's libraries look in their own folder ($ORIGIN).
#
# --gpu: the build for a GPU without NVIDIA's libraries, on any machine: for the tests of the CUDA provider. So it is
# with STREAMVET_GPU=system, which says that those libraries are the system's.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

LIB=libonnxruntime.so.$ORT_VERSION
PLATFORM=manylinux_2_28_x86_64

main() {
  local dir make=fetch
  [ "$(uname -m)" = x86_64 ] || die "ONNX Runtime is pinned for x86_64 only, and this machine is $(uname -m).
  Point STREAMVET_ORT_LIB at a libonnxruntime.so.$ORT_VERSION for it."
  if [ "${1:-}" = --gpu ] || [ "${STREAMVET_GPU:-}" = system ]; then
    dir=$(ort_gpu_dir) make=fetch_gpu
  else
    dir=$(ort_dir)
    if gpu_here; then make=fetch_cuda; fi
  fi
  once "$dir" "$make"
  echo "$dir"
}

# fetch STAGE: STAGE ends with the library and its licence.
fetch() {
  local stage=$1 work=$1.work
  workplace "$work"
  say "fetching ONNX Runtime $ORT_VERSION"
  from_wheel "$work" "$stage" || from_npm "$work" "$stage" || die "no way to ONNX Runtime $ORT_VERSION.
  Neither pip (onnxruntime==$ORT_VERSION) nor npm (onnxruntime-node@$ORT_VERSION) could fetch it; what they said is above.
  Remedy: give this machine one of them and a registry it can reach, or set STREAMVET_ORT_LIB to a $LIB of your own."
  rm -rf "$work"
}

# fetch_gpu STAGE: STAGE ends with the library, its providers and their licences, all of one build. (In wheels before
# 1.27 or so the main library lay inside the Python module; this one has it as a file.)
fetch_gpu() {
  local stage=$1 work=$1.work
  workplace "$work"
  say "fetching ONNX Runtime $ORT_VERSION for NVIDIA GPUs (202 MB)"
  gpu_wheel "$work" "$stage" || die "no way to onnxruntime-gpu==$ORT_VERSION; what pip said is above.
  Remedy: give this machine pip and an index it can reach, or set STREAMVET_ORT_LIB to a $LIB of your own whose
  folder has its providers, or STREAMVET_GPU=0 to run networks on the CPU."
  rm -rf "$work"
}

gpu_wheel() {
  local work=$1 stage=$2 from=$1/wheel/onnxruntime
  fetch_wheel "onnxruntime-gpu==$ORT_VERSION" "$ORT_GPU_WHEEL_SHA256" "$work" --python-version "$ORT_PYTHON" --platform "$PLATFORM" || return
  python3 -m zipfile -e "$work"/*.whl "$work/wheel" || return
  place "$from/capi/$LIB" "$ORT_GPU_LIB_SHA256" "$from" "$stage" || return
  place "$from/capi/libonnxruntime_providers_cuda.so" "$ORT_GPU_CUDA_SHA256" "$from" "$stage" || return
  place "$from/capi/libonnxruntime_providers_shared.so" "$ORT_GPU_SHARED_SHA256" "$from" "$stage" || return
  place "$from/capi/libonnxruntime_providers_tensorrt.so" "$ORT_GPU_TENSORRT_SHA256" "$from" "$stage"
}

# fetch_cuda STAGE: STAGE ends as fetch_gpu's and with NVIDIA's libraries and their licences.
fetch_cuda() {
  local stage=$1 work=$1.work i
  fetch_gpu "$stage"
  say "fetching the libraries of CUDA 13 and cuDNN 9 (940 MB)"
  for ((i = 0; i < ${#ORT_CUDA_WHEELS[@]}; i += 2)); do
    workplace "$work"
    nvidia_wheel "${ORT_CUDA_WHEELS[i]}" "${ORT_CUDA_WHEELS[i + 1]}" "$work" "$stage" || die "no way to ${ORT_CUDA_WHEELS[i]}; what pip said is above.
  Remedy: give this machine an index that it can reach, or set STREAMVET_GPU=0 to run networks on the CPU."
  done
  rm -rf "$work"
}

# nvidia_wheel REQUIREMENT SHA256 WORK STAGE: its shared libraries but for the variants (alt) and the BLAS drop-in.
nvidia_wheel() {
  local requirement=$1 sha=$2 work=$3 stage=$4
  fetch_wheel "$requirement" "$sha" "$work" --platform "$PLATFORM" --platform manylinux_2_27_x86_64 --platform manylinux2014_x86_64 || return
  python3 -m zipfile -e "$work"/*.whl "$work/wheel" || return
  find "$work/wheel" -name '*.so.*' ! -name '*.alt.so*' ! -name 'libnvblas*' -exec install -m 755 -t "$stage" {} + || return
  find "$work/wheel" -iname 'license*.txt' -exec cp {} "$stage/LICENSE.${requirement%%=*}.txt" \;
}

workplace() {
  "$ROOT/scripts/packages.sh" fetch
  rm -rf "$1"
  mkdir -p "$1"
}

from_wheel() {
  local work=$1 stage=$2
  fetch_wheel "onnxruntime==$ORT_VERSION" "$ORT_WHEEL_SHA256" "$work" --python-version "$ORT_PYTHON" --platform "$PLATFORM" || return
  python3 -m zipfile -e "$work"/*.whl "$work/wheel" || return
  place "$work/wheel/onnxruntime/capi/$LIB" "$ORT_LIB_SHA256" "$work/wheel/onnxruntime" "$stage"
}

from_npm() {
  local work=$1 stage=$2 tgz
  have npm || { say "no npm here to try instead"; return 1; }
  (cd "$work" && npm pack --silent "onnxruntime-node@$ORT_VERSION" >/dev/null) || { say "npm could not fetch onnxruntime-node@$ORT_VERSION"; return 1; }
  tgz=$work/onnxruntime-node-$ORT_VERSION.tgz
  matches "$tgz" "$ORT_NPM_SHA256" || { say "the npm package is not the pinned one"; return 1; }
  tar -xf "$tgz" -C "$work" || return
  place "$work/package/bin/napi-v6/linux/x64/libonnxruntime.so.1" "$ORT_NPM_LIB_SHA256" "$work/package" "$stage" "$LIB"
}

# place FILE SHA256 DOCS STAGE [NAME]
place() {
  local file=$1 sha=$2 docs=$3 stage=$4
  matches "$file" "$sha" || { say "${file##*/} in the package is not the pinned one"; return 1; }
  install -m 755 "$file" "$stage/${5:-${file##*/}}"
  find "$docs" -maxdepth 1 \( -name 'LICENSE*' -o -name 'ThirdParty*' \) -exec cp {} "$stage/" \;
}

main "$@"
