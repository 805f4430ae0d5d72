"""Decisions without deeds: whether and when a failed attempt is tried again."""

from __future__ import annotations

from collections.abc import Iterable

from cloudmesh.flow.model.flow import Task

__all__ = ["DELAY_MAX", "retry_delay", "wants_retry"]

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
