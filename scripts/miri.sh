#!/usr/bin/env bash
# scripts/miri.sh: Miri over the tests around unsafe code that touches no socket: the rings, and
# the scans of spatial with the vector instructions that Miri knows (SSE2, AVX2). Five to ten
# minutes, so it is no part of `make test`. What that proves and what not: docs/verification.md.
#
# Where Miri is missing it says so, checks nothing and fails.

set -euo pipefail
cd "$(dirname "$0")/.."

if ! cargo +nightly miri --version >/dev/null 2>&1; then
    echo "miri: MISSING, nothing was checked" >&2
    echo "miri: rustup toolchain install nightly --profile minimal" >&2
    echo "miri: rustup component add miri rust-src --toolchain nightly" >&2
    exit 1
fi

target="$(realpath -m "${CARGO_TARGET_DIR:-target}")"
unset RUSTC_WRAPPER
# proptest looks for its file of regressions, which isolation forbids.
export MIRIFLAGS="${MIRIFLAGS:-} -Zmiri-disable-isolation"

echo "miri: the rings"
PROPTEST_CASES="${PROPTEST_CASES:-6}" CARGO_TARGET_DIR="$target/miri" \
    cargo +nightly miri test -p orrery-kernel --lib -- ring

# A folder of its own, since these flags are those of every crate in it. The named tests are those
# that end: proptests with a fixed number of cases would take hours.
echo "miri: the scans"
RUSTFLAGS="-C target-feature=+avx2,+fma,+bmi1,+bmi2,+lzcnt,+popcnt" \
    PROPTEST_CASES="${PROPTEST_CASES:-2}" CARGO_TARGET_DIR="$target/miri-avx2" \
    cargo +nightly miri test -p orrery-spatial --lib -- bits border empty plain_rust slot hysteresis
echo "miri: nothing found"
