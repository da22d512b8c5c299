#!/usr/bin/env bash
# scripts/loom.sh: the model checker over the kernel's rings (verify/): every order in which two
# threads can meet, and every planted fault found. What that proves: docs/verification.md.
#
# A workspace of its own, so that loom is in no lock file but its own and the server's build is
# left alone; its output goes below the target folder of everything else.

set -euo pipefail
cd "$(dirname "$0")/.."

target="$(realpath -m "${CARGO_TARGET_DIR:-target}")/loom"
cargo fmt --manifest-path verify/Cargo.toml --check
# The tests' own programs are the longest part, and they print how many executions there were.
cargo test --manifest-path verify/Cargo.toml --release --locked --target-dir "$target" -- --show-output
cargo clippy --manifest-path verify/Cargo.toml --release --locked --target-dir "$target" \
    --all-targets --quiet -- -D warnings
