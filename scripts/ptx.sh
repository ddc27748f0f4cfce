#!/usr/bin/env bash
# ptx.sh [--check]: compiles the kernels to engine/device/kernels/kernels.ptx with clang alone (no CUDA).
# With --check the file stays, and it is an error if it would change.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

kernels=$ROOT/engine/device/kernels
"$ROOT/scripts/packages.sh" ptx

# ISA 6.3, the first that knows sm_75, loads on every driver since 410. Contraction is off and nothing is
# approximated, so that a GPU gives the bits of a CPU; loops stay rolled, which keeps registers few.
# Comments go: they hold the compiler's build.
compile() {
  clang++-14 -x cuda --cuda-device-only --cuda-gpu-arch=sm_75 -Xclang -target-feature -Xclang +ptx63 \
    -nocudainc -nocudalib -std=c++17 -O3 -fno-unroll-loops -ffp-contract=off -Wall -Werror \
    -S "$kernels/entries.cu" -o - | sed -e 's,[[:space:]]*//.*,,' -e '/^$/d'
}

ptx=$(compile)
! grep -nE 'fma\.|\.approx|\.ftz' <<<"$ptx" || die "the compiler has contracted or approximated (above): a GPU would give other bits"
grep -q '^\.version 6\.3$' <<<"$ptx" || die "the PTX is not of ISA 6.3"

if [ "${1:-}" = --check ]; then
  diff -u "$kernels/kernels.ptx" - <<<"$ptx" >&2 || die "kernels.ptx is not what its sources give: run scripts/ptx.sh"
else
  printf '%s\n' "$ptx" >"$kernels/kernels.ptx"
fi
