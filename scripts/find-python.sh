#!/bin/sh
# Prints a Python that can make a virtual environment: $PYTHON, else the first
# of python3, python3.14 … python3.11 that is 3.11 or newer.
set -eu

good() {
    command -v "$1" >/dev/null 2>&1 &&
        "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

for python in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
    good "$python" || continue
    if ! "$python" -c 'import venv, ensurepip' >/dev/null 2>&1; then
        echo "$python cannot make virtual environments: install its venv module" \
            "(Debian, Ubuntu: apt-get install python3-venv)." >&2
        exit 1
    fi
    command -v "$python"
    exit 0
done
echo "cloudmesh-flow needs Python 3.11 or newer, and found none: install it, or name one with PYTHON=/path/to/python3." >&2
exit 1
