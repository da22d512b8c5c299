#!/usr/bin/env bash
# Lets a client in Python that follows docs/protocol.md and no code play on a real server:
# the golden vectors, then the handshake, a flight of 300 snapshots, commands that are sent twice.
#
#   scripts/independent_client.sh           all of it; needs target/release/orrery, or ORRERY=PATH
#   scripts/independent_client.sh install   only what it needs: aioquic, into target/
#
# The server is its own: free ports of the loopback, a data folder that is removed. Exit code 0 only
# if everything held. At most 90 seconds, some 30 on a quiet machine; the first installation apart.

set -euo pipefail
cd "$(dirname "$0")/.."

readonly source="$PWD/scripts/independent_client"
readonly venv="$PWD/target/independent_client/venv"
readonly python="$venv/bin/python"
orrery=$(realpath -m "${ORRERY:-${CARGO_TARGET_DIR:-target}/release/orrery}")
readonly orrery
export PYTHONDONTWRITEBYTECODE=1
readonly bots=60 systems=4 seconds_most=60

say() { printf 'independent client: %s\n' "$*"; }

fail() {
    printf 'independent client: FAILED: %s\n' "$1" >&2
    shift
    for line in "$@"; do printf 'independent client:   %s\n' "$line" >&2; done
    exit 1
}

# Into a virtual environment, which is left alone while the pinned versions are the same.
install() {
    local pinned="$source/requirements.txt"
    if [ -x "$python" ] && cmp -s "$pinned" "$venv/installed.txt"; then
        return 0
    fi
    command -v python3 >/dev/null 2>&1 || fail "python3 is missing" "apt-get install python3 python3-pip"
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "$(python3 --version) is too old: 3.11 or newer"
    python3 -m pip --version >/dev/null 2>&1 || fail "pip is missing" "apt-get install python3-pip"
    say "installing $(grep '^aioquic' "$pinned") from PyPI into target/independent_client"
    rm -rf "$venv"
    # Without pip in it, so that Debian's python3-venv is not needed.
    python3 -m venv --without-pip "$venv"
    PIP_ROOT_USER_ACTION=ignore timeout 300 python3 -m pip --python "$python" install --quiet \
        --disable-pip-version-check --only-binary=:all: --requirement "$pinned" ||
        fail "pip could not install the client's packages: is there a network, and does it reach PyPI?" \
            "they are pinned in scripts/independent_client/requirements.txt"
    cp "$pinned" "$venv/installed.txt"
}

server="" folder=""

# Ends the server that was started here, in order, or after ten seconds otherwise.
stop_server() {
    local pid="$server" code=0 _
    [ -n "$pid" ] || return 0
    server=""
    kill -INT "$pid" 2>/dev/null || true
    for _ in $(seq 100); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    if kill -KILL "$pid" 2>/dev/null; then
        say "the server did not stop within ten seconds, and was killed"
    fi
    wait "$pid" || code=$?
    return "$code"
}

clean_up() {
    stop_server || true
    [ -z "$folder" ] || rm -rf "$folder"
}

start_server() {
    local content="$PWD/content"
    [ -x "$orrery" ] || fail "$orrery is missing" "make build, or ORRERY=PATH of another one"
    folder=$(mktemp -d)
    trap clean_up EXIT
    # In its own folder, where there is no orrery.toml.
    cd "$folder"
    "$orrery" up --data "$folder/data" --content "$content" --bots "$bots" --systems "$systems" \
        --port 0 --http 127.0.0.1:0 --stop-after 85 </dev/null >"$folder/log" 2>&1 &
    server=$!
    cd - >/dev/null
}

# Prints where the server's REST interface is, once it is there.
address() {
    local _
    for _ in $(seq 150); do
        if grep -aoE '^web +http://[0-9.:]+' "$folder/log" | grep -aoE 'http://.*'; then
            return 0
        fi
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    cat "$folder/log" >&2
    return 1
}

install
[ "${1:-}" != install ] || exit 0

say "the golden vectors"
"$python" "$source/test_vectors.py" || fail "the vectors are read otherwise than docs/protocol.md says"

start_server
http=$(address) || fail "the server did not start"
say "a server at $http with $bots bots in $systems systems"
played=0
"$python" "$source/client.py" --http "$http" --seconds "$seconds_most" || played=$?
[ "$played" = 0 ] || tail -n 20 "$folder/log" | tr '\r' '\n' >&2
stop_server || fail "the server ended with an error" "$(tail -n 5 "$folder/log")"
"$orrery" audit --data "$folder/data" || fail "the store that is left is not sound"
[ "$played" = 0 ] || fail "what does not hold stands above"
