#!/usr/bin/env bash
# scripts/fuzz.sh [SECONDS]: fuzzes every decoder in fuzz/ for SECONDS (60) each, all at once and
# at the lowest priority, from the committed corpus. What is found on the way is kept below
# target/fuzz/, with a log per decoder. Needs cargo-fuzz and a nightly compiler; what every machine can do (the
# corpus through every decoder, and proptest beside them) is part of `make test`.

set -euo pipefail
cd "$(dirname "$0")/.."

seconds="${1:-60}"

fail() {
    printf 'fuzz: %s\n' "$@" >&2
    exit 1
}

[[ "$seconds" =~ ^[1-9][0-9]*$ ]] || fail "usage: scripts/fuzz.sh [SECONDS]"
[ -f fuzz/Cargo.toml ] || fail "there is no fuzz/ in this checkout"
command -v cargo-fuzz >/dev/null 2>&1 || fail "cargo-fuzz is missing: cargo install cargo-fuzz"
rustup run nightly rustc --version >/dev/null 2>&1 ||
    fail "a nightly compiler is missing: rustup toolchain install nightly --profile minimal"

targets=$(cargo +nightly fuzz list)
echo "fuzz: building $(echo "$targets" | wc -w) targets"
cargo +nightly fuzz build
declare -A running
for target in $targets; do
    mkdir -p "target/fuzz/$target"
    nice -n 19 cargo +nightly fuzz run "$target" "target/fuzz/$target" "fuzz/corpus/$target" -- \
        -max_total_time="$seconds" -timeout=30 -print_final_stats=1 >"target/fuzz/$target.log" 2>&1 &
    running[$target]=$!
done
trap 'kill "${running[@]}" 2>/dev/null || true' INT TERM
echo "fuzz: ${#running[@]} targets run for $seconds s"
failed=()
for target in $targets; do
    wait "${running[$target]}" || failed+=("$target")
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "target/fuzz/$target.log")
    echo "fuzz: $target: ${runs:-?} executions"
done
if [ ${#failed[@]} != 0 ]; then
    fail "found something: ${failed[*]}" "the inputs are in fuzz/artifacts/"
fi
echo "fuzz: nothing found in $(echo "$targets" | wc -w) targets"
