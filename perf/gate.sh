#!/usr/bin/env bash
# perf/gate.sh [--update] [WORKLOAD…]: the instruction gate.
#
# Counts the instructions of the hot paths with callgrind and compares them with
# perf/baseline.json: more than 5 % above fails. The counts are the same on every run and every
# x86-64 machine: the workloads of `orrery-gate` take the portable paths, and the C library is
# told to take its oldest. A new compiler may change them: --update writes what was counted into
# the baseline, and the commit that does so says why.

set -euo pipefail
cd "$(dirname "$0")/.."

readonly baseline=perf/baseline.json
readonly allowed_percent=5

update=no
wanted=()
for argument in "$@"; do
    case "$argument" in
    --update) update=yes ;;
    -*)
        echo "usage: perf/gate.sh [--update] [WORKLOAD…]" >&2
        exit 2
        ;;
    *) wanted+=("$argument") ;;
    esac
done

command -v valgrind >/dev/null 2>&1 || {
    echo "gate: valgrind is missing (apt-get install valgrind)" >&2
    exit 1
}

# --workspace: the features of shared dependencies are then those of every other build here.
cargo build --release --quiet --workspace --bin orrery-gate
readonly gate="${CARGO_TARGET_DIR:-target}/release/orrery-gate"

# Which memcpy the C library takes depends on the processor, unless it is told.
export GLIBC_TUNABLES="glibc.cpu.hwcaps=-AVX2,-AVX,-AVX512F,-AVX512VL,-ERMS,-FSRM,-SSSE3,-SSE4_1"

# count WORKLOAD REPETITIONS: the instructions of the whole run.
count() {
    local log collected
    log=$(valgrind --tool=callgrind --callgrind-out-file=/dev/null "$gate" "$1" "$2" 2>&1) || {
        echo "gate: $1 failed:" >&2
        echo "$log" >&2
        return 1
    }
    collected=$(sed -n 's/^==[0-9]*== Collected : \([0-9]*\)$/\1/p' <<<"$log")
    [ -n "$collected" ] || {
        echo "gate: callgrind counted nothing for $1:" >&2
        echo "$log" >&2
        return 1
    }
    echo "$collected"
}

# known WORKLOAD: its instructions in the baseline, nothing if it has none.
known() {
    [ -f "$baseline" ] || return 0
    sed -n 's/^ *"'"$1"'": \([0-9]*\),\{0,1\}$/\1/p' "$baseline"
}

is_wanted() {
    [ ${#wanted[@]} = 0 ] && return 0
    local name
    for name in "${wanted[@]}"; do
        [ "$name" = "$1" ] && return 0
    done
    return 1
}

lines=()
failed=0
printf '%-16s %14s %14s %9s\n' workload instructions baseline change
while read -r name repetitions; do
    before=$(known "$name")
    if ! is_wanted "$name"; then
        [ -n "$before" ] && lines+=("  \"$name\": $before")
        continue
    fi
    all=$(count "$name" "$repetitions")
    preparation=$(count "$name" 0)
    # Of one repetition: preparation and warming up are in both runs.
    now=$(((all - preparation) / repetitions))
    lines+=("  \"$name\": $now")
    if [ -z "$before" ]; then
        change=new
        [ "$update" = yes ] || failed=1
    else
        change=$(awk "BEGIN { printf \"%+.2f %%\", ($now - $before) * 100 / $before }")
        if [ "$update" = no ] && [ $((now * 100)) -gt $((before * (100 + allowed_percent))) ]; then
            change="$change  FAILED"
            failed=1
        fi
    fi
    printf '%-16s %14d %14s %9s\n' "$name" "$now" "${before:--}" "$change"
done < <("$gate")

if [ "$update" = yes ]; then
    {
        echo "{"
        for i in "${!lines[@]}"; do
            if [ "$i" -lt $((${#lines[@]} - 1)) ]; then
                echo "${lines[$i]},"
            else
                echo "${lines[$i]}"
            fi
        done
        echo "}"
    } >"$baseline"
    echo "gate: $baseline written"
elif [ "$failed" = 1 ]; then
    echo "gate: FAILED: more than $allowed_percent % above $baseline, or not in it" >&2
    echo "gate: if that is meant, run perf/gate.sh --update and say why in the commit" >&2
    exit 1
else
    echo "gate: ok"
fi
