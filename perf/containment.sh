#!/usr/bin/env bash
# perf/containment.sh [BOTS] [FAULTS] [OPTION…]: what a grid that fails does to the others.
#
# Builds, starts a server of two shards with a fresh store on loopback, lets BOTS (500) play, and
# makes the grid with most of them fail FAULTS (5) times with `orrery grid fault`. Writes
# perf/results/containment.{json,md}: beats of both shards before and under faults, time until
# the grid is back, players who lost their connection. Fails if a limit is missed.
# Other work on the machine is in the figures: leave it alone meanwhile.

set -euo pipefail
cd "$(dirname "$0")/.."

scripts/build.sh orrery orrery-containment
exec "${CARGO_TARGET_DIR:-target}/release/orrery-containment" "$@"
