#!/usr/bin/env bash
# scripts/fuzz.sh [SECONDS]: fuzzes every decoder in fuzz/ for SECONDS (60) each, from the
# committed corpus. Needs cargo-fuzz and a nightly compiler; what every machine can do (the
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

failed=()
targets=$(cargo +nightly fuzz list)
for target in $targets; do
    echo "fuzz: $target for $seconds s"
    cargo +nightly fuzz run "$target" -- -max_total_time="$seconds" -timeout=10 || failed+=("$target")
done
if [ ${#failed[@]} != 0 ]; then
    fail "found something: ${failed[*]}" "the inputs are in fuzz/artifacts/"
fi
echo "fuzz: nothing found in $(echo "$targets" | wc -w) targets"
