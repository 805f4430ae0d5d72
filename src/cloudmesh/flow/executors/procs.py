"""The processes of an attempt: found by descent, group and session, and by their node's key.

Everything that we start leads a session of its own and carries its node's key
in the environment.  So its children are found even where they have left the
group (``setsid``) and their parent has died.  Where there is no ``/proc``, the
group is what can be ended.

Standard library only, and Python 3.8: this very file is sent to the far sides.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

__all__ = [
    "GIVE_UP",
    "GRACE",
    "KEY",
    "STEP",
    "Process",
    "descendants",
    "end_all",
    "family",
    "processes",
    "send",
]

KEY = "CLOUDMESH_FLOW_KEY"
_KEY, _JOB = KEY.encode(), b"SLURM_JOB_ID"

GRACE = 0.5  # seconds between the request (TERM) and the end (KILL)
STEP = 0.03  # seconds between two looks
GIVE_UP = 3.0  # seconds after which what cannot be killed (a hanging disk) is left


class Process(NamedTuple):
    """A living process, as far as it matters here."""

    pid: int
    parent: int
    group: int
    session: int
    key: str
    job: str = ""  # of Slurm, that it belongs to


def processes() -> dict[int, Process]:
    """All living processes but this one; zombies are no longer living.  Empty without ``/proc``."""
    found = {}
    me = os.getpid()
    try:
        entries = os.listdir("/proc")
    except OSError:
        return {}
    for entry in entries:
        if entry.isdigit() and int(entry) != me:
            process = _read(int(entry))
            if process is not None:
                found[process.pid] = process
    return found


def _read(pid: int) -> Process | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name, in parentheses, may hold anything.
            state, *rest = file.read().rpartition(b")")[2].split(None, 4)
    except (OSError, ValueError):
        return None
    if state in (b"Z", b"X"):
        return None
    return Process(pid, int(rest[0]), int(rest[1]), int(rest[2]), *_variables(pid))


def _variables(pid: int) -> tuple[str, str]:
    """The key and the job of a process, from its environment; "" for what it does not have."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            variables = file.read().split(b"\0")
    except OSError:
        return "", ""
    found = {}
    for variable in variables:
        name, _, value = variable.partition(b"=")
        if name in (_KEY, _JOB):
            found[name] = value.decode("utf-8", "replace")
    return found.get(_KEY, ""), found.get(_JOB, "")


def family(leader: int, key: str, living: dict[int, Process]) -> set[int]:
    """The living processes of an attempt, its leader among them."""
    found = {
        process.pid
        for process in living.values()
        if leader in (process.pid, process.group, process.session) or (key and process.key == key)
    }
    return found | descendants([leader, *found], living)


def descendants(of: Iterable[int], living: dict[int, Process]) -> set[int]:
    """The living processes that descend from some."""
    children: dict[int, list[int]] = {}
    for process in living.values():
        children.setdefault(process.parent, []).append(process.pid)
    found: set[int] = set()
    waiting = list(of)
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child not in found:
                found.add(child)
                waiting.append(child)
    return found


def send(pids: Iterable[int], number: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except OSError:
            continue


def end_all(find: Callable[[], set[int]], grace: float = GRACE) -> int:
    """Ask (TERM) and then kill all that ``find`` gives, until it gives nothing; how many."""
    begun = time.monotonic()
    asked = set()  # type: set[int]
    killed = False  # on a busy machine one look may take as long as all of it should
    while True:
        left = find()
        waited = time.monotonic() - begun
        if not left or (killed and waited > GIVE_UP):
            return len(asked)
        if waited < grace:
            send(left - asked, signal.SIGTERM)
        else:
            send(left, signal.SIGKILL)
            killed = True
        asked |= left
        time.sleep(STEP)
