#!/usr/bin/env bash
# Finds or installs what the build needs, and says what it does and why.
#
#   scripts/setup.sh run     what building and running the server needs (the default)
#   scripts/setup.sh test    the same, and what only the checks need
#
# It may be run as often as you like: what is there is left alone. What the build must know
# (where libclang is, whether sccache is used) goes to target/setup.env, which the Makefile
# reads; nothing outside the checkout changes except Debian packages, and those only where
# apt-get may be used. ORRERY_SETUP_APT=0 forbids it that too.

set -euo pipefail
cd "$(dirname "$0")/.."

readonly purpose="${1:-run}"
readonly rust_min="1.95"
readonly libclang_wheel="libclang==18.1.1"
readonly wheel_folder="$PWD/target/setup/libclang"
readonly env_file="target/setup.env"

case "$purpose" in
    run | test) ;;
    *)
        echo "usage: scripts/setup.sh [run|test]" >&2
        exit 2
        ;;
esac

say() { printf 'setup: %s\n' "$*"; }

fail() {
    printf 'setup: FAILED: %s\n' "$1" >&2
    shift
    for line in "$@"; do printf 'setup:   %s\n' "$line" >&2; done
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# Prints the prefix under which apt-get may install packages; fails where it may not.
apt_prefix() {
    [ "${ORRERY_SETUP_APT:-1}" = 1 ] && have apt-get || return 1
    if [ "$(id -u)" = 0 ]; then
        echo "env"
    elif have sudo && sudo -n true 2>/dev/null; then
        echo "sudo env"
    else
        return 1
    fi
}

apt_updated=no

# Installs Debian packages, if that is possible without asking for a password.
apt_install() {
    local prefix
    prefix=$(apt_prefix) || return 1
    say "installing $* with apt-get"
    # The prefix is one or two words.
    # shellcheck disable=SC2086
    if $prefix DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null 2>&1; then
        return 0
    fi
    [ "$apt_updated" = no ] || return 1
    apt_updated=yes
    say "the package lists are old: apt-get update"
    # shellcheck disable=SC2086
    $prefix apt-get update -qq >/dev/null 2>&1 || return 1
    # shellcheck disable=SC2086
    $prefix DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null
}

at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

check_machine() {
    [ "$(uname -s)" = Linux ] || fail "the server runs on Linux only (io_uring)" \
        "elsewhere, use a Linux virtual machine or container"
    local disabled=0
    [ ! -r /proc/sys/kernel/io_uring_disabled ] || disabled=$(cat /proc/sys/kernel/io_uring_disabled)
    if [ "$disabled" = 2 ]; then
        fail "io_uring is switched off on this machine, and the server's shards run on it" \
            "switch it on: sysctl kernel.io_uring_disabled=0"
    fi
    local free_mb
    free_mb=$(df -Pm . | awk 'NR == 2 {print $4}')
    if [ "$free_mb" -lt 5000 ]; then
        say "only $free_mb MB free here: a build needs about 5,000 MB, so it may not fit"
    fi
}

check_rust() {
    { have cargo && have rustc; } || fail "Rust is missing" \
        "install it from https://rustup.rs, version $rust_min or newer"
    local version
    version=$(rustc --version | awk '{print $2}')
    at_least "$rust_min" "${version%%-*}" || fail "Rust $version is too old: $rust_min or newer" \
        "rustup update stable"
    say "Rust $version"
    [ "$purpose" = test ] || return 0
    local part
    for part in rustfmt clippy; do
        local tool="cargo-$part"
        [ "$part" = clippy ] || tool=cargo-fmt
        if ! "$tool" --version >/dev/null 2>&1; then
            have rustup || fail "$part is missing" "install it beside your Rust toolchain"
            say "adding $part with rustup (the checks need it)"
            rustup component add "$part" || fail "rustup could not add $part"
        fi
    done
}

# RocksDB 11 is C++20.
cxx_works() {
    have c++ && echo 'int main() { return 0; }' |
        c++ -std=c++20 -x c++ -fsyntax-only - 2>/dev/null
}

check_compiler() {
    if ! have cc || ! cxx_works; then
        apt_install build-essential || true
    fi
    have cc || fail "a C compiler is missing" "apt-get install build-essential"
    cxx_works || fail "a C++ compiler that knows C++20 is missing (RocksDB needs it)" \
        "GCC 11 or newer, or Clang 12 or newer: apt-get install build-essential"
    say "C++ compiler: $(c++ --version | head -n 1)"
}

has_libclang() { compgen -G "$1/libclang.so*" >/dev/null || compgen -G "$1/libclang-*.so*" >/dev/null; }

# The folder of a libclang that is installed on this system, if there is one.
system_libclang() {
    local folder
    if have llvm-config; then
        folder=$(llvm-config --libdir 2>/dev/null || true)
        if [ -n "$folder" ] && has_libclang "$folder"; then
            echo "$folder"
            return 0
        fi
    fi
    for folder in $(compgen -G "/usr/lib/llvm-*/lib" | sort -rV) \
        /usr/lib/x86_64-linux-gnu /usr/lib/aarch64-linux-gnu /usr/lib64 /usr/lib /usr/local/lib; do
        if has_libclang "$folder"; then
            echo "$folder"
            return 0
        fi
    done
    return 1
}

fetch_libclang_wheel() {
    have python3 && python3 -m pip --version >/dev/null 2>&1 || return 1
    say "fetching $libclang_wheel from PyPI into target/setup (about 25 MB)"
    rm -rf "$wheel_folder"
    PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --no-deps \
        --only-binary=:all: --target "$wheel_folder" "$libclang_wheel"
}

# bindgen reads RocksDB's C header through libclang, at build time only.
check_libclang() {
    local folder=""
    if [ -n "${LIBCLANG_PATH:-}" ]; then
        if [ -e "$LIBCLANG_PATH" ] && { [ -f "$LIBCLANG_PATH" ] || has_libclang "$LIBCLANG_PATH"; }; then
            folder="$LIBCLANG_PATH"
        else
            say "LIBCLANG_PATH=$LIBCLANG_PATH holds no libclang: looking elsewhere"
        fi
    fi
    [ -n "$folder" ] || folder=$(system_libclang) || folder=""
    if [ -z "$folder" ] && has_libclang "$wheel_folder/clang/native"; then
        folder="$wheel_folder/clang/native"
    fi
    if [ -z "$folder" ] && apt_install libclang-dev; then
        folder=$(system_libclang) || folder=""
    fi
    if [ -z "$folder" ] && fetch_libclang_wheel; then
        folder="$wheel_folder/clang/native"
    fi
    [ -n "$folder" ] || fail "libclang is missing (RocksDB's bindings are made with it)" \
        "as root: apt-get install libclang-dev" \
        "or without root: python3 -m pip, then run this again" \
        "or set LIBCLANG_PATH to the folder that holds libclang.so"
    say "libclang: $folder"

    # Only the wheel has to be pointed at. An installed library is found without, and a
    # variable that `make` sets and a bare `cargo` does not would compile RocksDB twice.
    case "$folder" in
        "$wheel_folder"/*) printf 'export LIBCLANG_PATH=%q\n' "$folder" >>"$env_file.new" ;;
    esac

    # The wheel, and Debian's bare library, come without the compiler's own headers
    # (stddef.h and its like): take those of the C compiler.
    if ! compgen -G "$folder/clang/*/include/stddef.h" >/dev/null; then
        local headers
        headers=$(cc -print-file-name=include)
        [ -d "$headers" ] || headers=$(cc -print-resource-dir 2>/dev/null)/include
        if [ -d "$headers" ]; then
            printf 'export BINDGEN_EXTRA_CLANG_ARGS=%q\n' "-I$headers" >>"$env_file.new"
        fi
    fi
}

# A compiler cache brings a rebuild of everything from minutes to seconds. It is never
# required, and a choice that was already made is kept.
check_sccache() {
    if [ -n "${RUSTC_WRAPPER:-}" ]; then
        say "compiler cache: $RUSTC_WRAPPER (from RUSTC_WRAPPER)"
    elif have sccache && sccache --show-stats >/dev/null 2>&1; then
        say "compiler cache: sccache"
        printf 'export RUSTC_WRAPPER=sccache\n' >>"$env_file.new"
    else
        say "compiler cache: none (sccache would be used if it were installed)"
    fi
}

check_test_tools() {
    if have cargo-nextest; then
        say "test runner: cargo-nextest"
    else
        say "test runner: cargo test (cargo-nextest would be used if it were installed)"
    fi
    if ! have valgrind; then
        apt_install valgrind || true
    fi
    if have valgrind; then
        say "valgrind: $(valgrind --version) (counts instructions for perf/gate.sh)"
    else
        say "valgrind is missing, so the instruction gate cannot run: apt-get install valgrind"
    fi
}

mkdir -p target
: >"$env_file.new"
check_machine
check_rust
check_compiler
check_libclang
check_sccache
[ "$purpose" = run ] || check_test_tools
mv "$env_file.new" "$env_file"
if [ -s "$env_file" ]; then
    say "ready; before a bare cargo command: . $env_file"
else
    say "ready"
fi
