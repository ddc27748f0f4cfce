#!/usr/bin/env bash
# Every fuzz target of the module, one after the other, for FUZZTIME each.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
enter_env
cd "$ROOT"

count=0
while IFS=: read -r file _ line; do
  target=${line#func }
  target=${target%%(*}
  say "fuzzing $target in ${file%/*}"
  go test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-20s}" "./${file%/*}"
  count=$((count + 1))
done < <(git grep -n '^func Fuzz' -- '*_test.go')
[ "$count" -gt 0 ] || die "found no fuzz target"
say "$count fuzz targets ran for ${FUZZTIME:-20s} each"
