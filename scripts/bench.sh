#!/usr/bin/env bash
# bench.sh [flag of bench/...]: frames a second of vet, of decoding alone, and of FFmpeg's own filters, in one run.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
enter_env
cd "$ROOT"

go run ./bench "$@"
