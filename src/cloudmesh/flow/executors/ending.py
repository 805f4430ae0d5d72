"""End a process with all that it started.

Everything that we start leads a session of its own and carries its node's key
in the environment.  So its children are found even where they have left the
group (``setsid``) and their parent has died: by descent, by group and session,
and by ``CLOUDMESH_FLOW_KEY`` in ``/proc/PID/environ``.  Where there is no
``/proc``, the group is what can be ended.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from cloudmesh.flow.executors.reactor import Reactor

__all__ = ["KEY", "Endings", "Process", "family", "processes", "sweep"]

KEY = "CLOUDMESH_FLOW_KEY"

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
    return Process(pid, int(rest[0]), int(rest[1]), int(rest[2]), _key(pid))


def _key(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            variables = file.read()
    except OSError:
        return ""
    start = 0 if variables.startswith(b"CLOUDMESH_FLOW_KEY=") else -1
    if start < 0:
        start = variables.find(b"\0CLOUDMESH_FLOW_KEY=") + 1
        if not start:
            return ""
    value = variables[start + len(KEY) + 1 :].partition(b"\0")[0]
    return value.decode("utf-8", "replace")


def family(leader: int, key: str, living: dict[int, Process]) -> set[int]:
    """The living processes of an attempt, its leader among them."""
    children: dict[int, list[int]] = {}
    for process in living.values():
        children.setdefault(process.parent, []).append(process.pid)
    found = {
        process.pid
        for process in living.values()
        if leader in (process.pid, process.group, process.session) or (key and process.key == key)
    }
    waiting = [leader, *found]
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child not in found:
                found.add(child)
                waiting.append(child)
    return found


def _signal(pids: Iterable[int], number: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except OSError:
            continue


def sweep(prefix: str, grace: float = GRACE) -> int:
    """End what a dead engine left on this machine: all whose key begins so.  How many there were.

    For a resume, before it starts the same nodes again; waits until they are gone.
    """
    begun = time.monotonic()
    ended: set[int] = set()
    while True:
        left = {p.pid for p in processes().values() if p.key.startswith(prefix)}
        waited = time.monotonic() - begun
        if not left or waited > GIVE_UP:
            return len(ended)
        _signal(left - ended if waited < grace else left, _end_signal(waited < grace))
        ended |= left
        time.sleep(STEP)


def _end_signal(gently: bool) -> int:
    return signal.SIGTERM if gently else signal.SIGKILL


class _Ending:
    __slots__ = ("asked", "begun", "key", "leader", "over")

    def __init__(self, leader: int, key: str, over: Callable[[], None]) -> None:
        self.leader, self.key, self.over = leader, key, over
        self.begun = time.monotonic()
        self.asked: set[int] = set()


class Endings:
    """Ends any number of families at once, with one look at the processes for all of them.

    The leader must not be reaped before ``over`` is called: so its number stays its own.
    """

    def __init__(self, reactor: Reactor) -> None:
        self._reactor = reactor
        self._active: dict[int, _Ending] = {}
        self._ticking = False

    def end(self, leader: int, key: str, over: Callable[[], None]) -> None:
        """Ask (TERM), then kill; ``over`` is called once nothing is left.  In the loop only."""
        if leader in self._active:
            return
        self._active[leader] = _Ending(leader, key, over)
        if not self._ticking:
            self._ticking = True
            self._tick()

    def _tick(self) -> None:
        living = processes()
        for ending in list(self._active.values()):
            if self._step(ending, living):
                del self._active[ending.leader]
                ending.over()
        self._ticking = bool(self._active)
        if self._ticking:
            self._reactor.later(STEP, self._tick)

    def _step(self, ending: _Ending, living: dict[int, Process]) -> bool:
        """Do what is due for one; whether it is over."""
        waited = time.monotonic() - ending.begun
        gently = waited < GRACE
        if not living:
            return self._step_blind(ending, gently)
        left = family(ending.leader, ending.key, living)
        if not left or waited > GIVE_UP:
            return True
        _signal(left - ending.asked if gently else left, _end_signal(gently))
        ending.asked |= left
        return False

    @staticmethod
    def _step_blind(ending: _Ending, gently: bool) -> bool:
        """Without ``/proc``: the group, asked once and killed once."""
        if gently and ending.asked:
            return False
        try:
            os.killpg(ending.leader, _end_signal(gently))
        except OSError:
            return True
        ending.asked.add(ending.leader)
        return not gently
