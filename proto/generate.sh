#!/usr/bin/env bash
# Regenerates the Go code from the .proto files. The compiler comes from the
# Python package grpcio-tools, in a virtual environment of its own.
set -euo pipefail
cd "$(dirname "$0")"
grpcio_tools=1.76.0
protoc_gen_go=v1.36.11
venv=${STREAMVET_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/streamvet}/protoc-$grpcio_tools
if [ ! -x "$venv/bin/python" ] || ! "$venv/bin/python" -c 'import grpc_tools' 2>/dev/null; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install -q "grpcio-tools==$grpcio_tools"
fi
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
GOBIN=$bin go install "google.golang.org/protobuf/cmd/protoc-gen-go@$protoc_gen_go"
PATH=$bin:$PATH "$venv/bin/python" -m grpc_tools.protoc -I. --go_out=. --go_opt=paths=source_relative streamvet/v1/*.proto
