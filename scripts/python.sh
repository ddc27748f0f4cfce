#!/usr/bin/env bash
# python.sh [--tools | --test]: what clients/python needs: its packages, in the cache, and the stubs of the API, in
# build/python. Prints them as a PYTHONPATH; with --test, runs its tests instead.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

client=$ROOT/clients/python

main() {
  local packages stubs=$ROOT/build/python
  "$ROOT/scripts/packages.sh" fetch
  packages=$CACHE/python-$(recipe "$(platform)" "$(python3 --version)" "$(cat "$client/requirements.txt")")
  once "$packages" install_packages
  mkdir -p "$stubs"
  (cd "$ROOT/proto" && PYTHONPATH=$packages python3 -m grpc_tools.protoc -I . --python_out="$stubs" --grpc_python_out="$stubs" \
    buf/validate/validate.proto streamvet/v1/*.proto)
  export PYTHONPATH=$stubs:$packages
  case ${1:-} in
  '' | --tools) echo "$PYTHONPATH" ;;
  --test) cd "$client" && PYTHONDONTWRITEBYTECODE=1 python3 -m unittest -q -b follow_test ;;
  *) die "python.sh knows --tools and --test, not $1" ;;
  esac
}

# install_packages STAGE: into STAGE itself, so that no virtual environment is needed.
install_packages() {
  say "fetching Python packages for clients/python"
  python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --only-binary=:all: \
    --target "$1" -r "$client/requirements.txt" >&2 || die "no way to the packages of clients/python/requirements.txt: what pip said is above.
  Remedy: give this machine a package index that it can reach."
}

main "$@"
