#!/usr/bin/env bash
# All checks, in the order of their cost. Every step runs, so that one round shows everything;
# the last line is for a reader that is a program:
#
#   orrery-test: ok steps=7 passed=812 failed=0 seconds=1312
#   orrery-test: FAILED step=clippy,tests steps=7 passed=810 failed=2 seconds=1200
#
# Everything is built in the release profile and for the whole workspace: another profile, or
# a selection of crates with other features, would compile RocksDB a second time.

set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=scripts/progress.sh
. scripts/progress.sh
if [ -f target/setup.env ]; then
    # shellcheck source=/dev/null
    . target/setup.env
fi

readonly logs="target/test-logs"
rm -rf "$logs"
mkdir -p "$logs"
export RUST_BACKTRACE="${RUST_BACKTRACE:-1}"
if [ -t 1 ]; then export CARGO_TERM_COLOR="${CARGO_TERM_COLOR:-always}"; fi

started=$(date +%s)
summary=()
failed=()
steps=0

# step NAME COMMAND…
step() {
    local name="$1" from code=0 word=ok
    shift
    steps=$((steps + 1))
    from=$(date +%s)
    printf '\n== %s: %s\n' "$name" "$*"
    with_heartbeat "$name" "$@" 2>&1 | tee "$logs/$name.log"
    code=${PIPESTATUS[0]}
    if [ "$code" != 0 ]; then
        word=FAILED
        failed+=("$name")
    fi
    summary+=("$(printf '%-7s %-11s %5d s   %s' "$word" "$name" $(($(date +%s) - from)) "$logs/$name.log")")
}

skip() {
    steps=$((steps + 1))
    summary+=("$(printf '%-7s %-11s           %s' skipped "$1" "$2")")
}

tidy() {
    cargo build --release --quiet --workspace --bin orrery-xtask &&
        "${CARGO_TARGET_DIR:-target}/release/orrery-xtask" tidy
}

sim() {
    cargo build --release --quiet --workspace --bin orrery-xtask &&
        "${CARGO_TARGET_DIR:-target}/release/orrery-xtask" sim --seeds 20 --minutes 1
}

gate() {
    if ! command -v valgrind >/dev/null 2>&1; then
        echo "gate: valgrind is missing (apt-get install valgrind)"
        return 1
    fi
    perf/gate.sh
}

independent() {
    cargo build --release --quiet --workspace --bin orrery && scripts/independent_client.sh
}

# Tests passed and failed, from the logs of either runner.
count() {
    cat "$logs"/tests.log "$logs"/loom.log "$logs"/doctests.log 2>/dev/null |
        sed 's/\x1b\[[0-9;]*m//g' |
        awk '
            /^test result:/ { for (i = 2; i <= NF; i++) {
                if ($i ~ /^passed/) passed += $(i - 1)
                if ($i ~ /^failed/) failed += $(i - 1) } }
            /Summary \[/ { for (i = 2; i <= NF; i++) {
                if ($i ~ /^passed/) passed += $(i - 1)
                if ($i ~ /^failed/) failed += $(i - 1) } }
            END { printf "passed=%d failed=%d", passed, failed }'
}

announce_build test
step format cargo fmt --all --check
step tidy tidy
step clippy cargo clippy --release --workspace --all-targets -- -D warnings
if command -v cargo-nextest >/dev/null 2>&1; then
    step tests cargo nextest run --release --workspace --no-fail-fast
else
    step tests cargo test --release --workspace --no-fail-fast --lib --bins --tests
fi
step loom scripts/loom.sh
step doctests cargo test --release --workspace --no-fail-fast --doc
step sim sim
if command -v valgrind >/dev/null 2>&1 || [ -n "${CI:-}" ]; then
    step gate gate
else
    skip gate "valgrind is missing; a CI run fails here"
fi
if scripts/independent_client.sh install; then
    step independent independent
else
    skip independent "its Python packages cannot be had"
fi

printf '\nSummary\n'
printf '  %s\n' "${summary[@]}"
tail_line="steps=$steps $(count) seconds=$(($(date +%s) - started))"
if [ ${#failed[@]} = 0 ]; then
    echo "orrery-test: ok $tail_line"
else
    echo "orrery-test: FAILED step=$(IFS=,; echo "${failed[*]}") $tail_line"
    exit 1
fi
