"""Commands: subprocesses of this machine, each in a session of its own.

One thread (a `Reactor`) starts them, reads what they print as it comes, and
sees them end.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Mapping
from functools import partial
from typing import Any

from cloudmesh.flow.executors.ending import Endings
from cloudmesh.flow.executors.output import Lines
from cloudmesh.flow.executors.procs import KEY
from cloudmesh.flow.executors.protocol import Attempt, Done, Outcome
from cloudmesh.flow.executors.reactor import Reactor, Timer

__all__ = [
    "CommandExecutor",
    "cancelled",
    "cannot_start",
    "ended",
    "problem",
    "rendered",
    "seconds",
    "timed_out",
]

READ_MAX = 1 << 18  # bytes read at once
LINGER = 0.25  # seconds for which output is awaited that a child of an ended command holds open


def seconds(time: float) -> str:
    """``5`` as ``5 s``, ``0.25`` as ``0.25 s``."""
    return f"{time:g} s"


def problem(kind: str, message: str, exit_code: int | None = None, lost: bool = False) -> Outcome:
    """An error that has no traceback."""
    error = {"type": kind, "message": message, "traceback": ""}
    return Outcome("error", None, error, exit_code, lost, (kind,))


def timed_out(attempt: Attempt) -> Outcome:
    """The outcome of an attempt that took longer than its timeout."""
    return problem("Timeout", f"took longer than {seconds(attempt.task.timeout or 0)}")


def cancelled() -> Outcome:
    """The outcome of an attempt that was ended by request."""
    return problem("Cancelled", "cancelled")


def refuse(attempt: Attempt, done: Done) -> None:
    """Tell that an attempt was not started: in a thread, as `Executor.start` calls nobody back."""
    threading.Thread(target=done, args=(attempt, cancelled()), daemon=True).start()


def ended(code: int, kept: list[str], complaint: str = "") -> Outcome:
    """The outcome of a command: its exit code (-N: ended by signal N) and its stdout."""
    if code == 0:
        return Outcome("finished", "".join(kept).strip(), None, 0)
    tail = f": {complaint}" if complaint else ""
    if code > 0:
        return problem("CommandFailed", f"exit code {code}{tail}", code)
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return problem("CommandFailed", f"ended by {name}{tail}", 128 - code)


def rendered(attempt: Attempt) -> tuple[str | list[str], dict[str, str]]:
    """A shell's text or a list of arguments, and the environment variables that it needs."""
    from cloudmesh.flow.model.commandtext import render

    assert attempt.task.command is not None
    text, variables = render(attempt.task.command, attempt.arguments)
    return text, {**variables, KEY: attempt.key}


class _Running:
    """A command that runs."""

    __slots__ = (
        "attempt", "code", "done", "err", "exited", "kept", "open", "out", "pidfd", "process",
        "timer", "why",
    )  # fmt: skip

    def __init__(self, attempt: Attempt, done: Done, process: subprocess.Popen[bytes]) -> None:
        self.attempt, self.done, self.process = attempt, done, process
        self.kept: list[str] = []
        self.out = Lines(attempt, "out", self.kept)
        self.err = Lines(attempt, "err", deque(maxlen=3))
        self.open: dict[int, Lines] = {}
        self.pidfd = -1
        self.exited = False
        self.timer: Timer | None = None
        self.why: Outcome | None = None  # why we end it ourselves

    def complaint(self) -> str:
        """The last line that it wrote to stderr."""
        lines = "".join(self.err.kept or ()).split("\n")
        return next((line.strip()[:300] for line in reversed(lines) if line.strip()), "")


class CommandExecutor:
    """Runs an attempt's ``command``; cheap until the first one."""

    slots: int | None = None

    def __init__(self) -> None:
        self._reactor = Reactor("cloudmesh-flow commands")
        self._endings = Endings(self._reactor)
        self._running: dict[Attempt, _Running] = {}
        self._closing = False

    def start(self, attempt: Attempt, done: Done) -> None:
        """Start a command; ``done`` is called in this executor's own thread."""
        self._reactor.call(self._begin, attempt, done)

    def cancel(self, attempt: Attempt) -> None:
        """End a command with all its children."""
        attempt.cancelled = True
        self._reactor.call(self._end, attempt, cancelled())

    def close(self) -> None:
        """End what still runs; returns when nothing is left."""
        if self._reactor.running:
            self._reactor.call(self._close)
            self._reactor.join(5.0)
        self._closing = True

    # -- in the loop ------------------------------------------------------------------------

    def _close(self) -> None:
        self._closing = True
        for attempt in list(self._running):
            self._end(attempt, cancelled())
        if not self._running:
            self._reactor.stop()

    def _begin(self, attempt: Attempt, done: Done) -> None:
        if attempt.cancelled or self._closing:
            done(attempt, cancelled())
            return
        try:
            text, variables = rendered(attempt)
            process = self._spawn(text, variables)
        except (OSError, ValueError, TypeError) as error:
            done(attempt, cannot_start(attempt, error))
            return
        running = self._running[attempt] = _Running(attempt, done, process)
        for pipe, lines in ((process.stdout, running.out), (process.stderr, running.err)):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
            running.open[pipe.fileno()] = lines
            self._reactor.watch(pipe.fileno(), partial(self._read, running, pipe.fileno()))
        self._await_exit(running)
        if attempt.task.timeout is not None:
            running.timer = self._reactor.later(
                attempt.task.timeout, lambda: self._end(attempt, timed_out(attempt))
            )

    @staticmethod
    def _spawn(text: str | list[str], variables: Mapping[str, str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["/bin/sh", "-c", text] if isinstance(text, str) else text,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env={**os.environ, **variables},
            start_new_session=True,
        )

    def _await_exit(self, running: _Running) -> None:
        if hasattr(os, "pidfd_open"):
            running.pidfd = os.pidfd_open(running.process.pid)
            self._reactor.watch(running.pidfd, lambda: self._exited(running))
        else:
            self._reactor.later(0.02, lambda: self._look(running))

    def _look(self, running: _Running) -> None:
        """Where a process cannot be waited for with everything else, it is asked for."""
        if running.process.poll() is not None:
            self._exited(running)
        elif running.attempt in self._running:
            self._reactor.later(0.02, lambda: self._look(running))

    def _read(self, running: _Running, fd: int) -> bool:
        """Take what there is; whether there may be more at once."""
        try:
            data = os.read(fd, READ_MAX)
        except BlockingIOError:
            return False
        if data:
            running.open[fd].feed(data)
            return True
        self._reactor.unwatch(fd)
        del running.open[fd]
        if running.exited and not running.open and running.why is None:
            self._settle(running)
        return False

    def _exited(self, running: _Running) -> None:
        """The command itself has ended (and is not reaped yet)."""
        self._forget_pidfd(running)
        running.exited = True
        if running.why is not None:
            return  # its children may still run: see _over
        self._reactor.take_back(running.timer)
        self._drain(running)
        if not running.open:
            self._settle(running)
        else:
            # A child in the background holds the pipe: what it says later is not awaited.
            running.timer = self._reactor.later(LINGER, lambda: self._settle(running))

    def _drain(self, running: _Running) -> None:
        for fd in list(running.open):
            while fd in running.open and self._read(running, fd):
                pass

    def _end(self, attempt: Attempt, why: Outcome) -> None:
        running = self._running.get(attempt)
        if running is None or running.why is not None:
            return
        running.why = why
        self._reactor.take_back(running.timer)
        self._endings.end(running.process.pid, attempt.key, lambda: self._over(running))

    def _over(self, running: _Running) -> None:
        self._drain(running)
        self._settle(running)

    def _settle(self, running: _Running) -> None:
        """Reap it, and tell how it ended."""
        if self._running.pop(running.attempt, None) is None:
            return
        self._reactor.take_back(running.timer)
        self._forget_pidfd(running)
        for fd in running.open:
            self._reactor.unwatch(fd)
        for pipe in (running.process.stdout, running.process.stderr):
            if pipe is not None:
                pipe.close()
        try:
            code = running.process.wait(0.5)
        except subprocess.TimeoutExpired:  # it hangs in the kernel and cannot be killed
            code = -signal.SIGKILL
        with contextlib.suppress(Exception):
            running.out.end()
            running.err.end()
        outcome = running.why or ended(code, running.kept, running.complaint())
        try:
            running.done(running.attempt, outcome)
        finally:
            if self._closing and not self._running:
                self._reactor.stop()

    def _forget_pidfd(self, running: _Running) -> None:
        if running.pidfd >= 0:
            self._reactor.unwatch(running.pidfd)
            os.close(running.pidfd)
            running.pidfd = -1


def cannot_start(attempt: Attempt, error: Exception) -> Outcome:
    """The outcome of a command whose program could not be started."""
    command: Any = attempt.task.command
    program = "/bin/sh" if isinstance(command, str) else str(command[0])
    if isinstance(error, OSError) and error.errno == errno.E2BIG:
        message = "a value is too long for a command: 128 KiB at most, use a file"
        return problem("OSError", message)
    if isinstance(error, FileNotFoundError):
        return problem("FileNotFoundError", f"no such program: {program}", 127)
    if isinstance(error, PermissionError):
        return problem("PermissionError", f"not allowed to run {program}", 126)
    return problem(type(error).__name__, f"cannot start {program}: {error}")
