#!/bin/sh
# Installs what `make test` can use beyond Python: a browser, an SSH server, QEMU
# and the tools that build its disk, FerretDB. Debian and Ubuntu, as root. No
# service is started, and none that was not there before starts at the next boot.
set -eu
cd "$(dirname "$0")/.."

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "make test-deps installs Debian's packages and needs root on Debian or Ubuntu;" \
        "elsewhere make test runs with what it finds and says what it did not test." >&2
    exit 1
fi

# A policy that forbids starting services while packages are installed.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi

# The services that these packages bring, without those that were here before.
services=""
for service in ssh.service ssh.socket munge.service slurmctld.service slurmd.service; do
    [ -e "/lib/systemd/system/$service" ] || services="$services $service"
done

export DEBIAN_FRONTEND=noninteractive
apt() { apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@"; }
apt update
apt install -y --no-install-recommends $(sed 's/#.*//' requirements/debian.txt) >/dev/null

# Go builds FerretDB; Debian's own is new enough from Debian 13 on.
new_enough() {
    dpkg --compare-versions "$1" ge "2:$(sed -n 's/^go //p' tests/real/ferretdb/go.mod)"
}
if ! command -v go >/dev/null 2>&1; then
    offered=$(apt-cache policy golang-go | sed -n 's/ *Candidate: //p')
    if new_enough "${offered:-0}"; then
        apt install -y --no-install-recommends golang-go >/dev/null
    else
        echo "Go is not here, and Debian's is too old: without it FerretDB is not tested."
    fi
fi

if [ -n "$services" ] && command -v systemctl >/dev/null 2>&1; then
    for service in $services; do
        systemctl disable "$service" >/dev/null 2>&1 || true
    done
fi

# What takes long is made once and kept in the user's cache, out of this folder.
make --no-print-directory .venv/.test .venv/.docs
.venv/bin/python scripts/build_test_parts.py
