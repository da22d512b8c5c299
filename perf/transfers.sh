#!/usr/bin/env bash
# perf/transfers.sh [OPTION…]: durable transfers a second, beside PostgreSQL and RocksDB; rows of
# a log beside RocksDB; and what is in memory, timed one by one.
#
#   perf/transfers.sh                                  10 s each, 100,000 accounts
#   perf/transfers.sh --seconds 30 --accounts 1000000
#   perf/transfers.sh --offered 200000                 transfers that come every second
#   perf/transfers.sh --only RocksDB                   those whose name contains it
#   perf/transfers.sh --only memory                    only what is in memory
#   perf/transfers.sh --folder /mnt/disk               on another disk
#
# Builds, then lets each contestant do transfers between two accounts, one after the other: a
# private PostgreSQL (initdb, pg_ctl and pgbench have to be installed; as root it runs as the user
# postgres) with 1, 8 and 64 connections, RocksDB with a synced batch per transfer and per beat, and
# Orrery, once with as many as it keeps up with and once with a fixed rate that nothing slows down.
# Each one's books are checked. Writes perf/results/transfers.{md,csv}, and from a run of everybody
# perf/results/summary.json; fails if money came or went. Other work on the machine is in the
# figures: leave it alone meanwhile.

set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-}" in
-h | --help)
    sed -n '2,/^$/s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
esac
scripts/build.sh orrery-transfers
exec "${CARGO_TARGET_DIR:-target}/release/orrery-transfers" "$@"
