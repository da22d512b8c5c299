#!/usr/bin/env bash
# The benches beside their peers. Figures go to perf/results, and from there to docs/figures.md.
# Other work on the machine is in the figures: leave it alone meanwhile.

set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/progress.sh
. scripts/progress.sh

announce_build bench
# --workspace: see scripts/build.sh.
with_heartbeat build cargo bench --workspace --no-run
cargo bench --workspace --benches -- "$@"
