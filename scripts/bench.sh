#!/usr/bin/env bash
# bench.sh [flag of bench/...]: frames a second of vet, of decoding alone, and of FFmpeg's own filters, in one run.
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
enter_env
cd "$ROOT"

"$ROOT/scripts/packages.sh" bench
STREAMVET_DEMO_CLIP=$("$ROOT/scripts/clip.sh")
export STREAMVET_DEMO_CLIP

go run ./bench "$@"
