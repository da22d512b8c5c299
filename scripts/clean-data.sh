#!/usr/bin/env bash
# scripts/clean-data.sh FOLDER: removes a server's data folder, and nothing else.
set -euo pipefail
cd "$(dirname "$0")/.."

folder="${1:?usage: scripts/clean-data.sh FOLDER}"
if [ ! -d "$folder" ]; then
    echo "clean-data: $folder does not exist"
    exit 0
fi
# A typing error must not cost a home folder: it has to look like a store.
if [ ! -d "$folder/store" ]; then
    echo "clean-data: $folder has no store in it; remove it yourself if you mean it" >&2
    exit 1
fi
if [ "${FORCE:-0}" != 1 ]; then
    printf 'clean-data: remove %s (%s)? [y/N] ' "$folder" "$(du -sh "$folder" | cut -f1)"
    read -r answer
    [ "$answer" = y ] || exit 1
fi
rm -rf -- "$folder"
echo "clean-data: removed $folder"
