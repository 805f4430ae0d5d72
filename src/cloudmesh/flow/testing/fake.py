"""An executor that runs nothing: nodes end as a test says, on a clock that nobody waits for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from heapq import heappop, heappush
from itertools import count
from typing import Any

from cloudmesh.flow.executors.call import call, failure, here
from cloudmesh.flow.executors.output import flush
from cloudmesh.flow.executors.protocol import Attempt, Done, Outcome
from cloudmesh.flow.times import seconds

__all__ = ["LOST", "FakeClock", "FakeExecutor", "InTurn", "Takes"]

#: 2000-01-01 00:00:00 UTC: when the time of a fake clock begins, in seconds since 1970.
BEGINNING = 946_684_800.0


class Takes:
    """``Takes("5m", 3)``: the outcome comes after that time; ``Takes(2)`` returns None then.

    ``duration`` is in seconds, or a text like ``"500ms"``, ``"5m"``, ``"1h30m"``.
    """

    def __init__(self, duration: float | str, outcome: Any = None) -> None:
        self.seconds = seconds(duration)
        self.outcome = outcome


class InTurn:
    """``InTurn(OSError("busy"), 3)``: an outcome for each attempt; the last for all that follow."""

    def __init__(self, *outcomes: Any) -> None:
        if not outcomes:
            raise ValueError("InTurn() needs an outcome for the first attempt at least")
        self.outcomes = outcomes


class _Lost:
    """An outcome: the machine or the worker that runs the node dies."""

    def __repr__(self) -> str:
        return "LOST"


LOST = _Lost()


class FakeClock:
    """Time that passes when it is told to.  ``now`` is in seconds since 1970."""

    def __init__(self, now: float = BEGINNING) -> None:
        self.began = now
        self.now = now
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._number = count()

    @property
    def passed(self) -> float:
        """Seconds since it began."""
        return round(self.now - self.began, 6)

    def after(self, delay: float, deed: Callable[[], None]) -> None:
        """Do something in so many seconds."""
        heappush(self._due, (self.now + delay, next(self._number), deed))

    def next(self) -> float | None:
        """When the next thing is due; None where nothing is."""
        return self._due[0][0] if self._due else None

    def advance(self, to: float) -> None:
        """Let time pass, and do all that is due until then, in order."""
        while self._due and self._due[0][0] <= to:
            at, _, deed = heappop(self._due)
            self.now = max(self.now, at)
            deed()
        self.now = max(self.now, to)


class FakeExecutor:
    """Ends attempts as ``outcomes`` say, by the name of the node.

    ``outcomes`` maps names (of an element of a map too: ``work[2]`` before
    ``work``) to what is to happen:

    * an exception, or a class of one: it is raised; ``SystemExit(3)`` is an exit code
    * `LOST`: the worker dies
    * `Takes`: the outcome comes later; where the node has a ``timeout``, that may come before
    * `InTurn`: another outcome for each attempt
    * a function: it is called with the node's arguments, and returns or raises
    * anything else is what the node returns

    A node without an outcome calls its own function.  ``current().sleep`` of a
    function costs the clock's time and none of ours.  Everything happens in
    the thread that calls `FakeClock.advance`.
    """

    slots: int | None = None

    def __init__(
        self, outcomes: Mapping[str, Any] | None = None, clock: FakeClock | None = None
    ) -> None:
        self.outcomes = dict(outcomes or {})
        self.clock = clock or FakeClock()
        self.started: list[tuple[float, str, int]] = []
        self._running: dict[Attempt, Done] = {}

    def start(self, attempt: Attempt, done: Done) -> None:
        """Decide how the attempt ends, and when."""
        self.started.append((self.clock.passed, attempt.node, attempt.number))
        self._running[attempt] = done
        self.clock.after(0.0, lambda: self._begin(attempt))

    def cancel(self, attempt: Attempt) -> None:
        """End an attempt: at once, for nothing runs."""
        attempt.cancelled = True
        self.clock.after(0.0, lambda: self._tell(attempt, _error("Cancelled", "cancelled")))

    def close(self) -> None:
        """Forget what still runs."""
        self._running.clear()

    def _begin(self, attempt: Attempt) -> None:
        if attempt not in self._running:
            return
        outcome, delay = self._wanted(attempt)
        told, took = self._told(attempt, outcome)
        delay += took
        limit = attempt.task.timeout
        if limit is not None and delay > limit:
            told = _error("Timeout", f"took longer than {limit:g} s", "TimeoutError")
            delay = limit
        self.clock.after(delay, lambda: self._tell(attempt, told))

    def _tell(self, attempt: Attempt, outcome: Outcome) -> None:
        done = self._running.pop(attempt, None)
        if done is not None:
            done(attempt, outcome)

    def _wanted(self, attempt: Attempt) -> tuple[Any, float]:
        """What is to happen at this attempt, and after how many seconds."""
        family = attempt.node.partition("[")[0]
        outcome = self.outcomes.get(attempt.node, self.outcomes.get(family, attempt.function))
        delay = 0.0
        while isinstance(outcome, Takes | InTurn):
            if isinstance(outcome, Takes):
                delay += outcome.seconds
                outcome = outcome.outcome
            else:
                outcome = outcome.outcomes[min(attempt.number, len(outcome.outcomes)) - 1]
        return outcome, delay

    def _told(self, attempt: Attempt, outcome: Any) -> tuple[Outcome, float]:
        """The outcome as the engine takes it, and the time that a function slept, in seconds."""
        if outcome is LOST:
            return _error("WorkerLost", "the worker died", lost=True), 0.0
        if isinstance(outcome, BaseException):
            return Outcome(*failure(outcome)), 0.0
        if isinstance(outcome, type) and issubclass(outcome, BaseException):
            return Outcome(*failure(outcome())), 0.0
        if callable(outcome):
            return _called(attempt, outcome)
        return Outcome("finished", outcome, None, 0), 0.0


class _Nap:
    """What `current().sleep` waits for: nothing; it only counts."""

    def __init__(self) -> None:
        self.slept = 0.0

    def wait(self, duration: float) -> bool:
        """Sleep, as it seems to the node."""
        self.slept += duration
        return False

    def set(self) -> None:
        """Nobody is asleep."""


def _called(attempt: Attempt, function: Callable[..., Any]) -> tuple[Outcome, float]:
    """Call a function in place of the node, or the node's own."""
    own = function is attempt.function
    nap = _Nap()
    attempt.extra["wake"] = nap
    inside = here.set(attempt)
    try:
        task = attempt.task
        told = call(
            _waited(function) if own and task.is_async else function,
            attempt.arguments,
            task.calculation if own else None,
            task.value_of if own else None,
        )
    finally:
        here.reset(inside)
        flush(attempt)
    return Outcome(*told), nap.slept


def _waited(function: Callable[..., Any]) -> Callable[..., Any]:
    """An async function as a plain one; what it awaits takes the time that it takes."""
    from asyncio import run

    def plain(*positional: Any, **named: Any) -> Any:
        return run(function(*positional, **named))

    return plain


def _error(kind: str, message: str, *bases: str, lost: bool = False) -> Outcome:
    described = {"type": kind, "message": message, "traceback": ""}
    return Outcome("error", None, described, None, lost, (kind, *bases))
