#!/usr/bin/env bash
# scripts/build.sh PROGRAM…: builds programs in the release profile, saying what takes long.
#
# With --workspace the features of shared dependencies are those of the whole workspace, as in
# the tests: building a single crate would choose others and compile RocksDB a second time.

set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/progress.sh
. scripts/progress.sh
if [ -f target/setup.env ]; then
    # shellcheck source=/dev/null
    . target/setup.env
fi

programs=()
for program in "$@"; do programs+=(--bin "$program"); done
announce_build build
with_heartbeat build cargo build --release --workspace "${programs[@]}"
