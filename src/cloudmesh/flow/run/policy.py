"""Decisions without deeds: whether and when a failed attempt is tried again."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from cloudmesh.flow.model.flow import Task

__all__ = ["DELAY_MAX", "Rate", "is_due", "retry_delay", "room", "wants_retry"]

#: So many starts in so many seconds.
Rate = tuple[int, float]

#: No wait between two attempts is longer than this, in seconds.
DELAY_MAX = 300.0


def wants_retry(task: Task, failures: int, kinds: Iterable[str]) -> bool:
    """Whether the attempt that failed as the ``failures``-th is to be followed by another.

    Only failures count, not attempts that an engine's death cut off.  ``kinds``
    are the names of the error's class and of its bases.
    """
    if failures > task.retries:
        return False
    if not task.retry_on:
        return True
    known = {kind.rpartition(".")[2] for kind in kinds}
    return any(word.rpartition(".")[2] in known for word in task.retry_on)


def retry_delay(task: Task, failures: int, chance: float) -> float:
    """Seconds to wait before the next attempt: doubled each time, with jitter.

    ``chance`` is a random number in [0, 1): the wait is between half of the
    full delay and all of it, so that many failures of one cause do not come
    back together ("equal jitter", M. Brooker, Exponential Backoff And Jitter, 2015).
    """
    full = min(DELAY_MAX, task.retry_delay * 2.0 ** min(failures - 1, 30))
    return float(full * (0.5 + chance / 2))


def is_due(at: float, now: float) -> bool:
    """Whether the time of another attempt has come; also where the clock was set back.

    No pause is longer than `DELAY_MAX`, so what lies further ahead was reckoned by another clock.
    """
    return at <= now or at - now > DELAY_MAX


def room(recent: deque[float], now: float, rate: Rate) -> tuple[int, float]:
    """How many more may start now, and when the next may once that is none.

    ``recent`` are the times of earlier starts; what no longer counts is dropped,
    also what a clock that was set back has left in the future.
    """
    count, seconds = rate
    while recent and (recent[0] + seconds <= now or recent[0] > now):
        recent.popleft()
    free = count - len(recent)
    return max(0, free), recent[0] + seconds if recent else now
