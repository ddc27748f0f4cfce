#!/usr/bin/env bash
# image.sh [build option...]: builds the container image with what is there, docker or podman.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

engine=$(command -v docker || command -v podman) || die "neither docker nor podman is on this machine; install one of them"
version=$(git -C "$ROOT" describe --tags --always --dirty 2>/dev/null || echo devel)
"$engine" build --build-arg VERSION="$version" -f "$ROOT/Dockerfile.cuda" -t "${IMAGE:-streamvet}" "$@" "$ROOT"
