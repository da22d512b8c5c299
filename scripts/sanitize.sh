#!/usr/bin/env bash
# scripts/sanitize.sh: the tests around unsafe code, built by a nightly compiler with
# AddressSanitizer (spatial: every vector path of this processor; net: real sockets; game: the
# mapped pack) and with ThreadSanitizer (the rings and the threads of the kernel, with a standard
# library built the same way). What that proves and what not: docs/verification.md.
#
# Where the nightly compiler or its sources are missing it says so and fails.

set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
    printf 'sanitize: %s\n' "$@" >&2
    exit 1
}

rustup run nightly rustc --version >/dev/null 2>&1 ||
    fail "a nightly compiler is missing: rustup toolchain install nightly --profile minimal"
[ -d "$(rustup run nightly rustc --print sysroot)/lib/rustlib/src/rust/library/std" ] ||
    fail "the sources of std are missing: rustup component add rust-src --toolchain nightly"

host=$(rustc -vV | sed -n 's/^host: //p')
target="$(realpath -m "${CARGO_TARGET_DIR:-target}")"
unset RUSTC_WRAPPER

# An option of its own for each crate, so that only what is named is built (never RocksDB).
# --target keeps the build scripts and macros free of the sanitizer.
address() {
    echo "sanitize: address: $*"
    RUSTFLAGS="-Zsanitizer=address -Cdebug-assertions=on" CARGO_TARGET_DIR="$target/asan" \
        cargo +nightly test --release --target "$host" --lib "$@"
}

threads() {
    echo "sanitize: threads: $*"
    RUSTFLAGS="-Zsanitizer=thread" CARGO_TARGET_DIR="$target/tsan" \
        cargo +nightly test --release --target "$host" -Zbuild-std --lib "$@"
}

address -p orrery-spatial
address -p orrery-kernel
address -p orrery-net -- shell
address -p orrery-game -- pack
threads -p orrery-kernel -- ring runtime
echo "sanitize: nothing found"
