"""The first program on a far side, where an entry has ``requirements``.

It makes an environment that has them, once for the same requirements and the
same Python, in a folder of its user's own, and then lets that environment's
Python take its place: its stdin still holds what the runner reads.  Who comes
while it is being made waits for it.

    from it   making   the environment is being made (now and then)
              result   why there is none: ``unready``, in one line

Standard library only, and Python 3.8: this very file is sent to the far sides.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import select
import shutil
import subprocess
import sys
import threading
import time
from typing import Any

from cloudmesh.flow.executors.blob import frame
from cloudmesh.flow.executors.kept import UNUSED_MAX, private_folder
from cloudmesh.flow.executors.procs import leave

__all__ = ["main"]

BEAT = 10.0  # seconds between two words that it is still being made
STEP = 0.1  # seconds between two looks at the lock
LINE_MAX = 300  # characters of what pip says

FULL = "No space left on device"
#: What pip says where it does not reach its index.
_CUT = re.compile(
    "new connection|name resolution|nodename nor servname|unreachable|connection refused"
    "|timed out|proxyerror|connection reset|connection broken",
    re.IGNORECASE,
)


class Unready(Exception):
    """There is no environment; the text says why, in one line."""


def main(requirements: list[str], boot: str) -> None:
    """Go on as the Python of the environment that has the requirements, running ``boot``."""
    try:
        python = _python(requirements)
    except Unready as error:
        _say({"kind": "result", "unready": str(error)})
        os._exit(0)
    except OSError as error:
        _say({"kind": "result", "unready": f"no environment can be made: {error}"})
        os._exit(0)
    folder = os.path.dirname(python)  # so that commands find it, too
    os.environ["PATH"] = os.pathsep.join([folder, os.environ.get("PATH") or os.defpath])
    os.environ["VIRTUAL_ENV"] = os.path.dirname(folder)
    os.execv(python, [python, "-u", "-c", boot])


def _say(header: dict[str, Any]) -> None:
    os.write(1, frame(header))


def _python(requirements: list[str]) -> str:
    """The Python of the environment.  Raises `Unready`, `OSError`."""
    about = json.dumps([requirements, sys.version, sys.executable])
    folder = private_folder("environments")
    place = os.path.join(folder, hashlib.sha256(about.encode()).hexdigest()[:24])
    python = os.path.join(place, "bin", "python")
    if _is_ready(place, about):
        return python
    lock = os.open(place + ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    threading.Thread(target=_keep_telling, daemon=True).start()
    if "SLURM_JOB_ID" not in os.environ:  # there stdin ends before it is read
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    _wait_for(lock)
    if not _is_ready(place, about):
        _forget_old(folder)
        shutil.rmtree(place, ignore_errors=True)
        try:
            _make(place, python, requirements)
            with open(os.path.join(place, "ready"), "w", encoding="utf-8") as file:
                file.write(about)
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise
    os.close(lock)
    return python


def _is_ready(place: str, about: str) -> bool:
    stamp = os.path.join(place, "ready")
    try:
        with open(stamp, encoding="utf-8") as file:
            ready = file.read() == about
        os.utime(stamp)  # it is in use
    except OSError:
        return False
    return ready and os.path.exists(os.path.join(place, "bin", "python"))


def _wait_for(lock: int) -> None:
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            time.sleep(STEP)


def _forget_old(folder: str) -> None:
    """Remove environments that nobody has used for long."""
    for name in os.listdir(folder):
        stamp = os.path.join(folder, name, "ready")
        try:
            old = time.time() - os.stat(stamp).st_mtime > UNUSED_MAX
        except OSError:
            continue
        if old:
            shutil.rmtree(os.path.join(folder, name), ignore_errors=True)


def _make(place: str, python: str, requirements: list[str]) -> None:
    for module in ("venv", "ensurepip"):
        if not _has(module):
            message = f"{sys.executable} has no {module}, which makes environments"
            raise Unready(f"{message} (Debian: apt install python3-venv)")
    code, said = _run([sys.executable, "-m", "venv", place])
    if code and FULL in said:
        raise Unready("no environment can be made: the disk there is full")
    if code:
        raise Unready(f"no environment can be made: {_line(said)}")
    os.chmod(place, 0o700)
    listed = os.path.join(place, "requirements.txt")
    with open(listed, "w", encoding="utf-8") as file:
        file.write("\n".join(requirements) + "\n")
    words = ["install", "--quiet", "--no-input", "--disable-pip-version-check", "--retries=2"]
    code, said = _run([python, "-m", "pip", *words, "-r", listed])
    if code and FULL in said:
        raise Unready("pip install failed: the disk there is full")
    if code and _CUT.search(said):
        raise Unready(f"pip cannot reach its index from there: {_line(said)}")
    if code:
        raise Unready(f"pip install failed: {_line(said)}")


def _has(module: str) -> bool:
    from importlib.util import find_spec

    return find_spec(module) is not None


def _run(command: list[str]) -> tuple[int, str]:
    """The exit code of a command and all that it said."""
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.returncode, done.stdout.decode("utf-8", "replace")


def _line(said: str) -> str:
    """The line that tells most: pip's last error, else the last line; no password of a URL."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")]
    line = (errors or lines or ["it says nothing"])[-1]
    line = re.sub("^error: *", "", line, flags=re.IGNORECASE)
    return re.sub(r"//[^/@\s]+@", "//…@", line)[:LINE_MAX]


def _keep_telling() -> None:
    while True:
        _say({"kind": "making"})
        time.sleep(BEAT)


def _end_with_stdin() -> None:
    """End with all that was started once the engine is gone; what it sent is not read here."""
    poll = select.poll()
    poll.register(0, select.POLLHUP | getattr(select, "POLLRDHUP", 0))
    poll.poll()
    leave("")
