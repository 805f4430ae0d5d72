"""End attempts with all that they started, in the loop of a `Reactor`."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

from cloudmesh.flow.executors.procs import (
    GRACE,
    STEP,
    Ending,
    Process,
    descendants,
    end_all,
    family,
    processes,
)
from cloudmesh.flow.executors.reactor import Reactor

__all__ = ["Endings", "kill", "sweep"]


def sweep(prefix: str) -> int:
    """End what a dead engine left on this machine: all whose key begins so.  How many there were.

    For a resume, before it starts the same nodes again; waits until they are
    gone.  What is in a job of Slurm, on this very machine, is left: it is adopted.
    """
    job = os.environ.get("SLURM_JOB_ID", "")  # we may be in one ourselves

    def left() -> set[int]:
        living = processes().values()
        return {p.pid for p in living if p.key.startswith(prefix) and p.job in ("", job)}

    return end_all(left)


def kill(prefix: str) -> None:
    """Kill at once all that descends from this process, or has a key that begins so."""

    def left() -> set[int]:
        living = processes()
        found = {p.pid for p in living.values() if p.key.startswith(prefix)}
        return found | descendants([os.getpid()], living)

    end_all(left, grace=0.0)


class _Ending:
    __slots__ = ("asked", "begun", "due", "key", "leader", "over")

    def __init__(self, leader: int, key: str, over: Callable[[], None]) -> None:
        self.leader, self.key, self.over = leader, key, over
        self.due = Ending()
        self.begun = time.monotonic()
        self.asked = False  # without ``/proc``


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

    @staticmethod
    def _step(ending: _Ending, living: dict[int, Process]) -> bool:
        """Do what is due for one; whether it is over."""
        if living:
            return ending.due.step(family(ending.leader, ending.key, living))
        return _step_blind(ending)


def _step_blind(ending: _Ending) -> bool:
    """Without ``/proc``: the group, asked once and killed once."""
    gently = time.monotonic() - ending.begun < GRACE
    if gently and ending.asked:
        return False
    try:
        os.killpg(ending.leader, signal.SIGTERM if gently else signal.SIGKILL)
    except OSError:
        return True
    ending.asked = True
    return not gently
