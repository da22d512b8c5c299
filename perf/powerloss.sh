#!/usr/bin/env bash
# perf/powerloss.sh [ROUNDS] [OPTION…]: the power fails under load, on a real file system.
#
#   perf/powerloss.sh                        20 losses with sync, then 3 without
#   perf/powerloss.sh 100 --seed 7           more of them, at other moments
#   perf/powerloss.sh 20 --folder /mnt/disk  the file system's file on another disk
#
# Builds, then ROUNDS (20) times: a writer commits beats to a store on an XFS in a file, and says
# each durable one over a pipe; the file system is shut down (xfs_io shutdown, without a flush of
# its log) at a random moment; it is mounted again, and every beat that was said has to be there.
# Then the same with a writer that does not sync, which has to lose something.
# Writes perf/results/powerloss.{md,csv}. Fails if anything was lost with sync, or nothing without.
#
# Needs root, loop devices, mkfs.xfs and xfs_io (apt-get install xfsprogs). Everything is mounted in
# a namespace of its own and gone afterwards.

set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-}" in
-h | --help)
    sed -n '2,/^$/s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
esac
scripts/build.sh orrery-powerloss
exec "${CARGO_TARGET_DIR:-target}/release/orrery-powerloss" drill "$@"
