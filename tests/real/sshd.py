"""A real sshd on loopback: started by the test, as no service, with keys of its own."""

from __future__ import annotations

import contextlib
import getpass
import os
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

MISSING = "NOT TESTED: nodes over SSH (needs an sshd; make test-deps installs it)"

_CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
PidFile {folder}/sshd.pid
AuthorizedKeysFile {folder}/authorized_keys
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PermitRootLogin yes
StrictModes no
UseDNS no
LogLevel ERROR
"""


class Sshd:
    """A running server; ``spec`` is an entry of the configuration that reaches it.

    ``home`` is the home of its user there.
    """

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.port = port
        self.spec: dict[str, Any] = {
            "kind": "ssh",
            "host": "127.0.0.1",
            "port": port,
            "user": getpass.getuser(),
            "identity": str(folder / "user_key"),
            "known_hosts": str(folder / "known_hosts"),
        }

    def behind(self, port: int) -> dict[str, Any]:
        """The entry that reaches it by another port."""
        line = (self.folder / "known_hosts").read_text().split(" ", 1)[1]
        known = self.folder / f"known_hosts_{port}"
        known.write_text(f"[127.0.0.1]:{port} {line}")
        return {**self.spec, "port": port, "known_hosts": str(known)}


def find_sshd() -> str | None:
    return shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/sbin:/usr/local/sbin")


def free_port(count: int = 1) -> int:
    """A port that nobody has, and the ``count - 1`` after it.

    None of those that the system gives away: until the server of the test has it, any program
    that connects to anywhere could be given it, even one that tries to reach that very server.
    """
    while True:
        port = random.randrange(20_000, _first_of_the_system() - count)
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for number in range(port, port + count):
                probe = stack.enter_context(socket.socket())
                probe.bind(("127.0.0.1", number))
            return port


def _first_of_the_system() -> int:
    """The first of the ports that the system gives to whoever connects."""
    with contextlib.suppress(OSError, ValueError):
        first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
        return first if first > 21_000 else 32_768
    return 32_768


@contextlib.contextmanager
def running_sshd(folder: Path, accept_environment: bool = False) -> Iterator[Sshd]:
    """Start a server in a folder and end it afterwards; skips where there is none.

    ``accept_environment``: its sessions have the variables that name a cluster.
    """
    program = find_sshd()
    if program is None or shutil.which("ssh-keygen") is None:
        pytest.skip(MISSING)
    for name in ("host_key", "user_key"):
        keygen = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(keygen, check=True)
    shutil.copy(folder / "user_key.pub", folder / "authorized_keys")
    port = free_port()
    host_key = (folder / "host_key.pub").read_text().split()[:2]
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {' '.join(host_key)}\n")
    (folder / "home").mkdir()
    text = _CONFIG.format(port=port, folder=folder) + f"SetEnv HOME={folder}/home"
    if accept_environment:
        text += f" SLURM_CONF={os.environ.get('SLURM_CONF', '')}"
    (folder / "sshd_config").write_text(f"{text}\n")
    with contextlib.suppress(OSError):
        os.makedirs("/run/sshd", exist_ok=True)  # Debian's sshd insists on it as root
    command = [program, "-D", "-e", "-f", str(folder / "sshd_config")]
    with open(folder / "log", "wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait(port, server, folder / "log")
        yield Sshd(folder, port)
    finally:
        server.kill()
        server.wait()


def _wait(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if server.poll() is not None:
            pytest.skip(f"NOT TESTED: nodes over SSH (sshd does not start: {log.read_text()})")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    pytest.fail(f"sshd does not answer: {log.read_text()}")
