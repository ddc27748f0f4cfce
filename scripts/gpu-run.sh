#!/usr/bin/env bash
# gpu-run.sh [flag of bench...]: runs the check of a GPU with what lies beside this file, on a machine that has the
# driver and, in Python packages or a toolkit, the libraries of CUDA 13 and cuDNN 9. It needs nothing else: no root,
# no network, no compiler. `make gpu-bundle` packs it as gpu-check.sh; `make gpu-check` runs it in a checkout.
#
#   bin/bench, bin/cuda.test   the check, and the tests of the kernels
#   lib/                       ONNX Runtime with its CUDA provider, and shared libraries that the programs link
#   clips/, clips-quick/       what is played; --quick takes the second
#
# Results go to the folder $OUT, or results beside this file: gpu-check.txt, gpu-check.json, logs.tar.gz.
# With --where it only says what it finds.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
HERE=${STREAMVET_GPU_CHECK:-$here}
folders=() # for the loader
missing=()
scratch=$(mktemp -d)

say() { printf '%s\n' "gpu-check: $*"; }

add() { # add FOLDER, once
  local f
  for f in "${folders[@]}"; do [ "$f" != "$1" ] || return 0; done
  folders+=("$1")
}

# system FILE: the path by which the loader finds a library without our help.
system() {
  local dir
  while IFS= read -rd: dir; do
    [ -z "$dir" ] || [ ! -e "$dir/$1" ] || { echo "$dir/$1" && return; }
  done <<<"${LD_LIBRARY_PATH:-}:"
  { ldconfig -p 2>/dev/null || /sbin/ldconfig -p 2>/dev/null || true; } | awk -v name="$1" '$1 == name && /x86-64/ { print $NF; exit }'
}

# candidates: folders that Python's packages, toolkits and drivers put libraries in, one a line.
candidates() {
  local python path
  for python in python3 python; do
    command -v "$python" >/dev/null || continue
    "$python" -c 'import site, sys; print("\n".join(sys.path + site.getsitepackages() + [site.getusersitepackages()]))' 2>/dev/null || true
  done | awk 'NF && !seen[$0]++' | while IFS= read -r path; do
    printf '%s\n' "$path"/nvidia/*/lib "$path"/torch/lib
  done
  printf '%s\n' /usr/local/cuda/lib64 /usr/local/cuda-13*/lib64 /usr/local/cuda*/targets/x86_64-linux/lib \
    /usr/local/nvidia/lib64 /usr/local/nvidia/lib /usr/lib/x86_64-linux-gnu /usr/lib64 /usr/lib/wsl/lib \
    /run/nvidia/driver/usr/lib/x86_64-linux-gnu
}

# find_library FILE REMEDY: says where it is, and sees to it that the loader finds it.
find_library() {
  local file=$1 remedy=$2 path folder
  if [ -e "$HERE/lib/$file" ]; then
    say "$file: lib/"
    return
  fi
  path=$(system "$file")
  if [ -n "$path" ]; then
    say "$file: $(readlink -f "$path")"
    return
  fi
  while IFS= read -r folder; do
    [ -e "$folder/$file" ] || continue
    say "$file: $(readlink -f "$folder/$file")"
    add "$folder"
    return
  done <<<"$places"
  # Some drivers come without the link by which programs ask for it.
  while IFS= read -r folder; do
    for path in "$folder/$file" "$folder/${file%.*}".[0-9]*.[0-9]*; do
      [ -e "$path" ] || continue
      mkdir -p "$scratch/links"
      ln -sf "$path" "$scratch/links/$file"
      say "$file: $path, by a link of ours"
      add "$scratch/links"
      return
    done
  done <<<"$places"
  say "$file: MISSING. $remedy"
  missing+=("$file")
}

find_all() {
  places=$(candidates)
  find_library libcuda.so.1 "Install NVIDIA's driver, or run the container with --gpus all."
  find_library libnvcuvid.so.1 "It is the driver's; a container gets it with NVIDIA_DRIVER_CAPABILITIES=video. Without it nothing is decoded on the GPU."
  find_library libnvidia-ml.so.1 "It is the driver's; a container gets it with NVIDIA_DRIVER_CAPABILITIES=utility. Without it the load is not known."
  find_library libcudart.so.13 "pip install nvidia-cuda-runtime~=13.0"
  find_library libcublasLt.so.13 "pip install nvidia-cublas~=13.0"
  find_library libcublas.so.13 "pip install nvidia-cublas~=13.0"
  find_library libcurand.so.10 "pip install nvidia-curand~=10.0"
  find_library libnvrtc.so.13 "pip install nvidia-cuda-nvrtc~=13.0"
  find_library libcudnn.so.9 "pip install nvidia-cudnn-cu13~=9.0"
}

# describe: what there is, as far as that takes none of our programs.
describe() {
  find_all
  say "glibc $(getconf GNU_LIBC_VERSION | cut -d' ' -f2)"
  nvidia-smi --query-gpu=name,driver_version,pci.bus_id,memory.total --format=csv,noheader 2>/dev/null || say "nvidia-smi tells nothing"
  nvidia-smi -q -d CLOCK 2>/dev/null | grep -A5 'Max Clocks' || true
}

# shellcheck disable=SC2317 # called by a trap
finish() {
  [ ! -d "$scratch/logs" ] || tar -C "$scratch" -czf "$out/logs.tar.gz" logs
  rm -rf "$scratch"
}

main() {
  local clips=$HERE/clips arg code=0
  for arg; do [ "$arg" != --quick ] || clips+=-quick; done
  out=${OUT:-$here/results}
  trap finish EXIT
  trap 'exit 143' TERM
  trap 'exit 130' INT
  if [ "${1:-}" = --where ]; then
    find_all
    say "for the loader: ${folders[*]}"
    exit $((${#missing[@]} > 0))
  fi
  mkdir -p "$out" "$scratch/logs" "$scratch/compiled"
  describe >"$out/gpu-check.txt"
  cat "$out/gpu-check.txt"
  for arg in "${folders[@]}"; do LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$arg; done
  STREAMVET_ORT_LIB=${STREAMVET_ORT_LIB:-$(echo "$HERE"/lib/libonnxruntime.so.*)}
  CUDA_CACHE_PATH=$scratch/compiled
  export LD_LIBRARY_PATH=${LD_LIBRARY_PATH:-} STREAMVET_ORT_LIB CUDA_CACHE_PATH
  "$HERE/bin/bench" --gpu --gpu-clips "$clips" --gpu-tests "$HERE/bin/cuda.test" --gpu-logs "$scratch/logs" \
    --save "$out/gpu-check.json" "$@" 2>&1 | tee -a "$out/gpu-check.txt" || code=$?
  say "results: $out"
  exit "$code"
}

main "$@"
