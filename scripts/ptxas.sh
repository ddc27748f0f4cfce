#!/usr/bin/env bash
# ptxas.sh [--tools]: has NVIDIA's own assembler take kernels.ptx for every GPU that we name, as the driver will on
# the user's machine, and prints what each kernel takes. It is an error if it refuses one, or if registers do not
# suffice or an array lies in memory, which would make a kernel slow without a word.
#   --tools  only fetches it, and prints its folder
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

ARCHITECTURES=(75 80 86 89 90 100 120) # Turing to Blackwell

main() {
  local tools
  tools=$CACHE/ptxas-$NVCC_VERSION-$(uname -m)
  once "$tools" fetch
  case ${1:-} in
  '') assemble "$tools/ptxas" ;;
  --tools) echo "$tools" ;;
  *) die "ptxas.sh knows --tools, not $1" ;;
  esac
}

# fetch STAGE: STAGE ends with ptxas and its licence.
fetch() {
  local stage=$1 work=$1.work
  [ "$(uname -m)" = x86_64 ] || die "ptxas is pinned for x86_64 only, and this machine is $(uname -m)"
  "$ROOT/scripts/packages.sh" fetch
  rm -rf "$work"
  mkdir -p "$work"
  say "fetching ptxas $NVCC_VERSION"
  fetch_wheel "nvidia-cuda-nvcc-cu12==$NVCC_VERSION" "$NVCC_WHEEL_SHA256" "$work" --platform manylinux_2_12_x86_64 ||
    die "pip could not fetch nvidia-cuda-nvcc-cu12==$NVCC_VERSION (what it said is above).
  Remedy: give this machine a package index that it can reach."
  python3 -m zipfile -e "$work"/*.whl "$work/wheel"
  install -m 755 "$work/wheel/nvidia/cuda_nvcc/bin/ptxas" "$stage/"
  find "$work/wheel" -name 'License*' -exec cp {} "$stage/" \;
  rm -rf "$work"
}

# assemble PTXAS
assemble() {
  local ptxas=$1 arch
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  for arch in "${ARCHITECTURES[@]}"; do
    "$ptxas" --verbose --gpu-name "sm_$arch" --output-file "$work/cubin" "$ROOT/engine/device/kernels/kernels.ptx" >"$work/$arch" 2>&1 ||
      { cat "$work/$arch" >&2; die "ptxas refuses kernels.ptx for sm_$arch (above)"; }
    ! grep -E '[1-9][0-9]* bytes (stack frame|spill)' "$work/$arch" >&2 || die "for sm_$arch a kernel keeps values in memory (above)"
  done
  (cd "$work" && table "${ARCHITECTURES[@]}")
}

# table ARCHITECTURE...: what ptxas said of each in the file of that name, one kernel a line.
table() {
  awk '
    FNR == 1 { header = header sprintf("%7s", "sm_" FILENAME) }
    /Compiling entry function/ { split($0, quoted, "\047"); entry = quoted[2]; if (!(entry in registers)) order[++n] = entry }
    /Used [0-9]+ registers/ {
      match($0, /Used [0-9]+/); registers[entry] = registers[entry] sprintf("%7s", substr($0, RSTART + 5, RLENGTH - 5))
      if (match($0, /[0-9]+ bytes smem/)) shared[entry] = substr($0, RSTART, RLENGTH - 5)
    }
    END {
      printf "%-20s%s  shared memory\n", "registers a thread", header
      for (i = n; i > 0; i--) printf "%-20s%s  %s\n", order[i], registers[order[i]], shared[order[i]]
    }' "$@"
}

main "$@"
