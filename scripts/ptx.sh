#!/usr/bin/env bash
# ptx.sh [--check | --tools]: compiles the kernels to engine/device/kernels/kernels.ptx with clang alone (no CUDA).
#   --check  changes nothing; an error if the file is not what its sources give
#   --tools  only sees to the compiler
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

kernels=$ROOT/engine/device/kernels

# ISA 6.3, the first that knows sm_75, loads on every driver since 410. Contraction is off and nothing is
# approximated, so that a GPU gives the bits of a CPU; loops stay rolled, which keeps registers few.
# Comments go: they name the build of the compiler.
compile() {
  clang++-14 -x cuda --cuda-device-only --cuda-gpu-arch=sm_75 -Xclang -target-feature -Xclang +ptx63 \
    -nocudainc -nocudalib -std=c++17 -O3 -fno-unroll-loops -ffp-contract=off -Wall -Werror \
    -S "$kernels/entries.cu" -o - | sed -e 's,[[:space:]]*//.*,,' -e '/^$/d'
}

"$ROOT/scripts/packages.sh" ptx || die "no clang++-14 here to compile the kernels with.
  Debian 12 has it as clang-14, Ubuntu 22.04 and 24.04 too (in universe); Debian 13 does not: compile on one of
  those, in a container say. Another version of clang gives another kernels.ptx. Without any, the one that is
  checked in serves as it is."
[ "${1:-}" != --tools ] || exit 0

ptx=$(compile)
! grep -nE 'fma\.|\.approx|\.ftz' <<<"$ptx" || die "the compiler has contracted or approximated (above): a GPU would give other bits"
grep -q '^\.version 6\.3$' <<<"$ptx" || die "the PTX is not of ISA 6.3"

case ${1:-} in
'') printf '%s\n' "$ptx" >"$kernels/kernels.ptx" ;;
--check) diff -u "$kernels/kernels.ptx" - <<<"$ptx" >&2 || die "kernels.ptx is not what its sources give (above): run make ptx" ;;
*) die "ptx.sh knows --check and --tools, not $1" ;;
esac
