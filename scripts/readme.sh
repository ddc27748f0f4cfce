#!/usr/bin/env bash
# readme.sh [--tools | FILE.md]: runs the ```sh blocks of a page from the root of the checkout, in order and in one shell,
# and holds what they print to the ```text block behind each: its lines must all be there, numbers and spaces aside.
# An exit code of 1 is no failure (vet has found something); a command with & at its end may be a server, and is waited for.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

page=${1:-models/README.md}
cd "$ROOT"
if [ "$page" = --tools ]; then
  "$ROOT/scripts/packages.sh" fetch
  python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target build/example/python \
    -r docs/example/requirements.txt >&2 || die "no way to the packages of docs/example/requirements.txt: what pip said is above.
  Remedy: give this machine a package index that it can reach."
  exit
fi
enter_env
scripts/build.sh
rm -rf build/example
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What a server of the page listens on, and where it keeps its state: not where another one of this machine does.
port=$((20000 + $$ % 20000))
export STREAMVET_GRPC_ADDRESS=127.0.0.1:$port STREAMVET_HTTP_ADDRESS=127.0.0.1:$((port + 1)) STREAMVET_SERVER=127.0.0.1:$port
export STREAMVET_STATE_DIR=$work/state PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1

# The page as one script, each block's output into a file; its expectations beside them.
awk -v work="$work" '
  /^```sh$/ { n++; block = "sh"; print "exec >" work "/" n ".out 2>&1; echo 1>&3 block " n; next }
  /^```text$/ { block = "text"; next }
  /^```$/ { block = ""; next }
  block == "sh" { print; if (/serve .*&$/) print "until bin/streamvet detectors ls >/dev/null 2>&1; do kill -0 $! || exit 3; sleep 0.2; done" }
  block == "text" { print > (work "/" n ".want") }
' "$page" >"$work/script"
cat >"$work/run" <<'RUN'
set -E
trap 'code=$?; [ $code -le 1 ] || { kill $(jobs -p) 2>/dev/null; exit $code; }' ERR
trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT
. "$1"
RUN
code=0
timeout 300 bash "$work/run" "$work/script" 3>"$work/blocks" || code=$?
last=$(tail -1 "$work/blocks" | cut -d' ' -f2)
[ "$code" -le 1 ] || { cat "$work/${last:-1}.out" >&2; die "$page: block ${last:-1} ended with $code"; }

plain() { sed -E 's/[+-]?[0-9][0-9.,:]*(µs|ms|s)?/N/g; s/ +/ /g; s/^ | $//g' "$1"; }
for want in "$work"/*.want; do
  out=${want%.want}.out
  plain "$out" >"$out.plain"
  plain "$want" | while read -r line; do
    grep -qxF -- "$line" <(sed 's/^ //' "$out.plain") || { cat "$out" >&2; die "$page promises this line, and it was not printed: $line"; }
  done
done
say "$page: $last blocks of commands did what the page says"
