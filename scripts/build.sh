#!/usr/bin/env bash
# Builds bin/streamvet.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
enter_env

version=${STREAMVET_VERSION:-$(git -C "$ROOT" describe --tags --always --dirty 2>/dev/null || echo devel)}
cd "$ROOT"
say "building bin/streamvet $version (the first build compiles FFmpeg's Go binding: a minute or two)"
# No -trimpath here: the tests would then compile FFmpeg's binding a second time. The image asks for it.
# shellcheck disable=SC2086 # several flags
go build ${STREAMVET_BUILD_FLAGS:-} -ldflags "-X main.version=$version -X main.ortLibrary=$STREAMVET_ORT_LIB" -o bin/streamvet ./cmd/streamvet
