"""A real Slurm on one node: started by the test, as no service, with a configuration of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sshd import free_port

MISSING = "NOT TESTED: Slurm (needs slurm-wlm and munge, as root; make test-deps installs them)"

_CONFIG = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmdPort={port1}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
MaxArraySize=20001
MaxJobCount=50000
SchedulerParameters=sched_min_interval=2000,batch_sched_delay=0,defer_batch
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
KillWait=10
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/ctld.pid
SlurmdPidFile={folder}/d.pid
SlurmctldLogFile={folder}/ctld.log
SlurmdLogFile={folder}/d.log
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=500
PartitionName=debug Nodes=ALL Default=YES State=UP OverSubscribe=FORCE:16 MaxTime=INFINITE
"""

_PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol")


class Slurm(dict[str, str]):
    """The environment in which a cluster's commands work, and its controller."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        super().__init__(environment)
        self._folder = folder
        self.controller: subprocess.Popen[bytes] | None = None

    def begin(self) -> subprocess.Popen[bytes]:
        """Start the controller; it goes on with what it knew."""
        path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
        with open(self._folder / "slurmctld.out", "ab") as log:
            self.controller = subprocess.Popen(
                ["slurmctld", "-D"],
                stdout=log,
                stderr=log,
                env={**os.environ, **self, "PATH": path},
            )
        return self.controller

    def end(self) -> None:
        """End the controller: nobody answers any more."""
        assert self.controller is not None
        self.controller.terminate()
        self.controller.wait(60)


@contextlib.contextmanager
def running_slurm(folder: Path) -> Iterator[Slurm]:
    """Start a cluster of this machine; gives the environment in which its commands work."""
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    missing = [name for name in _PROGRAMS if shutil.which(name, path=path) is None]
    if missing or os.geteuid() != 0:
        pytest.skip(MISSING)
    for name in ("state", "spool"):
        (folder / name).mkdir()
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o600)
    port = free_port(2)
    host = socket.gethostname().partition(".")[0]
    text = _CONFIG.format(
        host=host, port=port, port1=port + 1, folder=folder, cpus=os.cpu_count() or 1
    )
    (folder / "slurm.conf").write_text(text)
    environment = Slurm({"SLURM_CONF": str(folder / "slurm.conf")}, folder)
    munged = ["munged", "-F", "-f", f"--key-file={key}", f"--socket={folder}/munge.socket"]
    munged += [f"--{name}-file={folder}/munge.{name}" for name in ("pid", "log", "seed")]
    servers: list[subprocess.Popen[bytes]] = []
    try:
        for command in (munged, ["slurmctld"], ["slurmd", "-D", "-N", host]):
            if command == ["slurmctld"]:
                servers.append(environment.begin())
                continue
            with open(folder / f"{command[0]}.out", "wb") as log:
                servers.append(
                    subprocess.Popen(
                        command,
                        stdout=log,
                        stderr=log,
                        env={**os.environ, **environment, "PATH": path},
                    )
                )
            if command is munged:
                _until(lambda: (folder / "munge.socket").exists(), servers)
        _until(lambda: "idle" in _sinfo(environment), servers)
        yield environment
    finally:
        if environment.controller is not None and environment.controller not in servers:
            servers.append(environment.controller)
        for server in reversed(servers):
            server.terminate()
        for server in servers:
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()


def _sinfo(environment: dict[str, str]) -> str:
    asked = subprocess.run(
        ["sinfo", "-h"], capture_output=True, text=True, env={**os.environ, **environment}
    )
    return asked.stdout


def _until(true: object, servers: list[subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + 120
    while not true():  # type: ignore[operator]
        if time.monotonic() > deadline or any(s.poll() is not None for s in servers):
            pytest.skip("NOT TESTED: Slurm (it does not start on this machine)")
        time.sleep(0.05)
