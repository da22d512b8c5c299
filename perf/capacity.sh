#!/usr/bin/env bash
# perf/capacity.sh [BOTS] [SECONDS] [OPTION…]: how one server here does with so many players.
#
# Builds, starts a server with a fresh store on loopback, lets BOTS (1,000) play for SECONDS
# (60) in a process of their own, and writes perf/results/capacity_BOTS.{json,md,svg}; with
# 1,000 bots also the keys of perf/results/summary.json; a heat map of the beats (phase by phase)
# lies beside them. With --sweep: more and more bots from BOTS on until a limit is missed, and
# perf/results/capacity_sweep.{json,svg}. Fails if a limit is missed.
# What is measured, and how, is said in benches/src/bin/capacity/; --help lists the options.
# Other work on the machine is in the figures: leave it alone meanwhile.

set -euo pipefail
cd "$(dirname "$0")/.."

scripts/build.sh orrery orrery-capacity
exec "${CARGO_TARGET_DIR:-target}/release/orrery-capacity" "$@"
