"""The guard of a machine: it ends with its engine, and at its deadline.

Run as a program: ``guard.py FOLDER SECONDS COMMAND…``.  It starts the command
and ends it when its own stdin ends (the engine holds the other end, so that it
ends with the engine, however that dies), when the time is over, or when it is
asked to (TERM).  The command ends with the guard.  Then the machine's folder is
removed.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from functools import partial

__all__ = ["main"]

PR_SET_PDEATHSIG = 1


def _die_with(guard: int) -> None:
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != guard:  # it died before
        os._exit(1)


def main(folder: str, seconds: float, command: list[str]) -> int:
    """Watch over a command until one of its ends; the command's exit code."""
    ear, bell = os.pipe()
    os.set_blocking(bell, False)
    signal.set_wakeup_fd(bell)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: ended.append(number))
    ended: list[int] = []
    deadline = time.monotonic() + seconds
    # The guard has one thread, so that code between fork and exec is safe.
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        preexec_fn=partial(_die_with, os.getpid()),
        start_new_session=True,
    )
    while process.poll() is None:
        readable, _, _ = select.select([0, ear], [], [], max(0.0, deadline - time.monotonic()))
        asked = signal.SIGTERM in ended or signal.SIGINT in ended
        if asked or not readable or (0 in readable and not os.read(0, 100)):
            process.kill()
            process.wait()
        if ear in readable:
            os.read(ear, 100)
    shutil.rmtree(folder, ignore_errors=True)
    return process.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], float(sys.argv[2]), sys.argv[3:]))
