#!/usr/bin/env bash
# in-env.sh COMMAND...: runs a command with the environment that Go builds need here.
set -euo pipefail
env=$("$(dirname "${BASH_SOURCE[0]}")/env.sh")
eval "$env"
exec "$@"
