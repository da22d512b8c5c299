#!/usr/bin/env bash
# perf/replay.sh [BOTS] [SECONDS] [OPTION…]: how fast what players have done is repeated.
#
# Builds, starts a server with a fresh store on loopback, lets BOTS (1,000) play for SECONDS (30)
# in a process of their own, stops it, and replays the last SECONDS of its journal three times,
# every digest compared. Writes perf/results/replay.json; with 1,000 bots also
# kernel.replay_speed_x of perf/results/summary.json. Fails below 10 x real time.
# To see where the time goes: orrery replay --data DIR --flame FILE.svg.

set -euo pipefail
cd "$(dirname "$0")/.."

scripts/build.sh orrery orrery-recovery
exec "${CARGO_TARGET_DIR:-target}/release/orrery-recovery" replay "$@"
