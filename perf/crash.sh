#!/usr/bin/env bash
# perf/crash.sh [KILLS] [BOTS] [OPTION…]: kills a server with players, again and again.
#
# Builds, then KILLS (200) times: starts a server on loopback with BOTS (500) players in another
# process, kills it (SIGKILL) 0.2 to 3 s after its recovery, starts it again. Every restart
# compares every digest; witnesses look whether what was acknowledged before is there, once.
# Writes perf/results/recovery.{json,md,svg} and the keys recovery.* of perf/results/summary.json.
# Fails if anything was lost or is there twice. Other work on the machine is in the figures.
#
# perf/crash.sh [KILLS] [TRADERS] --economy: under TRADERS (48) who lie instead of players: they send
# every request again until it is answered, and others again after that, over two connections, in
# any order. An outside log of what was asked and answered is reconciled with the store after each
# kill: nothing acknowledged is lost, nothing is there twice, all sums are exact
# (docs/economy.md, How it is proved). Writes perf/results/crash_economy.{json,md,svg} and the keys
# crash_economy.*. It measures no time. With --double a payment is credited twice in the books that
# are looked at last: the run must fail.
#
# With --forget the store is set back by one life before the last start: the run must fail.
#
# perf/crash.sh restart [SHIPS] [ROUNDS]: instead, how long a past of SHIPS (10,000) ships takes
# to recover: perf/results/restart.json.

set -euo pipefail
cd "$(dirname "$0")/.."

case " $* " in
*" --help "* | *" -h "*)
    sed -n '2,/^$/s/^# \{0,1\}//p' "$0"
    exit
    ;;
esac
scripts/build.sh orrery orrery-recovery
program="${CARGO_TARGET_DIR:-target}/release/orrery-recovery"
if [ "${1:-}" = restart ]; then
    exec "$program" "$@"
fi
exec "$program" crash "$@"
