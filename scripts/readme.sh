#!/usr/bin/env bash
# readme.sh [--tools | FILE.md...]: runs the ```sh blocks of pages, each page's in order and in one shell, and holds what
# they print to the ```text block behind each: its lines must all be there, numbers and spaces aside. An exit code of 1 is
# no failure (vet has found something), and `serve &` is waited for. They run in a folder of their own that looks like the
# root of the checkout, with what a reader is told to have: film.mp4, film.ts and clips/.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

cd "$ROOT"
if [ "${1:-}" = --tools ]; then
  "$ROOT/scripts/packages.sh" fetch
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$(mktemp -d)" -r docs/example/requirements.txt >&2 ||
    die "no way to the packages of docs/example/requirements.txt: what pip said is above.
  Remedy: give this machine a package index that it can reach."
  exit
fi
enter_env
[ -x bin/streamvet ] || scripts/build.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What a server of the page listens on, and where it keeps its state: not where another one of this machine does.
port=$((20000 + $$ % 20000))
export STREAMVET_GRPC_ADDRESS=127.0.0.1:$port STREAMVET_HTTP_ADDRESS=127.0.0.1:$((port + 1)) STREAMVET_SERVER=127.0.0.1:$port
export STREAMVET_STATE_DIR=$work/state PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1

export PATH=$PATH:${STREAMVET_FFMPEG%/*}

film() {
  "$STREAMVET_FFMPEG" -v error -y -stream_loop 2 -i "$(scripts/clip.sh)" -t 12 -c:v copy -c:a aac -ac 2 "$work/film.mp4"
  "$STREAMVET_FFMPEG" -v error -y -i "$work/film.mp4" -t 6 -c copy "$work/film.ts"
}

# script PAGE DIR: the page as one script, each block's output into a file of DIR, with its expectations beside it.
script() {
  awk -v dir="$2" '
    /^```sh$/ { n++; block = "sh"; print "exec >" dir "/" n ".out 2>&1; echo " n " >" dir "/last"; next }
    /^```text$/ { block = "text"; next }
    /^```$/ { block = ""; next }
    block == "sh" { print; if (/serve .*&$/) print "until bin/streamvet detectors ls >/dev/null 2>&1; do kill -0 $! || exit 3; sleep 0.2; done" }
    block == "text" { print > (dir "/" n ".want") }
  ' "$1"
}

cat >"$work/run" <<'RUN'
set -E
trap 'code=$?; [ $code -le 1 ] || exit $code' ERR
trap 'trap - ERR; kill $(jobs -p) 2>/dev/null; wait' EXIT
. "$1"
RUN

plain() { sed -E 's/[+-]?[0-9][0-9.,:]*(µs|ms|s)?/N/g; s/ +/ /g; s/^ | $//g' "$1"; }

# hold PAGE DIR: what was printed to what the page says.
hold() {
  local want line
  for want in "$2"/*.want; do
    [ -e "$want" ] || continue
    plain "${want%.want}.out" >"$want.printed"
    while read -r line; do
      grep -qxF -- "$line" "$want.printed" || {
        cat "${want%.want}.out" >&2
        die "$1 promises this line, and it was not printed: $line"
      }
    done < <(plain "$want")
  done
}

run_page() {
  local page=$1 dir=$work/$2 code=0
  mkdir -p "$dir/blocks" "$dir/root/clips"
  ln -s "$ROOT"/{bin,clients,docs,models,scripts} "$dir/root/"
  cp "$work"/film.* "$dir/root/"
  cp "$work/film.mp4" "$dir/root/clips/"
  script "$page" "$dir/blocks" >"$dir/script"
  (cd "$dir/root" && timeout 300 bash "$work/run" "$dir/script" </dev/null) || code=$?
  [ "$code" -le 1 ] || { cat "$dir/blocks/$(cat "$dir/blocks/last").out" >&2; die "$page: block $(cat "$dir/blocks/last") ended with $code"; }
  hold "$page" "$dir/blocks"
  say "$page: $(cat "$dir/blocks/last") blocks of commands did what the page says"
}

film
pages=0
for page; do run_page "$page" $((pages += 1)); done
