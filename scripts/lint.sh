#!/usr/bin/env bash
# The checks that need no test run. Stops at the first that fails.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/progress.sh
. scripts/progress.sh
if [ -f target/setup.env ]; then
    # shellcheck source=/dev/null
    . target/setup.env
fi

announce_build lint
cargo fmt --all --check
cargo build --release --quiet --workspace --bin orrery-xtask
"${CARGO_TARGET_DIR:-target}/release/orrery-xtask" tidy
with_heartbeat clippy cargo clippy --release --workspace --all-targets -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc --release --workspace --no-deps --quiet
if command -v cargo-deny >/dev/null 2>&1; then
    cargo deny check
else
    echo "lint: cargo-deny is not installed: licences and advisories were not checked"
fi
echo "lint: ok"
