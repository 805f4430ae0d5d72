#!/bin/sh
# Makes .venv and installs into it: `scripts/venv.sh run|test|bench`.
#
# `run` installs requirements/run.txt and then the project itself, from this
# folder; the others add what the tests and the benchmarks need. The stamp
# .venv/.run (.test, .bench) says that it is done.
set -eu
cd "$(dirname "$0")/.."
set_of="$1"
python=.venv/bin/python

# A copied or half-made environment, or one whose Python has gone, is made anew.
if ! "$python" -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
    base=$(scripts/find-python.sh)
    echo "Making .venv with $("$base" --version)"
    rm -rf .venv
    "$base" -m venv .venv
fi

install() {
    "$python" -m pip install --quiet --disable-pip-version-check --no-input "$@"
}

echo "Installing requirements/$set_of.txt into .venv"
install --require-hashes -r "requirements/$set_of.txt"
if [ "$set_of" = run ]; then
    install --no-deps --no-build-isolation --editable .
fi
touch ".venv/.$set_of"
