#!/usr/bin/env bash
# perf/flame.sh [SECONDS] [PID]: a flamegraph of a running server.
#
# Samples for SECONDS (15) the process PID (the newest `orrery`), follows the stacks through
# the debug information of the release profile, and draws target/flame/<time>.svg.
# It counts processor time by the clock (cpu-clock), which works without hardware counters,
# also in virtual machines.

set -euo pipefail
cd "$(dirname "$0")/.."

seconds="${1:-15}"
pid="${2:-$(pgrep -n -x orrery || true)}"

fail() {
    printf 'flame: %s\n' "$@" >&2
    exit 1
}

command -v perf >/dev/null 2>&1 || fail "perf is missing: apt-get install linux-perf"
[[ "$seconds" =~ ^[1-9][0-9]*$ ]] || fail "usage: perf/flame.sh [SECONDS] [PID]"
[ -n "$pid" ] || fail "no process named orrery runs; start one with make run, or name a PID"
[ -d "/proc/$pid" ] || fail "there is no process $pid"

paranoid=$(cat /proc/sys/kernel/perf_event_paranoid)
if [ "$(id -u)" != 0 ] && [ "$paranoid" -gt 2 ]; then
    fail "this machine forbids sampling (kernel.perf_event_paranoid = $paranoid)" \
        "allow it: sudo sysctl kernel.perf_event_paranoid=2"
fi

folder="${CARGO_TARGET_DIR:-target}/flame"
stem="$folder/$(date +%Y%m%d-%H%M%S)"
mkdir -p "$folder"

# An odd rate, so that the samples do not march in step with the beat. The stacks are copied
# (dwarf) because the release build keeps no frame pointers. 32 KiB of each: a batch of
# datagrams to send is built on the stack, and with 16 KiB its samples would hang in the air.
echo "flame: sampling process $pid for $seconds s"
perf record --quiet -e cpu-clock -F 397 --call-graph dwarf,32768 -p "$pid" \
    -o "$stem.data" -- sleep "$seconds"

# Resolving inlined frames starts a process per address: minutes for little. What a thread runs on
# (its start, the executor, the address behind the last frame that is none) is left out: it is
# the same everywhere, and not every copied stack reaches down to it.
below='ffffffffffffffff \[unknown\]| (clone3|start_thread|std::sys::|<std::sys::|core::ops::function::FnOnce|glommio::(task|executor)::|orrery_kernel::runtime::run_shard)'
echo "flame: resolving the stacks"
perf script --no-inline -F comm,pid,tid,time,event,ip,sym,dso -i "$stem.data" 2>"$stem.log" |
    grep -Ev "$below" >"$stem.script" || fail "perf script failed: see $stem.log"

cargo xtask flame "$stem.script" "$stem.svg"
rm -f "$stem.data" "$stem.script" "$stem.log"
echo "flame: $stem.svg"
