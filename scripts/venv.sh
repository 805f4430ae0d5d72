#!/bin/sh
# Makes .venv and installs into it: `scripts/venv.sh run|test|docs|bench …`.
#
# `run` installs requirements/run.txt and then the project itself, from this
# folder; the others add what the tests, the site and the benchmarks need. The stamp
# .venv/.run (.test, .docs, .bench) says that it is done.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
sets="$*"

# A copied or half-made environment, or one whose Python has gone, is made anew
# with all that it had.
if ! "$python" -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
    base=$(scripts/find-python.sh)
    sets=run
    for set in test docs bench; do
        case " $* " in *" $set "*) sets="$sets $set" ;; *) [ ! -e ".venv/.$set" ] || sets="$sets $set" ;; esac
    done
    echo "Making .venv with $("$base" --version)"
    rm -rf .venv
    "$base" -m venv .venv
fi

install() {
    "$python" -m pip install --quiet --disable-pip-version-check --no-input "$@"
}

current() {
    [ -e ".venv/.$1" ] && [ -z "$(find pyproject.toml "requirements/$1.txt" -newer ".venv/.$1")" ]
}

for set in $sets; do
    ! current "$set" || continue
    echo "Installing requirements/$set.txt into .venv"
    install --require-hashes -r "requirements/$set.txt"
    if [ "$set" = run ]; then
        install --no-deps --no-build-isolation --editable .
        "$python" -m compileall -q src # what pip does for all but an editable install
    fi
    touch ".venv/.$set"
done
