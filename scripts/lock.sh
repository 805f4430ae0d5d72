#!/bin/sh
# Writes requirements/{run,test,docs,bench,bench-*}.txt anew from their .in files: names,
# versions and the hashes of every wheel and source (Linux, macOS, Windows), and
# no address. Needs uv on the PATH. Arguments go to uv: `scripts/lock.sh --upgrade`.
set -eu
cd "$(dirname "$0")/../requirements"
for name in run test docs bench $(ls bench-*.in | sed 's/\.in$//'); do
    uv pip compile "$name.in" --output-file "$name.txt" --universal --python-version 3.11 \
        --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet "$@"
    echo "requirements/$name.txt: $(grep -c == "$name.txt") packages"
done
