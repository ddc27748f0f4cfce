#!/usr/bin/env bash
# gofmt, go vet, and shellcheck where it is installed.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
enter_env
cd "$ROOT"

unformatted=$(git ls-files '*.go' | xargs gofmt -l)
[ -z "$unformatted" ] || die "gofmt wants to change: $unformatted"
go vet ./...
! have shellcheck || shellcheck -x scripts/*.sh .ci/run
