# shellcheck shell=bash
# Sourced by the scripts that build: says what takes long, while it takes long.

# Whether RocksDB's C++ still has to be compiled into this target folder.
rocksdb_is_cold() {
    ! compgen -G "${CARGO_TARGET_DIR:-target}/release/build/librocksdb-sys-*/out/librocksdb.a" >/dev/null
}

# What to expect before a build that may take long.
announce_build() {
    if rocksdb_is_cold; then
        echo "$1: RocksDB's C++ is not built yet: 15 to 20 minutes on two cores, once"
        echo "$1: (with a filled sccache under a minute; later builds reuse the archive)"
    fi
}

rocksdb_objects() {
    find "${CARGO_TARGET_DIR:-target}/release/build" -path '*/librocksdb-sys-*/out/*.o' 2>/dev/null | wc -l
}

# heartbeat NAME: a line a minute, until it is told to end.
heartbeat() {
    local name="$1" minutes=0 pause="" before now
    # Its pause must not outlive it, nor hold the terminal or a pipe open.
    trap '[ -z "$pause" ] || kill "$pause" 2>/dev/null; exit 0' TERM
    before=$(rocksdb_objects)
    while :; do
        sleep 60 >/dev/null 2>&1 &
        pause=$!
        wait "$pause"
        minutes=$((minutes + 1))
        now=$(rocksdb_objects)
        if [ "$now" -gt "$before" ]; then
            echo "$name: $minutes min, RocksDB $now of about 350 objects"
        else
            echo "$name: $minutes min"
        fi
        before=$now
    done
}

# with_heartbeat NAME COMMAND…: runs the command beside a heartbeat, with its exit code.
with_heartbeat() {
    local name="$1" code=0 beat
    shift
    heartbeat "$name" &
    beat=$!
    "$@" || code=$?
    kill "$beat" 2>/dev/null || true
    wait "$beat" 2>/dev/null || true
    return "$code"
}
