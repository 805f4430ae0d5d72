"""Async nodes: tasks of one event loop, in a thread of its own."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Any

from cloudmesh.flow.executors.call import Cancelled, acall, ask_to_end, failure, here
from cloudmesh.flow.executors.output import flush
from cloudmesh.flow.executors.procs import GRACE
from cloudmesh.flow.executors.protocol import Attempt, Done, Outcome
from cloudmesh.flow.executors.reactor import Reactor, Timer

if TYPE_CHECKING:
    import asyncio

__all__ = ["AsyncExecutor"]


class AsyncExecutor:
    """Runs ``async def`` nodes.  A cancelled one gets ``asyncio.CancelledError``.

    It is code in a thread of ours, which nothing can end: one that goes on all
    the same, or holds up the loop, is dropped after a grace, by a clock that
    does not need the loop.  Whoever takes an attempt out of ``_open`` tells its end.
    """

    slots: int | None = None

    def __init__(self) -> None:
        import asyncio

        self._asyncio = asyncio
        self._open: dict[Attempt, Done] = {}
        self._tasks: dict[Attempt, asyncio.Task[None]] = {}
        self._limits: dict[Attempt, Timer] = {}
        self._clock = Reactor("cloudmesh-flow-async-clock")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="cloudmesh-flow-async", daemon=True
        )
        self._thread.start()

    def start(self, attempt: Attempt, done: Done) -> None:
        """Start an attempt as a task of the loop."""
        self._open[attempt] = done
        self._loop.call_soon_threadsafe(self._begin, attempt)

    def _begin(self, attempt: Attempt) -> None:
        if attempt in self._open:  # it was dropped while another held up the loop
            here.set(attempt)  # in the context that the new task copies
            self._tasks[attempt] = self._loop.create_task(self._run(attempt))

    async def _run(self, attempt: Attempt) -> None:
        limit = attempt.task.timeout
        told: tuple[Any, ...]
        try:
            if attempt.cancelled:
                raise self._asyncio.CancelledError
            if attempt.function is None:
                raise TypeError("an async node needs a function")
            task = attempt.task
            work = acall(attempt.function, attempt.arguments, task.calculation, task.value_of)
            if limit is None:
                told = await work
            else:
                self._clock.call(self._drop_later, attempt, limit + GRACE, "timeout", late(limit))
                told = await self._asyncio.wait_for(work, limit)
        except self._asyncio.CancelledError as error:
            told = failure(error)
        except TimeoutError:
            told = late(limit or 0.0)
        del self._tasks[attempt]
        self._tell(attempt, told)

    def _tell(self, attempt: Attempt, told: tuple[Any, ...], last: str = "") -> None:
        """How an attempt ended, and a last line for its log; nothing where that is told already."""
        done = self._open.pop(attempt, None)
        self._clock.take_back(self._limits.pop(attempt, None))
        if done is None:
            return
        if attempt.extra:
            flush(attempt)
        if last:
            attempt.log("err", last)
        done(attempt, Outcome(*told))

    def cancel(self, attempt: Attempt) -> None:
        """Cancel the task of an attempt."""
        ask_to_end(attempt)
        self._loop.call_soon_threadsafe(self._cancel, attempt)
        told = failure(Cancelled("cancelled"))
        self._clock.call(self._drop_later, attempt, GRACE, "cancelled", told)

    def _cancel(self, attempt: Attempt) -> None:
        task = self._tasks.get(attempt)
        if task is not None:
            task.cancel()

    def _drop_later(self, attempt: Attempt, wait: float, why: str, told: tuple[Any, ...]) -> None:
        """Leave an attempt to itself if it has not ended by then, in seconds.  In the clock."""
        if attempt in self._open:
            line = f"[{why}: it was asked to end and has not; what it still does is dropped]\n"
            self._clock.take_back(self._limits.get(attempt))
            self._limits[attempt] = self._clock.later(
                wait, partial(self._tell, attempt, told, line)
            )

    def close(self) -> None:
        """Cancel what still runs and end the loop."""
        if self._clock.running:
            self._clock.call(self._clock.stop)
        self._loop.call_soon_threadsafe(self._close)
        self._thread.join(1.0)

    def _close(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        self._loop.call_soon(self._loop.stop)


def late(limit: float) -> tuple[Any, ...]:
    """How an attempt ended that took longer than its limit, in seconds."""
    error = {"type": "Timeout", "message": f"took longer than {limit:g} s", "traceback": ""}
    return ("error", None, error, None, False, ("Timeout", "TimeoutError"))
