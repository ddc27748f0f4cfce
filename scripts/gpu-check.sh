#!/usr/bin/env bash
# gpu-check.sh [--double] [flag of bench --gpu...]: builds the check of a GPU here and runs it. docs/gpu.md tells what it finds.
# The results of hardware go to bench/results, under the date and the name of the GPU.
#   --double        runs on the test double of the driver, quickly: whether the check itself works
#   BUNDLE=FOLDER   takes what `make gpu-bundle` made instead: the folder of its pieces, or that of it unpacked
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

flags=() double=
for arg; do
  if [ "$arg" = --double ]; then double=1; else flags+=("$arg"); fi
done
export OUT=${OUT:-$ROOT/build/gpu-check/results}

if [ -n "${BUNDLE:-}" ]; then
  dir=$BUNDLE
  if [ -f "$BUNDLE/unpack.sh" ]; then
    dir=$ROOT/build/gpu-check/bundle
    rm -rf "$dir"
    "$BUNDLE/unpack.sh" "$dir"
    dir=$dir/streamvet-gpu-check
  fi
else
  if [ -z "$double" ]; then
    gpu_here || die "there is no NVIDIA GPU here.
  make gpu-bundle packs the check for a machine that has one; make gpu-check FLAGS=--double runs it on a test double of the driver."
  fi
  "$ROOT/scripts/setup.sh"
  enter_env
  dir=$ROOT/build/gpu-check
  "$ROOT/scripts/gpu-stage.sh" "$dir"
fi
if [ -n "$double" ]; then
  LD_LIBRARY_PATH=$("$ROOT/scripts/double.sh")
  export LD_LIBRARY_PATH
  flags+=(--quick)
fi

code=0
"$dir/gpu-check.sh" "${flags[@]}" || code=$?
results=$OUT/gpu-check.json
# A look that was cut short, or was at the double, is no result.
if [ -f "$results" ] && ! grep -qE '"(test_double|quick)": true' "$results"; then
  gpu=$(sed -n 's/.*"gpu": "\([^"]*\)".*/\1/p' "$results" | head -1 | tr 'A-Z ' 'a-z-' | tr -cd 'a-z0-9-')
  [ -z "$gpu" ] || cp "$results" "$ROOT/bench/results/$(date -u +%F)-$gpu.json"
fi
exit "$code"
