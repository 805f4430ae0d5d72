"""``kind: process``: another Python of this machine, or one with what its entry requires.

Nodes go to runners as on a host over SSH, without the SSH: what takes its place
is a connection that starts processes here.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cloudmesh.flow.executors.ssh import Host, SshExecutor

if TYPE_CHECKING:
    from cloudmesh.flow.executors.table import Context

__all__ = ["Connection", "check", "make"]


def make(name: str, spec: Mapping[str, Any], context: Context) -> SshExecutor:
    """The executor of an entry."""
    slots = int(spec.get("slots") or os.cpu_count() or 1)
    return SshExecutor([_host(name, spec)], slots, context.note)


def check(name: str, spec: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Start a runner; makes the environment that it needs."""
    return SshExecutor([_host(name, spec)]).check()


def _host(name: str, spec: Mapping[str, Any]) -> Host:
    python = str(spec.get("python") or sys.executable)
    if os.sep in python:
        python = str(Path(python).expanduser())
    return Host(
        name,
        python=shlex.quote(python),
        requirements=tuple(spec.get("requirements") or ()),
        here=True,
    )


class Connection:
    """What of a connection over SSH is used, for this machine."""

    def is_closed(self) -> bool:
        return False

    async def create_process(self, command: str, **options: Any) -> _Process:
        """Start a command with pipes.  Raises `OSError`."""
        pipe = asyncio.subprocess.PIPE
        return _Process(
            await asyncio.create_subprocess_exec(
                "/bin/sh", "-c", command, stdin=pipe, stdout=pipe, stderr=pipe,
                start_new_session=True,
            )
        )  # fmt: skip

    def abort(self) -> None:
        """Nothing is open but the pipes of each process."""

    close = abort

    async def wait_closed(self) -> None:
        """At once."""


class _Process:
    """A process as an SSH channel shows it; it is its own channel."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.channel = self
        self.stdin, self.stdout, self.stderr = process.stdin, process.stdout, process.stderr

    @property
    def exit_status(self) -> int | None:
        return self._process.returncode

    @property
    def exit_signal(self) -> tuple[str] | None:
        code = self._process.returncode
        if code is None or code >= 0:
            return None
        return (signal.Signals(-code).name.removeprefix("SIG"),)

    async def wait_closed(self) -> None:
        """Wait for its end."""
        await self._process.wait()

    def abort(self) -> None:
        """Close its stdin, by which it ends with all that it started."""
        if self.stdin is not None:
            self.stdin.close()
