"""The login host of a scheduler: commands and files there, or on this machine.

Everything here waits for its answer; it is called from a scheduler's own thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import shutil
import subprocess
import threading
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from cloudmesh.flow.errors import InfrastructureError
from cloudmesh.flow.executors.ssh import Host, Unreachable, connect, trouble

__all__ = ["Answer", "Here", "Login", "There", "first_line"]

T = TypeVar("T")

Answer = tuple[int, str, str]  # exit code, stdout, stderr
TIMEOUT = 60.0  # seconds for one command
REMOVE_TRIES = 5  # a job that is told leaves one more file in its folder, perhaps meanwhile


def first_line(text: str) -> str:
    """The first line that says something."""
    lines = (line.strip() for line in text.splitlines())
    return next((line for line in lines if line), "it says nothing")[:300]


class Login(Protocol):
    """Where the commands of a scheduler are given."""

    def run(self, command: Sequence[str], given: str = "") -> Answer:
        """Run a command; ``given`` is its stdin.  Raises `InfrastructureError`."""
        ...

    def home(self) -> str:
        """The user's home there."""
        ...

    def write(self, path: str, data: bytes) -> None:
        """Write a file, with the folders above it; only its user can read it."""
        ...

    def read(self, path: str, offset: int = 0) -> bytes:
        """A file from an offset on; empty where there is none yet."""
        ...

    def names(self, path: str) -> list[str]:
        """What is in a folder; empty where there is none."""
        ...

    def remove(self, path: str) -> None:
        """Remove a file, or a folder with all that is in it."""
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


class Here:
    """This machine."""

    def run(self, command: Sequence[str], given: str = "") -> Answer:
        """See `Login`."""
        try:
            done = subprocess.run(
                command, input=given.encode(), capture_output=True, timeout=TIMEOUT
            )
        except FileNotFoundError:
            raise InfrastructureError(f"there is no {command[0]} here") from None
        except (OSError, subprocess.TimeoutExpired) as error:
            raise InfrastructureError(f"{command[0]}: {error}") from None
        out, err = (text.decode("utf-8", "replace") for text in (done.stdout, done.stderr))
        return done.returncode, out, err

    def home(self) -> str:
        """See `Login`."""
        return os.path.expanduser("~")

    def write(self, path: str, data: bytes) -> None:
        """See `Login`."""
        file = Path(path)
        try:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            file.touch(0o600)
            file.write_bytes(data)
        except OSError as error:
            raise InfrastructureError(f"{path} cannot be written: {error.strerror}") from None

    def read(self, path: str, offset: int = 0) -> bytes:
        """See `Login`."""
        try:
            with open(path, "rb") as file:
                file.seek(offset)
                return file.read()
        except (FileNotFoundError, NotADirectoryError):
            return b""
        except OSError as error:
            raise InfrastructureError(f"{path}: {error.strerror}") from None

    def names(self, path: str) -> list[str]:
        """See `Login`."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            return sorted(os.listdir(path))
        return []

    def remove(self, path: str) -> None:
        """See `Login`."""
        with contextlib.suppress(OSError):
            os.unlink(path)
        for _ in range(REMOVE_TRIES):
            shutil.rmtree(path, ignore_errors=True)
            if not os.path.lexists(path):
                break

    def close(self) -> None:
        """See `Login`."""


class There:
    """A host over SSH; a lost connection is made anew."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._loop = asyncio.new_event_loop()
        self._connection: Any = None
        self._thread = threading.Thread(
            target=self._loop.run_forever, name=f"cloudmesh-flow {host.name}", daemon=True
        )
        self._thread.start()

    def run(self, command: Sequence[str], given: str = "") -> Answer:
        """See `Login`."""
        code, out, err = self._do(shlex.join(command), given.encode())
        return code, out.decode("utf-8", "replace"), err.decode("utf-8", "replace")

    def home(self) -> str:
        """See `Login`."""
        return self.run(["sh", "-c", "cd && pwd"])[1].strip()

    def write(self, path: str, data: bytes) -> None:
        """See `Login`.  With the shell: not every host has the subsystem for files."""
        folder, file = shlex.quote(os.path.dirname(path)), shlex.quote(path)
        code, _, err = self._do(f"umask 077; mkdir -p {folder} && cat > {file}", data)
        if code:
            said = err.decode("utf-8", "replace").strip()
            raise InfrastructureError(f"{self._host.place}: {path} cannot be written: {said}")

    def read(self, path: str, offset: int = 0) -> bytes:
        """See `Login`."""
        return self._do(f"tail -c +{offset + 1} {shlex.quote(path)} 2> /dev/null")[1]

    def names(self, path: str) -> list[str]:
        """See `Login`."""
        code, out, _ = self.run(["ls", "-1", path])
        return [] if code else out.split("\n")[:-1]

    def remove(self, path: str) -> None:
        """See `Login`."""
        self.run(["sh", "-c", " || ".join(['rm -rf "$0"'] * REMOVE_TRIES), path])

    def close(self) -> None:
        """See `Login`."""
        with contextlib.suppress(InfrastructureError):
            self._wait(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5.0)

    def _do(self, command: str, given: bytes = b"") -> tuple[int, bytes, bytes]:
        return self._wait(self._run(command, given))

    # -- in the loop ------------------------------------------------------------------------

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        future = asyncio.run_coroutine_threadsafe(asyncio.wait_for(work, TIMEOUT), self._loop)
        try:
            return future.result()
        except InfrastructureError:
            raise
        except Exception as error:
            raise trouble(self._host, error) from None

    async def _open(self) -> Any:
        if self._connection is None or self._connection.is_closed():
            self._connection = await connect(self._host)
        return self._connection

    async def _run(self, command: str, given: bytes) -> tuple[int, bytes, bytes]:
        # In sh, whatever the user's shell is.
        words = f"exec sh -c {shlex.quote(command)}"
        done = await (await self._open()).run(words, input=given, encoding=None)
        if done.exit_status is None:
            raise Unreachable(f"{self._host.place}: the connection was lost", "Lost", True)
        return done.exit_status, bytes(done.stdout or b""), bytes(done.stderr or b"")

    async def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            await self._connection.wait_closed()
        await self._loop.shutdown_default_executor()
