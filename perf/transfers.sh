#!/usr/bin/env bash
# perf/transfers.sh [OPTION…]: durable transfers a second, beside PostgreSQL and RocksDB.
#
#   perf/transfers.sh                                  10 s each, 100,000 accounts
#   perf/transfers.sh --seconds 30 --accounts 1000000
#   perf/transfers.sh --only RocksDB                   those whose name contains it
#   perf/transfers.sh --folder /mnt/disk               on another disk
#
# Builds, then lets each contestant do transfers between two accounts, one after the other: a
# private PostgreSQL (initdb, pg_ctl and pgbench have to be installed; as root it runs as the user
# postgres) with 1, 8 and 64 connections, and RocksDB with a synced batch per transfer and per
# beat. Each one's books are checked. Writes perf/results/transfers.{md,csv}; fails if money came
# or went. Other work on the machine is in the figures: leave it alone meanwhile.

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
